"""OBS as a folder: ``/bucket/x`` and ``obs://bucket/x`` are ``<root>/obs/bucket/x``, and nothing outside."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path

_SCHEME = "obs://"
_ENCODED = re.compile(r"%(2e|2f|5c|00|25)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
MAX_KEY_BYTES = 1023


class OutsideError(ValueError):
    """A path that does not lie in a bucket."""


def segments(path: str) -> list[str]:
    """The bucket and the names below it, as the text tells; nothing is looked up.

    Raises:
        OutsideError: the text is not of the form ``/bucket/name`` or ``obs://bucket/name``, or it could mean
            a place outside.
    """
    rest = path.removeprefix(_SCHEME) if path.startswith(_SCHEME) else path.removeprefix("/")
    if not path.startswith(("/", _SCHEME)) or _CONTROL.search(path) or _ENCODED.search(path):
        raise OutsideError(path)
    names = rest.removesuffix("/").split("/")
    if any(name in ("", ".", "..") or len(os.fsencode(name)) > 255 for name in names):
        raise OutsideError(path)
    if _BUCKET.fullmatch(names[0]) is None or len(rest.encode()) > MAX_KEY_BYTES:
        raise OutsideError(path)
    return names


class Folder:
    """OBS on this machine.

    Args:
        root: holds one folder per bucket. It has to be an absolute path without links.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def resolve(self, path: str) -> Path:
        """The place of an OBS path, links followed. Blocks.

        Raises:
            OutsideError: the path does not stay below the root.
        """
        try:
            place = Path(os.path.realpath(self.root.joinpath(*segments(path))))
        except (ValueError, OSError) as error:
            raise OutsideError(path) from error
        if not place.is_relative_to(self.root):
            raise OutsideError(path)
        return place

    async def check(self, paths: Mapping[str, str]) -> str | None:
        """See :class:`~aiomodelarts.local.ports.Storage`."""
        if not paths:
            return None
        return await asyncio.to_thread(self._first_outside, paths)

    def _first_outside(self, paths: Mapping[str, str]) -> str | None:
        for name, path in paths.items():
            try:
                self.resolve(path)
            except OutsideError:
                return name
        return None


class Nowhere:
    """Storage for runs that touch no files: only the text of a path is judged."""

    async def check(self, paths: Mapping[str, str]) -> str | None:
        """See :class:`~aiomodelarts.local.ports.Storage`."""
        for name, path in paths.items():
            try:
                segments(path)
            except (OutsideError, UnicodeEncodeError):
                return name
        return None
