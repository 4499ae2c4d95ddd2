"""Objects one by one: what is there, and what they hold."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, overload

from ..errors import InvalidArgument, SessionClosed
from ._arguments import as_object
from ._transfer import bulk as _bulk
from ._transfer.checked import TRIES, put_checked, sound
from ._transfer.copy import copy
from ._transfer.flow import Lanes
from .errors import BucketNotFound, ContentDamaged, ObsNotFound, ObsRefused, TransferIncomplete
from .path import ObsPath
from .store import Content, Store
from .streams import ObsReader, ObsWriter
from .values import ObsEntry, TransferLimits, Transferred

_METHODS = ("GET", "PUT", "HEAD", "DELETE")
_WEEK_S = 7 * 24 * 3600


class Objects:
    """The objects of a store, which is opened at the first question.

    Args:
        open_store: opens it.
        limits: ceilings of all transfers together.
    """

    def __init__(self, open_store: Callable[[], Awaitable[Store]], limits: TransferLimits | None = None) -> None:
        self._open_store = open_store
        self._lanes = Lanes(limits or TransferLimits())
        self._store: Store | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    @property
    def limits(self) -> TransferLimits:
        """The ceilings of all transfers together."""
        return self._lanes.limits

    async def close(self) -> None:
        """Let go of what was opened; the session does it."""
        self._closed = True
        if self._store is not None:
            await self._store.close()

    async def list(self, path: str | ObsPath, *, recursive: bool = False) -> AsyncGenerator[ObsEntry, None]:
        """What lies in a folder, in the order of the keys; the folder itself is not told.

        Args:
            path: the folder, with or without its slash.
            recursive: all that is below it, and of folders only those that have a marker; else one level.

        Raises:
            BucketNotFound: there is no such bucket. A folder that is not there is an empty one.
        """
        folder = ObsPath.parse(path).folder()
        store = await self._opened()
        async for page in store.pages(folder, recursive=recursive):
            for entry in page:
                if entry.path != folder:
                    yield entry

    async def stat(self, path: str | ObsPath) -> ObsEntry:
        """What is known of an object, or of a folder that has a marker.

        Raises:
            ObsNotFound: there is none.
        """
        wanted = ObsPath.parse(path)
        store = await self._opened()
        entry = await store.stat(wanted)
        if entry is None:
            # Tells whether there is a bucket at all.
            async for _ in store.pages(wanted, recursive=False):
                break
            raise ObsNotFound("there is no such object", path=wanted)
        return entry

    async def exists(self, path: str | ObsPath) -> bool:
        """Whether there is such an object, or anything in such a folder; a bucket that is not there has neither."""
        wanted = ObsPath.parse(path)
        store = await self._opened()
        try:
            if await store.stat(wanted) is not None:
                return True
            async for page in store.pages(wanted.folder(), recursive=True):
                return bool(page)
        except BucketNotFound:
            return False
        return False

    async def read(self, path: str | ObsPath) -> bytes:
        """The content of an object.

        Raises:
            ObsNotFound: there is none.
            ContentDamaged: it did not arrive as it is there, several times.
        """
        store = await self._opened()
        for _ in range(TRIES):
            async with self.open(path) as reader:
                content = await reader.read()
            if await sound(store, self._lanes, reader.entry, content):
                return content
        raise ContentDamaged("it arrives damaged; read it again", path=reader.entry.path)

    async def write(self, path: str | ObsPath, content: Content, *, if_absent: bool = False) -> ObsEntry:
        """Write an object whole, or with a slash at the end and without content the marker of a folder.

        Args:
            path: the object; ``open`` writes one piece by piece.
            content: all of it.
            if_absent: whether one that is there already is left alone, which is an error; of several who write at
                once one succeeds.

        Raises:
            ObsExists: there is one already.
            ContentDamaged: it did not arrive as it left, several times; there is no object then.
            InvalidArgument: content for a folder.
        """
        target = ObsPath.parse(path)
        if not isinstance(content, bytes | bytearray | memoryview):
            raise InvalidArgument("content", content, "it is bytes")
        if isinstance(content, memoryview):
            # Of what it views, only the bytes count.
            content = content.cast("B")
        if target.is_folder and content:
            raise InvalidArgument("path", str(target), "a folder has no content; leave out the slash at its end")
        store = await self._opened()
        if if_absent or len(content) <= self.limits.part_bytes:
            await put_checked(store, self._lanes, target, content, if_absent=if_absent)
        else:
            async with ObsWriter(store, self._lanes, target) as writer:
                await writer.write(content)
        return await self.stat(target)

    @overload
    def open(self, path: str | ObsPath, mode: Literal["rb"] = "rb") -> AbstractAsyncContextManager[ObsReader]: ...

    @overload
    def open(self, path: str | ObsPath, mode: Literal["wb"]) -> AbstractAsyncContextManager[ObsWriter]: ...

    def open(
        self, path: str | ObsPath, mode: Literal["rb", "wb"] = "rb"
    ) -> AbstractAsyncContextManager[ObsReader] | AbstractAsyncContextManager[ObsWriter]:
        """A stream from or to an object; use it with ``async with``.

        Args:
            path: the object.
            mode: ``rb`` reads, ``wb`` writes; what is written appears whole when the block ends without an error.

        Raises:
            ObsNotFound: there is none to read.
        """
        if mode not in ("rb", "wb"):
            raise InvalidArgument("mode", mode, "it is rb or wb")
        target = as_object(path, "path")
        return self._reading(target) if mode == "rb" else self._writing(target)

    async def copy(self, src: str | ObsPath, dst: str | ObsPath) -> None:
        """Copy an object, into a folder where the target ends with a slash; its content does not come here.

        Raises:
            ObsNotFound: there is no such object.
            InvalidArgument: the target is the object itself.
        """
        source, target = as_object(src, "src"), ObsPath.parse(dst, "dst")
        target = target / source.name if target.is_folder else target
        if target == source:
            raise InvalidArgument("dst", str(dst), "it is the object that is copied; name another one")
        entry = await self.stat(source)
        await copy(await self._opened(), self._lanes, entry, target)

    async def delete(self, path: str | ObsPath, *, recursive: bool = False) -> int:
        """How many objects were removed; none is no error.

        Args:
            path: an object, or a folder with or without its slash.
            recursive: a folder with everything below it.

        Raises:
            ObsRefused: a folder that holds something, and not ``recursive``.
            TransferIncomplete: some could not be removed.
        """
        target = ObsPath.parse(path)
        store = await self._opened()
        if recursive:
            return await self._delete_below(store, target)
        if target.is_folder:
            async for entry in self.list(target):
                raise ObsRefused(f"it holds objects, {entry.path.name!r} among them; pass recursive=True", path=target)
        if await store.stat(target) is None:
            return 0
        await store.delete(target)
        return 1

    async def presign(self, path: str | ObsPath, *, method: str = "GET", expires_s: float = 3600.0) -> str:
        """An address that needs no keys for a while.

        Args:
            path: the object; whether there is one is not looked at.
            method: GET, PUT, HEAD or DELETE.
            expires_s: how long, in seconds, up to a week.

        Raises:
            ObsRefused: buckets that are folders of this machine have no addresses.
        """
        target = as_object(path, "path")
        if method not in _METHODS:
            raise InvalidArgument("method", method, f"it is one of {', '.join(_METHODS)}")
        if not 1 <= expires_s <= _WEEK_S:
            raise InvalidArgument("expires_s", expires_s, f"it is a number of seconds from 1 to {_WEEK_S}")
        return await (await self._opened()).presign(target, method, expires_s)

    async def _opened(self) -> Store:
        if self._closed:
            raise SessionClosed("the session is closed; open a new one")
        async with self._opening:
            if self._store is None:
                self._store = await self._open_store()
            return self._store

    @asynccontextmanager
    async def _reading(self, path: ObsPath) -> AsyncIterator[ObsReader]:
        entry = await self.stat(path)
        yield ObsReader(await self._opened(), self._lanes, entry)

    @asynccontextmanager
    async def _writing(self, path: ObsPath) -> AsyncIterator[ObsWriter]:
        async with ObsWriter(await self._opened(), self._lanes, path) as writer:
            yield writer

    async def _delete_below(self, store: Store, target: ObsPath) -> int:
        entries = [entry async for page in store.pages(target.folder(), recursive=True) for entry in page]
        objects = [entry for entry in entries if not entry.is_folder]
        markers = [entry for entry in entries if entry.is_folder]
        if not target.is_folder and (entry := await store.stat(target)) is not None:
            objects.append(entry)

        async def one(entry: ObsEntry) -> None:
            await store.delete(entry.path)

        failures = await _bulk.each(self.limits.transfers, objects, one)
        # From the inside to the outside, so that each is empty when its turn comes.
        for entry in reversed(markers):
            await store.delete(entry.path)
        done = len(objects) + len(markers) - len(failures)
        if failures:
            raise TransferIncomplete(f"{len(failures)} objects were not removed", failures, Transferred(deleted=done))
        return done
