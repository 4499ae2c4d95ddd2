"""One local file becomes one object."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Self

from ..._shielded import settled
from .._aside import aside, opened
from .._local import locally
from ..errors import ContentDamaged, KeysExpired, SourceChanged, SourceVanished, TargetIsFolder, UnusableName
from ..path import ObsPath
from ..selection import LocalFile
from ..store import Store
from .checked import TRIES, check
from .digest import Digest
from .flow import BESIDE_PARTS, SENT_WHOLE, Lanes, Steps

# Parts of one file that are sent at a time; other files fill the line beside it.
_AT_ONCE = 4
# Whoever sends a piece copies it while nothing else of this process can run, so it is a small one.
_PIECE = 1024 * 1024


async def upload(store: Store, lanes: Lanes, file: LocalFile, path: ObsPath, steps: Steps) -> None:
    """Send a file, and make sure that what arrived is what it holds.

    Raises:
        SourceChanged, SourceVanished: the file did not stay as it was; nothing was written.
        ContentDamaged: it did not arrive as it left, several times; there is no object then.
    """
    send = _whole if file.size <= lanes.limits.part_bytes else _in_parts
    for attempt in range(TRIES):
        try:
            await send(store, lanes, file, path, steps)
            break
        except ContentDamaged:
            steps.restart()
            if attempt == TRIES - 1:
                # What was there before is lost already, and a damaged object would be taken for a sound one.
                await store.delete(path)
                raise
        except KeysExpired as error:
            steps.restart()
            if attempt or not error.renewed:
                raise
        except BaseException:
            steps.restart()
            raise
    steps.finished()


async def _whole(store: Store, lanes: Lanes, file: LocalFile, path: ObsPath, steps: Steps) -> None:
    async with lanes.take(SENT_WHOLE * file.size):
        content, mine = await lanes.aside(file.size, _read_whole, file)
        etag = await store.put(path, content)
    steps.moved(file.size)
    await check(store, path, file.size, etag, mine)


async def _in_parts(store: Store, lanes: Lanes, file: LocalFile, path: ObsPath, steps: Steps) -> None:
    part_bytes = lanes.limits.part_of(file.size)
    most = lanes.limits.bytes_in_flight // part_bytes - BESIDE_PARTS
    at_once = max(1, min(_AT_ONCE, lanes.limits.transfers, most))
    async with lanes.take((at_once + BESIDE_PARTS) * part_bytes, at_once):
        reader = await opened(_Reader, _Reader.release, file, part_bytes, steps)
        try:
            etag = await store.put_parts(path, reader, part_bytes, at_once)
        except Exception:
            # Whoever asked for the next part may have put the reason into words of its own.
            if reader.problem is not None:
                raise reader.problem from None
            raise
        finally:
            await reader.close()
    await check(store, path, file.size, etag, reader.digest.value())


class _Reader:
    """The content of a file, each piece read while the one before it is taken. The file has to stay as it is."""

    def __init__(self, file: LocalFile, part_bytes: int, steps: Steps) -> None:
        self._file = file
        self._piece = min(_PIECE, part_bytes)
        self._steps = steps
        self._handle = _opened(file)
        self._ahead: asyncio.Task[bytes] | None = None
        self._closed = False
        self._came = 0
        self.digest = Digest(part_bytes)
        self.problem: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._closed:
            # A sender that was cancelled may still ask for the next part.
            raise StopAsyncIteration
        try:
            content = await asyncio.shield(self._ahead or self._read_ahead())
        except Exception as error:
            self.problem = error
            raise
        if not content:
            raise StopAsyncIteration
        if not self._closed:
            self._ahead = self._read_ahead()
            self._steps.moved(len(content))
        return content

    async def close(self) -> None:
        """Let go of the file, when nothing reads from it any more."""
        self._closed = True
        if self._ahead is not None:
            await settled(self._ahead)
        await aside(self.release)

    def release(self) -> None:
        """Let go of the file. Blocks."""
        os.close(self._handle)

    def _read_ahead(self) -> "asyncio.Task[bytes]":
        self._ahead = asyncio.create_task(asyncio.to_thread(self._next))
        return self._ahead

    def _next(self) -> bytes:
        with locally(self._file.place):
            content = _read(self._handle, self._piece)
            self._came += len(content)
            if len(content) < self._piece:
                _check_unchanged(self._file, self._handle, self._came)
        self.digest.add(content)
        return content


def _read_whole(file: LocalFile) -> tuple[bytes, str]:
    handle = _opened(file)
    try:
        with locally(file.place):
            content = _read(handle, file.size + 1)
            _check_unchanged(file, handle, len(content))
    finally:
        os.close(handle)
    digest = Digest()
    digest.add(content)
    return content, digest.value()


def _opened(file: LocalFile) -> int:
    with locally(file.place):
        try:
            handle = os.open(file.place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise SourceVanished("it was removed before it could be read", path=file.place) from None
    try:
        _check_unchanged(file, handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _read(handle: int, most: int) -> bytes:
    chunks = []
    while most and (chunk := os.read(handle, most)):
        chunks.append(chunk)
        most -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _check_unchanged(file: LocalFile, handle: int, came: int | None = None) -> None:
    status = os.fstat(handle)
    if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
        raise SourceChanged("it changed while it was read; wait until nobody writes to it", path=file.place)
    if came not in (None, file.size):
        # As what the kernel makes up when it is asked, such as files in /proc.
        raise SourceChanged("it does not hold as much as its size says; copy it, and send that", path=file.place)


def local_file(given: "str | os.PathLike[str]") -> LocalFile:
    """The file that a path names. Blocks.

    Raises:
        SourceVanished: there is none.
        TargetIsFolder: it is a folder.
        UnusableName: it is a device or a pipe.
    """
    place = Path(given)
    with locally(place):
        status = place.stat()
    if stat.S_ISDIR(status.st_mode):
        raise TargetIsFolder("it is a folder, and a file is asked for; use upload_dir or sync_up", path=place)
    if not stat.S_ISREG(status.st_mode):
        raise UnusableName("it is no file but a device or a pipe; send what comes from it as a stream", path=place)
    return LocalFile(place.name, place, status.st_size, status.st_mtime_ns)
