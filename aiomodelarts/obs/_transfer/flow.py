"""How much is moved at one time, and how far it is."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from .._aside import Batched, aside, go_on, lasting
from ..values import OnProgress, Progress, TransferLimits
from .digest import Digest, digest_file

# Content that is sent with one request is held twice: here, and by what sends it.
SENT_WHOLE = 2
# Parts that are held beside those on their way: one is being filled, and another is read and handed over.
BESIDE_PARTS = 2
# Content up to this size is read or written in less time than a thread takes to come and go.
_SHORT = 64 * 1024
T = TypeVar("T")
P = ParamSpec("P")


class Lanes:
    """What all transfers of a session share: so many requests and so many bytes, first come, first served.

    Args:
        limits: the whole; who asks for more of one gets all of it, alone.
    """

    def __init__(self, limits: TransferLimits) -> None:
        self.limits = limits
        self._transfers = limits.transfers
        self._bytes = limits.bytes_in_flight
        self._waiting: deque[tuple[_Room, asyncio.Future[None]]] = deque()
        self._batched = Batched()
        # The threads are everybody's: a name look-up that finds all of them at work for minutes comes too late.
        self._comparing = asyncio.Semaphore(os.cpu_count() or 1)

    async def aside(self, size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work returns, done in a thread; ``size`` bytes of content are what it is about."""
        return await (self._batched if size <= _SHORT else aside)(work, *args, **kwargs)

    async def digest(self, place: Path, size: int, digest: Digest) -> str:
        """The ETag that a local file of about ``size`` bytes would have; ``digest`` is a fresh one."""
        if size <= _SHORT:
            return await self._batched(digest_file, go_on, place, digest)
        async with self._comparing:
            return await lasting(digest_file, place, digest)

    def take(self, size: int, transfers: int = 1) -> "_Room":
        """Room for content of ``size`` bytes on its way in ``transfers`` requests, for as long as a block lasts."""
        return _Room(self, min(size, self.limits.bytes_in_flight), min(transfers, self.limits.transfers))

    async def acquire(self, room: "_Room") -> None:
        """Return when there is this room."""
        if not self._waiting and self._takes(room):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((room, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove((room, turn))
                self._serve()
            else:
                # It was given at the very moment.
                self.release(room)
            raise

    def release(self, room: "_Room") -> None:
        """Let others have it."""
        self._transfers += room.transfers
        self._bytes += room.size
        self._serve()

    def _serve(self) -> None:
        # One that was cancelled is about to go by itself, and then serves the next one.
        while self._waiting and not self._waiting[0][1].cancelled() and self._takes(self._waiting[0][0]):
            _, turn = self._waiting.popleft()
            turn.set_result(None)

    def _takes(self, room: "_Room") -> bool:
        if room.size > self._bytes or room.transfers > self._transfers:
            return False
        self._transfers -= room.transfers
        self._bytes -= room.size
        return True


class _Room:
    """A share of the lanes."""

    __slots__ = ("_lanes", "size", "transfers")

    def __init__(self, lanes: Lanes, size: int, transfers: int) -> None:
        self._lanes = lanes
        self.size = size
        self.transfers = transfers

    async def __aenter__(self) -> None:
        await self._lanes.acquire(self)

    async def __aexit__(self, *_: object) -> None:
        self._lanes.release(self)


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
