"""Objects read and written piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from .._shielded import settled
from ..errors import InvalidArgument
from ._aside import aside
from ._transfer.checked import check, put_checked
from ._transfer.digest import Digest
from ._transfer.flow import BESIDE_PARTS, Lanes
from .errors import ContentDamaged
from .path import ObsPath
from .store import Content, Store
from .values import ObsEntry

_NOTHING = memoryview(b"")


class ObsReader:
    """An object that is read from its beginning to its end; use it with ``async with``.

    All of it comes from one and the same object: when it is written anew meanwhile, reading ends with ``ObsChanged``.
    """

    def __init__(self, store: Store, lanes: Lanes, entry: ObsEntry) -> None:
        self._store = store
        self._lanes = lanes
        self._at = 0
        self._left = _NOTHING
        self.entry = entry

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._left = _NOTHING

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks()

    async def read(self, size: int = -1) -> bytes:
        """The next bytes, at most ``size`` of them, or all that are left; empty at the end."""
        pieces: list[memoryview] = []
        while size and await self._there():
            piece = self._left if size < 0 else self._left[:size]
            self._left = self._left[len(piece) :]
            size -= len(piece) if size > 0 else 0
            pieces.append(piece)
        return b"".join(pieces)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while await self._there():
            left, self._left = self._left, _NOTHING
            chunk = bytes(left)
            del left
            yield chunk
            del chunk

    async def _there(self) -> bool:
        """Whether there is more to read; what comes next is here then."""
        if not self._left and self._at < self.entry.size:
            end = min(self._at + self._lanes.limits.part_bytes, self.entry.size)
            async with self._lanes.take(end - self._at):
                self._left = memoryview(await self._store.get(self.entry, self._at, end))
            self._at = end
        return bool(self._left)


class ObsWriter:
    """An object that is written piece by piece; use it with ``async with``.

    It appears, whole, when the block ends, and not at all when the block ends with an error, which ``ContentDamaged``
    is: what arrived was not what was written.
    """

    def __init__(self, store: Store, lanes: Lanes, path: ObsPath) -> None:
        self._store = store
        self._lanes = lanes
        self._path = path
        self._part_bytes = lanes.limits.part_bytes
        self._buffer = bytearray()
        self._digest = Digest(self._part_bytes)
        self._size = 0
        # One part waits here while another one is on its way; further writing waits as well.
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._sending: asyncio.Task[str | None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._give_up()
        elif self._sending is None:
            await put_checked(self._store, self._lanes, self._path, bytes(self._buffer))
        else:
            try:
                if self._buffer:
                    await self._send(bytes(self._buffer))
                await self._hand_over(None)
                etag = await asyncio.shield(self._sending)
                await self._check(etag)
            except BaseException:
                await self._give_up()
                raise

    async def write(self, content: Content) -> int:
        """Add to the object; returns how much was added.

        Raises:
            ObsError: what was written before could not be sent.
        """
        if not isinstance(content, bytes | bytearray | memoryview):
            raise InvalidArgument("content", content, "it is bytes")
        left = memoryview(content).cast("B")
        added = len(left)
        # What fills a part exactly may be all there is, and goes up with one request then.
        while len(self._buffer) + len(left) > self._part_bytes:
            room = self._part_bytes - len(self._buffer)
            self._buffer += left[:room]
            left = left[room:]
            part, self._buffer = bytes(self._buffer), bytearray()
            await self._send(part)
            del part
        self._buffer += left
        return added

    async def _send(self, part: bytes) -> None:
        if self._sending is None:
            self._sending = asyncio.create_task(self._put())
        await self._hand_over(part)

    async def _hand_over(self, part: bytes | None) -> None:
        assert self._sending is not None
        waiting = asyncio.create_task(self._parts.put(part))
        try:
            await asyncio.wait([waiting, self._sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._sending.done():
            # It ends by itself only when it failed, or when it got the end.
            self._sending.result()

    async def _put(self) -> str | None:
        # One part is being filled by whoever writes, one waits in the queue, and one is on its way.
        async with self._lanes.take((3 + BESIDE_PARTS) * self._part_bytes):
            return await self._store.put_parts(self._path, self._taken(), self._part_bytes, 1)

    async def _taken(self) -> AsyncIterator[bytes]:
        while (part := await self._parts.get()) is not None:
            await aside(self._digest.add, part)
            self._size += len(part)
            yield part

    async def _check(self, etag: str | None) -> None:
        try:
            await check(self._store, self._path, self._size, etag, self._digest.value())
        except ContentDamaged:
            # What was written cannot be sent again, and would be taken for sound.
            await self._store.delete(self._path)
            raise

    async def _give_up(self) -> None:
        self._buffer.clear()
        if self._sending is not None and not self._sending.done():
            self._sending.cancel()
            await settled(self._sending)
