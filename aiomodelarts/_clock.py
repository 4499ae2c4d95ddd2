"""Time as it is handed to everything that waits or dates something."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The three questions about time that the library asks."""

    def now(self) -> float:
        """Wall time in seconds since the Unix epoch; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; it never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of monotonic time."""
        ...


class SystemClock(Clock):
    """The machine's own clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
