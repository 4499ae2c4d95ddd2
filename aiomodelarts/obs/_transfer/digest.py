"""Checks on content: the MD5 that an ETag is, and when it is none."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from .._local import locally
from ..store import Content

# As OBS and all of our own write it; one in capitals is somebody else's, and would never be equal.
_ETAG = re.compile(r"[0-9a-f]{32}(?:-([0-9]+))?")
# Each thread's allocator keeps what it gave out last, so many threads with large pieces hold much for nothing.
_PIECE = 256 * 1024


class Digest:
    """The ETag that content would have.

    Args:
        part_bytes: size of the parts in which it is written, or None for one that is written whole.
    """

    def __init__(self, part_bytes: int | None = None) -> None:
        self._part_bytes = part_bytes
        self._whole = hashlib.md5(usedforsecurity=False)
        self._part = hashlib.md5(usedforsecurity=False)
        self._parts = self._in_part = 0

    def add(self, content: Content) -> None:
        """Take the next content in, however much it is."""
        if self._part_bytes is None:
            self._whole.update(content)
            return
        left = memoryview(content)
        while left:
            piece = left[: self._part_bytes - self._in_part]
            left = left[len(piece) :]
            self._part.update(piece)
            self._in_part += len(piece)
            if self._in_part == self._part_bytes:
                self._end_part()

    def value(self) -> str:
        """The ETag; nothing may be added any more."""
        if self._part_bytes is None:
            return self._whole.hexdigest()
        if self._in_part:
            self._end_part()
        return f"{self._whole.hexdigest()}-{self._parts}"

    def _end_part(self) -> None:
        self._whole.update(self._part.digest())
        self._part = hashlib.md5(usedforsecurity=False)
        self._parts, self._in_part = self._parts + 1, 0


def is_digest(etag: str) -> bool:
    """Whether an ETag has the form of one; a storage that encrypts with its own keys gives others in the same form."""
    return _ETAG.fullmatch(etag) is not None


def digest_for(etag: str | None, size: int, part_bytes: int) -> Digest | None:
    """What computes this ETag from the content, or None where that cannot be known.

    An ETag is the MD5 of what was written whole, and made of those of the parts where it was written in parts; how
    large these were is known only where their number is the one that we would have made.
    """
    found = _ETAG.fullmatch(etag or "")
    if found is None:
        return None
    if found[1] is None:
        return Digest()
    return Digest(part_bytes) if int(found[1]) == -(-size // max(part_bytes, 1)) else None


def digest_file(check: Callable[[], None], place: Path, digest: Digest) -> str:
    """The ETag that a local file would have. Blocks.

    Args:
        check: is called again and again, and may end it with an error.
        place: the file.
        digest: a fresh one.
    """
    with locally(place):
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for piece in pieces_of(handle, 0, os.fstat(handle).st_size):
                check()
                digest.add(piece)
        finally:
            os.close(handle)
    return digest.value()


def pieces_of(handle: int, start: int, end: int) -> Iterator[bytes]:
    """A range of an open file, in pieces that are small enough not to matter. Blocks."""
    while start < end and (piece := os.pread(handle, min(_PIECE, end - start), start)):
        yield piece
        start += len(piece)
