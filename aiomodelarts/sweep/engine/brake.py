"""Ends a sweep before its time: everything that waits in it can be told at once."""

import asyncio

from ..._clock import Clock
from .halts import Halt, Running, StoppedAsAsked


class Brake:
    """Pulled once, by somebody who wants the sweep to end or by the sweep itself.

    Args:
        clock: measures pauses.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pulled = asyncio.Event()
        self.halt: Halt | None = None

    def pull(self, halt: Halt) -> None:
        """End the sweep for this reason; the first one counts."""
        if self.halt is None:
            self.halt = halt
            self._pulled.set()

    def ask(self, running: Running) -> None:
        """End the sweep as somebody wants it."""
        self.pull(StoppedAsAsked(running))

    async def pulled(self) -> Halt:
        """Return when it is pulled, with the reason."""
        await self._pulled.wait()
        assert self.halt is not None
        return self.halt

    async def pause(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Halt: the sweep ends, or has ended already.
        """
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        ending = asyncio.ensure_future(self._pulled.wait())
        try:
            await asyncio.wait({sleeping, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            ending.cancel()
            await asyncio.gather(sleeping, ending, return_exceptions=True)
        if self.halt is not None:
            raise self.halt
