"""What a sweep asks of the bucket: is a trial's file there, is it new, and what does it hold."""

import asyncio
from pathlib import Path
from typing import Protocol


class OutputFiles(Protocol):
    """Reads what versions wrote; a path begins with its bucket, as in ``/bucket/output/metrics.json``."""

    async def stamp(self, path: str) -> str | None:
        """A text that changes whenever the file is written, or None when there is no file."""
        ...

    async def read(self, path: str) -> bytes | None:
        """What the file holds, or None when there is no file."""
        ...


class FolderFiles:
    """Buckets that are folders of this machine, below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def stamp(self, path: str) -> str | None:
        try:
            status = await asyncio.to_thread(self._place(path).stat)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_size}"

    async def read(self, path: str) -> bytes | None:
        try:
            return await asyncio.to_thread(self._place(path).read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def _place(self, path: str) -> Path:
        return self._root / path.removeprefix("obs:/").lstrip("/")
