"""Clocks, as tests hand them in."""

import asyncio

from aiomodelarts._clock import SystemClock

EPOCH = 1_700_000_000.0


class LoopClock:
    """The running loop's time, so that a virtual-time loop moves everything together."""

    def now(self) -> float:
        return EPOCH + self.monotonic()

    def monotonic(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            # A session may be made before there is a loop.
            return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HandClock:
    """Time that passes when somebody sleeps, and when a test says so."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class MovedClock(SystemClock):
    """The machine's clock, set ahead as a test says."""

    ahead_s = 0.0

    def now(self) -> float:
        return super().now() + self.ahead_s
