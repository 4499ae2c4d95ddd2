"""What to do when the platform has no room: wait, and let one ask for all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

from ...errors import ModelArtsError
from ..reasons import one_line
from .brake import Brake

_FIRST_S, _LONGEST_S, _GROWTH, _SPREAD = 5.0, 300.0, 2.0, 0.2


class Shortage:
    """Keeps creations back while the platform refuses them for want of room.

    One of them asks then, with pauses that grow; the first that is accepted lets all of them go on.

    Args:
        brake: ends the waiting.
        rng: spreads what several controllers ask.
        tell: is told what is waited for, and None when there is room again.
    """

    def __init__(self, brake: Brake, rng: Random, tell: Callable[[str | None], Awaitable[None]]) -> None:
        self._brake = brake
        self._rng = rng
        self._tell = tell
        self._pause_s = 0.0
        self._refusals = 0
        self._asking = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[int]:
        """May ask, for as long as the block lasts; what it gives goes to ``refused``.

        Raises:
            Halt: the sweep ends.
        """
        if not self._pause_s:
            yield self._refusals
            return
        async with self._asking:
            if self._pause_s:
                await self._brake.pause(self._pause_s)
            yield self._refusals

    async def refused(self, turn: int, error: ModelArtsError) -> None:
        """There was no room; those that asked at the same moment say nothing new."""
        if turn != self._refusals:
            return
        self._refusals += 1
        grown = min(_LONGEST_S, max(_FIRST_S, self._pause_s * _GROWTH))
        self._pause_s = max(error.retry_after_s or 0.0, grown * self._rng.uniform(1 - _SPREAD, 1 + _SPREAD))
        await self._tell(f"waits for room at the platform, asks again in {self._pause_s:.0f} s: {one_line(error)}")

    async def accepted(self) -> None:
        """There was room."""
        if self._pause_s:
            self._pause_s = 0.0
            await self._tell(None)
