"""Objects as plain files below a folder. Everything here blocks."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ._local import locally
from .errors import (
    BucketNotFound,
    ContentDamaged,
    LinkOutside,
    ObsChanged,
    ObsExists,
    ObsNotFound,
    TargetIsFile,
    TargetIsFolder,
)
from .path import ObsPath
from .store import Content
from .values import MIB, ObsEntry

# No bucket has such a name, so nothing in it is ever an object.
_INCOMING = ".incoming"
# No object has a name that is too long for this machine.
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


class Tree:
    """Buckets that are the folders in ``root``; with ``makes_buckets`` a missing one is made when it is written to."""

    def __init__(self, root: Path, *, makes_buckets: bool) -> None:
        self._root = root
        self._makes_buckets = makes_buckets

    def entries(self, folder: ObsPath, *, recursive: bool) -> list[ObsEntry]:
        """What lies below a folder, in the order of the keys."""
        place = self._place(folder)
        if self.stat(folder.folder()) is None:
            return []
        with locally(folder):
            found = list(_below(place, folder, self._bucket(folder), recursive=recursive))
        return sorted(found, key=lambda entry: entry.path.key.encode())

    def stat(self, path: ObsPath) -> ObsEntry | None:
        """The object, or the folder, or None."""
        place = self._place(path)
        with locally(path):
            try:
                status = place.stat()
            except OSError as error:
                if error.errno in _NOT_THERE:
                    return None
                raise
            return _entry(path, status) if stat.S_ISDIR(status.st_mode) == path.is_folder else None

    def read(self, entry: ObsEntry, start: int, end: int) -> bytes:
        """A range of an object that is still the one of the entry."""
        with self._opened(entry.path) as handle:
            if _etag(os.fstat(handle)) != entry.etag:
                raise ObsChanged("it was written anew while it was read; read it again", path=entry.path)
            content = os.pread(handle, end - start, start)
        if len(content) != end - start:
            raise ContentDamaged(f"{end - start} bytes were asked for, and {len(content)} came", path=entry.path)
        return content

    def md5(self, check: Callable[[], None], entry: ObsEntry) -> str:
        """The MD5 of an object's content, in hexadecimal; ``check`` is called again and again, and may end it."""
        digest = hashlib.md5(usedforsecurity=False)
        with self._opened(entry.path) as handle:
            while content := os.read(handle, MIB):
                check()
                digest.update(content)
        return digest.hexdigest()

    def make_folder(self, path: ObsPath) -> None:
        """Have a folder, with those it lies in."""
        self._bucket_to_write(path)
        place = self._place(path)
        with locally(path):
            place.mkdir(parents=True, exist_ok=True)

    def incoming(self, path: ObsPath) -> Path:
        """A new file that is to become an object; nobody sees it before it lands."""
        self._bucket_to_write(path)
        with locally(path):
            folder = self._root / _INCOMING
            folder.mkdir(exist_ok=True)
            incoming = folder / secrets.token_hex(16)
            incoming.touch()
            return incoming

    def land(self, incoming: Path, path: ObsPath, *, if_absent: bool = False) -> str:
        """Put a file in the object's place, in one step; what comes back is its ETag."""
        place = self._place(path)
        with locally(path):
            if place.is_dir():
                raise TargetIsFolder("a folder has this name, and here one name cannot be both", path=path)
            etag = _etag(incoming.stat())
            for last in (False, False, True):
                try:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    if not if_absent:
                        incoming.replace(place)
                    else:
                        # A link is made only where there is nothing, and by one of several at once.
                        place.hardlink_to(incoming)
                    break
                except FileNotFoundError:
                    # The last object beside it was deleted at this moment, and the folder with it.
                    if last:
                        raise
                except (FileExistsError, NotADirectoryError):
                    if if_absent and place.is_file():
                        raise ObsExists("there is such an object already", path=path) from None
                    raise TargetIsFile("an object has the name of one of its folders", path=path) from None
        return etag

    def copy(self, source: ObsPath, target: ObsPath) -> None:
        """Copy an object."""
        incoming = self.incoming(target)
        try:
            with self._opened(source) as handle, locally(target):
                while content := os.read(handle, MIB):
                    append(incoming, content)
            self.land(incoming, target)
        finally:
            incoming.unlink(missing_ok=True)

    def delete(self, path: ObsPath) -> None:
        """Remove an object, or a folder that holds nothing; folders that hold nothing any more go as well."""
        place, bucket = self._place(path), self._bucket(path)
        if place == bucket:
            return
        with locally(path), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not path.is_folder and not place.is_dir():
                (bucket / path.key).unlink()
        for folder in (place, *place.parents):
            if folder == bucket:
                break
            try:
                folder.rmdir()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                # It holds something.
                break

    def _bucket_to_write(self, path: ObsPath) -> None:
        if self._makes_buckets:
            with locally(path):
                (self._root / path.bucket).mkdir(exist_ok=True)
        self._bucket(path)

    def _bucket(self, path: ObsPath) -> Path:
        place = self._root / path.bucket
        with locally(path):
            if not place.is_dir():
                raise BucketNotFound(f"there is no bucket {path.bucket!r} in {self._root}", path=path)
            return Path(os.path.realpath(place))

    def _place(self, path: ObsPath) -> Path:
        """Where the object is, or will be; no link leads out of the bucket."""
        bucket = self._bucket(path)
        with locally(path):
            place = Path(os.path.realpath(bucket / path.key))
        if not place.is_relative_to(bucket):
            raise LinkOutside("it is a link that leads out of the bucket", path=path)
        return place

    @contextlib.contextmanager
    def _opened(self, path: ObsPath) -> Iterator[int]:
        place = self._place(path)
        with locally(path):
            try:
                handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                raise ObsNotFound("there is no such object", path=path) from None
            try:
                yield handle
            finally:
                os.close(handle)


def append(place: Path, content: Content) -> None:
    """Write more to a file."""
    with locally(place), place.open("ab") as file:
        file.write(content)


def _below(place: Path, folder: ObsPath, bucket: Path, *, recursive: bool) -> Iterator[ObsEntry]:
    prefix = folder.folder().key if folder.key else ""
    with os.scandir(place) as names:
        there = list(names)
    if recursive and not there and prefix:
        yield _entry(ObsPath(folder.bucket, prefix), place.stat())
    for one in there:
        path = ObsPath(folder.bucket, f"{prefix}{one.name}")
        if one.is_symlink() and not _inside(one.path, bucket):
            continue
        try:
            if not one.is_dir():
                yield _entry(path, one.stat())
            elif not recursive:
                yield _entry(path.folder(), one.stat())
            elif not one.is_symlink():
                # A link to a folder is told, but not walked: it could lead in a circle.
                yield from _below(Path(one.path), path.folder(), bucket, recursive=True)
        except FileNotFoundError:
            # It was removed since the folder was read.
            continue


def _inside(place: str, bucket: Path) -> bool:
    target = Path(os.path.realpath(place))
    return target.is_relative_to(bucket) and target.exists()


def _entry(path: ObsPath, status: os.stat_result) -> ObsEntry:
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    if path.is_folder:
        return ObsEntry(path, modified=modified, is_folder=True)
    return ObsEntry(path, status.st_size, modified, _etag(status))


def _etag(status: os.stat_result) -> str:
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
