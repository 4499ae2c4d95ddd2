"""What a sweep asks of the bucket: is a trial's file there, is it new, and what does it hold."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..errors import SweepError
from ..obs import Obs
from ..obs.errors import ObsNotFound


class OutputFiles(Protocol):
    """Reads what versions wrote; a path begins with its bucket, as in ``/bucket/output/metrics.json``."""

    async def stamp(self, path: str) -> str | None:
        """A text that changes whenever the file is written, or None when there is no file."""
        ...

    async def read(self, path: str) -> bytes | None:
        """What the file holds, or None when there is no file."""
        ...


class ObsFiles:
    """Buckets of object storage."""

    def __init__(self, obs: Obs) -> None:
        self._obs = obs

    async def stamp(self, path: str) -> str | None:
        try:
            entry = await self._obs.stat(path)
        except ObsNotFound:
            return None
        return f"{entry.etag}-{entry.modified}-{entry.size}"

    async def read(self, path: str) -> bytes | None:
        try:
            return await self._obs.read(path)
        except ObsNotFound:
            return None


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

    async def put(
        self, folder: Path, path: str, *, leave_out: Path | None = None, most_files: int | None = None
    ) -> None:
        """Copy what a folder holds to a path of the bucket store, over what is there.

        Args:
            folder: on this machine; hidden files and compiled Python are left out.
            path: begins with the bucket.
            leave_out: a folder inside it that is not copied.
            most_files: how many files it may hold, or None for any number.

        Raises:
            SweepError: it holds more; nothing was copied.
            OSError: a file cannot be read or written.
        """
        await asyncio.to_thread(self._copy, folder, self._place(path), leave_out, most_files)

    def _copy(self, folder: Path, target: Path, leave_out: Path | None, most_files: int | None) -> None:
        not_copied = {leave_out.resolve() if leave_out else None, self._root.resolve()}

        def ignored(place: str, names: list[str]) -> list[str]:
            return [
                name
                for name in names
                if name.startswith(".") or name == "__pycache__" or (Path(place) / name).resolve() in not_copied
            ]

        if most_files is not None:
            _check_count(folder, ignored, most_files)
        shutil.copytree(folder, target, ignore=ignored, dirs_exist_ok=True)

    def _place(self, path: str) -> Path:
        return self._root / path.removeprefix("obs:").lstrip("/")


def _check_count(folder: Path, ignored: Callable[[str, list[str]], list[str]], most_files: int) -> None:
    count = 0
    for place, folders, files in os.walk(folder):
        folders[:] = set(folders).difference(ignored(place, folders))
        count += len(files) - len(ignored(place, files))
        if count > most_files:
            raise SweepError(
                f"{folder.resolve()} holds more than {most_files} files; "
                "give the code a folder of its own, and name it under [local] code_dir"
            )
