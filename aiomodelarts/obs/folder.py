"""Buckets that are folders of this machine: the object storage of the local platform.

Objects are plain files, so that the scripts which run there find them under their own names. An empty folder is what a
folder marker is in a bucket; one that holds anything needs none, and goes with the last object in it.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from pathlib import Path

from ._aside import aside, lasting
from ._tree import Tree, append
from .errors import ObsRefused
from .path import ObsPath
from .store import Content
from .values import ObsEntry

_PAGE = 1000


class FolderStore:
    """Object storage in a folder; see ``Store`` for what each method does.

    Args:
        root: holds one folder for each bucket.
        makes_buckets: whether a bucket that is missing is made when something is written to it.
    """

    def __init__(self, root: "str | os.PathLike[str]", *, makes_buckets: bool = False) -> None:
        self._tree = Tree(Path(root).absolute(), makes_buckets=makes_buckets)

    async def pages(self, folder: ObsPath, *, recursive: bool) -> AsyncGenerator[Sequence[ObsEntry], None]:
        found = await aside(self._tree.entries, folder, recursive=recursive)
        for start in range(0, len(found), _PAGE):
            yield found[start : start + _PAGE]

    async def stat(self, path: ObsPath) -> ObsEntry | None:
        return await aside(self._tree.stat, path)

    async def get(self, entry: ObsEntry, start: int, end: int) -> Content:
        return await aside(self._tree.read, entry, start, end)

    async def stream(self, entry: ObsEntry, start: int, end: int, about: int) -> AsyncGenerator[Content, None]:
        for at in range(start, end, about):
            yield await self.get(entry, at, min(at + about, end))

    async def put(self, path: ObsPath, content: Content, *, if_absent: bool = False) -> str | None:
        return await aside(self._put, path, content, if_absent)

    async def put_parts(
        self,
        path: ObsPath,
        parts: AsyncIterable[Content],
        part_bytes: int,  # noqa: ARG002  (a file is written from its beginning to its end)
        at_once: int,  # noqa: ARG002
    ) -> str | None:
        incoming = await aside(self._tree.incoming, path)
        try:
            async for part in parts:
                await aside(append, incoming, part)
            return await aside(self._tree.land, incoming, path)
        finally:
            await aside(incoming.unlink, missing_ok=True)

    async def copy(self, source: ObsPath, target: ObsPath) -> None:
        await aside(self._tree.copy, source, target)

    async def delete(self, path: ObsPath) -> None:
        await aside(self._tree.delete, path)

    async def fingerprint(self, entry: ObsEntry) -> str | None:
        return await lasting(self._tree.md5, entry)

    async def exact(self, entry: ObsEntry) -> bool:  # noqa: ARG002  (its ETags are no check sums)
        return False

    async def presign(self, path: ObsPath, method: str, expires_s: float) -> str:  # noqa: ARG002
        raise ObsRefused("a bucket that is a folder of this machine has no addresses", path=path)

    async def close(self) -> None:
        return

    def _put(self, path: ObsPath, content: Content, if_absent: bool) -> str | None:
        if path.is_folder:
            self._tree.make_folder(path)
            return None
        incoming = self._tree.incoming(path)
        try:
            append(incoming, content)
            return self._tree.land(incoming, path, if_absent=if_absent)
        finally:
            incoming.unlink(missing_ok=True)
