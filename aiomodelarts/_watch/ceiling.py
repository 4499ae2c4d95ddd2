"""A ceiling on the requests of a second, over all that share it."""

import asyncio
import math
from collections import deque

from .._clock import Clock

# Times closer together than this are the same: timers fire early by as much.
_INSTANT_S = 1e-6


class Ceiling:
    """Hands out turns so that no more than ``per_s`` begin in a second, first come, first served.

    Whoever is cancelled while waiting uses up no turn, so nobody waits for those who have left.

    Args:
        per_s: turns in a second.
        clock: measures the time between two; waiting is done on the running loop's own time.
    """

    __slots__ = ("_clock", "_gap_s", "_next", "_timer", "_waiting")

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._gap_s = 1 / per_s
        self._clock = clock
        self._next = -math.inf
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self) -> None:
        """Return when one more may begin."""
        now = self._clock.monotonic()
        if not self._waiting and now >= self._next:
            self._next = now + self._gap_s
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._serve()
        try:
            await future
        except asyncio.CancelledError:
            if not future.cancelled():
                # It had its turn already, which the next one has in its place.
                self._next = self._clock.monotonic()
                self._stop_timer()
                self._serve()
            raise

    def _serve(self) -> None:
        """Give the first one its turn, if it is time for that, and see to it that the rest is not forgotten."""
        if self._timer is not None:
            return
        while self._waiting:
            if self._waiting[0].done():
                del self._waiting[0]
                continue
            now = self._clock.monotonic()
            if now < self._next - _INSTANT_S:
                self._timer = asyncio.get_running_loop().call_later(self._next - now, self._wake)
                return
            self._next = now + self._gap_s
            self._waiting.popleft().set_result(None)

    def _wake(self) -> None:
        self._timer = None
        self._serve()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
