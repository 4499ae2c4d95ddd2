"""How much is moved at one time, and how far it is."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ..values import OnProgress, Progress, TransferLimits

# Content that is sent with one request is held twice: here, and by what sends it.
SENT_WHOLE = 2
# Parts that are held beside those on their way: one is being filled, and another is read and handed over.
BESIDE_PARTS = 2


class Budget:
    """An amount that many share, first come, first served.

    Args:
        capacity: the whole; who asks for more gets all of it, alone.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._free = capacity
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator[None]:
        """Hold an amount for as long as the block lasts."""
        amount = min(amount, self._capacity)
        await self._acquire(amount)
        try:
            yield
        finally:
            self._release(amount)

    async def _acquire(self, amount: int) -> None:
        if not self._waiting and amount <= self._free:
            self._free -= amount
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was given at the very moment.
                self._release(amount)
            else:
                self._waiting.remove((amount, turn))
                self._serve()
            raise

    def _release(self, amount: int) -> None:
        self._free += amount
        self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            amount, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= amount
                turn.set_result(None)


class Lanes:
    """What all transfers of a session share."""

    def __init__(self, limits: TransferLimits) -> None:
        self.limits = limits
        self._transfers = Budget(limits.transfers)
        self._bytes = Budget(limits.bytes_in_flight)

    @asynccontextmanager
    async def take(self, size: int, transfers: int = 1) -> AsyncIterator[None]:
        """Room for content of ``size`` bytes on its way in ``transfers`` requests."""
        async with self._transfers.take(transfers), self._bytes.take(size):
            yield


class Tally:
    """How far one transfer is.

    Args:
        sizes: of the files that belong to it.
        tell: is called with each step, on the event loop.
    """

    def __init__(self, sizes: Sequence[int], tell: OnProgress | None) -> None:
        self._bytes_total = sum(sizes)
        self._files_total = len(sizes)
        self._bytes = self.files = self.bytes = self._skipped = 0
        self._tell = tell
        self._report()

    @property
    def skipped(self) -> int:
        """Files that were there already."""
        return self._skipped

    def skip(self, size: int) -> None:
        """A file is there already."""
        self._skipped += 1
        self._step(size)

    def file(self, size: int) -> "Steps":
        """The steps of one file that is to be moved."""
        return Steps(self, size)

    def _step(self, size: int) -> None:
        self._bytes += size
        self._report()

    def _report(self) -> None:
        if self._tell is not None:
            done = self.files + self._skipped
            self._tell(Progress(self._bytes, self._bytes_total, done, self._files_total))


class Steps:
    """How far one file is."""

    def __init__(self, tally: Tally, size: int) -> None:
        self._tally = tally
        self._size = size
        self._moved = 0

    def moved(self, size: int) -> None:
        """So many more bytes are there."""
        self._moved += size
        self._tally._step(size)

    def restart(self) -> None:
        """What was moved has to be moved again, or will not be moved at all."""
        moved, self._moved = self._moved, 0
        if moved:
            self._tally._step(-moved)

    def finished(self) -> None:
        """The file is there."""
        self._tally.files += 1
        self._tally.bytes += self._size
        self.moved(self._size - self._moved)
