"""Checks on content: the MD5 that an ETag is, and when it is none."""

import hashlib
import re
from pathlib import Path

from ._local import locally
from .store import Content

_ETAG = re.compile(r"[0-9a-f]{32}(?:-([0-9]+))?", re.IGNORECASE)
_CHUNK = 1024 * 1024


class Digest:
    """The ETag that content would have.

    Args:
        part_bytes: size of the parts in which it is written, or None for one that is written whole.
    """

    def __init__(self, part_bytes: int | None = None) -> None:
        self._part_bytes = part_bytes
        self._whole = hashlib.md5(usedforsecurity=False)
        self._parts = 0

    def add(self, content: Content) -> None:
        """Take the next content in; where there are parts it is exactly one of them."""
        if self._part_bytes is None:
            self._whole.update(content)
        else:
            self._whole.update(hashlib.md5(content, usedforsecurity=False).digest())
            self._parts += 1

    def value(self) -> str:
        """The ETag."""
        return self._whole.hexdigest() if self._part_bytes is None else f"{self._whole.hexdigest()}-{self._parts}"


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


def digest_file(place: Path, digest: Digest, chunk: int = _CHUNK) -> str:
    """The ETag that a local file would have. Blocks.

    Args:
        place: the file.
        digest: a fresh one.
        chunk: bytes that are read at a time; the size of a part where there are parts.
    """
    with locally(place), place.open("rb") as file:
        while content := file.read(chunk):
            digest.add(content)
    return digest.value()
