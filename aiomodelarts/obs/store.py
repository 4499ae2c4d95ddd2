"""What a place for objects has to be able to do; everything else is built on it."""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from typing import Protocol

from .path import ObsPath
from .values import ObsEntry

Content = bytes | bytearray | memoryview


class Store(Protocol):
    """Buckets of objects. Whatever it raises is an ``ObsError`` or another ``ModelArtsError``."""

    def pages(self, folder: ObsPath, *, recursive: bool) -> AsyncGenerator[Sequence[ObsEntry], None]:
        """What lies below a folder, page by page, in the order of the keys.

        Args:
            folder: its own marker is told as well.
            recursive: everything below it, markers included as folders; else one level, with the folders in it.

        Raises:
            BucketNotFound: there is no such bucket. A folder that is not there is an empty one.
        """
        ...

    async def stat(self, path: ObsPath) -> ObsEntry | None:
        """The object, or the marker of a folder, or None."""
        ...

    async def get(self, entry: ObsEntry, start: int, end: int) -> Content:
        """The bytes from ``start`` up to but not including ``end``.

        Raises:
            ObsChanged: the object is no longer the one of this entry.
            ContentDamaged: another number of bytes came.
        """
        ...

    def stream(self, entry: ObsEntry, start: int, end: int, about: int) -> AsyncGenerator[Content, None]:
        """The bytes that ``get`` gives, in pieces of ``about`` that size as they come.

        Raises:
            ObsChanged, ContentDamaged: as ``get``; the latter maybe after the last piece.
        """
        ...

    async def put(self, path: ObsPath, content: Content, *, if_absent: bool = False) -> str | None:
        """Write an object whole; for a folder its marker. What comes back is the ETag.

        Raises:
            ObsExists: there is one, and it is to be written only ``if_absent``.
        """
        ...

    async def put_parts(
        self, path: ObsPath, parts: AsyncIterable[Content], part_bytes: int, at_once: int
    ) -> str | None:
        """Write an object from parts as they come; it appears when the last one is there, or not at all.

        Args:
            path: its key.
            parts: content in pieces, none larger than ``part_bytes``. An error that it raises ends the writing.
            part_bytes: size of a part.
            at_once: parts that are sent at one time.
        """
        ...

    async def copy(self, source: ObsPath, target: ObsPath) -> None:
        """Copy an object without reading it here."""
        ...

    async def delete(self, path: ObsPath) -> None:
        """Remove an object or a marker; what is not there is as good as removed."""
        ...

    async def fingerprint(self, entry: ObsEntry) -> str | None:
        """What an ETag usually is, see ``digest_for``; None where nobody can tell.

        Where it is not the ETag itself, it was made from the content just now, and there is no doubt about it.
        """
        ...

    async def exact(self, entry: ObsEntry) -> bool:
        """Whether the ETag of an object really comes from its content.

        Raises:
            ObsChanged: it is no longer the object of the entry.
        """
        ...

    async def presign(self, path: ObsPath, method: str, expires_s: float) -> str:
        """An address that needs no keys for a while.

        Raises:
            ObsRefused: the store has no addresses.
        """
        ...

    async def close(self) -> None:
        """Let go of what was opened."""
        ...
