"""A file that comes in: under another name until it is whole, and resumable where it is large. All of this blocks."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from attrs import frozen

from .._local import locally
from .._names import JOURNAL, PART, temporary
from ..errors import LinkOutside, LocalRefused, TargetIsFolder
from ..store import Content
from ..values import ObsEntry
from .digest import pieces_of
from .journal import Journal

_FOLDER = "a folder is where the file has to be; move it away first"


@frozen
class _Claim:
    """An open temporary file that nobody else writes to.

    Args:
        handle: of the open file.
        place: its name.
        lasting: whether the next try will find it again.
        size: of what an earlier try left in it.
    """

    handle: int
    place: str
    lasting: bool
    size: int = 0


class Ground:
    """A folder that files land in, and nowhere else, links followed. One that was looked at is not looked at again.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real_root: str | None = None
        self._safe: set[str] = set()

    def have(self, folder: str) -> None:
        """See that a folder is there, and inside. Blocks.

        Raises:
            LinkOutside: a link on the way to it leads out.
        """
        if folder in self._safe:
            return
        os.makedirs(folder, exist_ok=True)
        if self._real_root is None:
            self._real_root = os.path.realpath(self._root)
        if not Path(os.path.realpath(folder)).is_relative_to(self._real_root):
            raise LinkOutside("a link on the way to it leads out of the folder", path=folder)
        self._safe.add(folder)

    def forget(self, folder: str) -> None:
        """Somebody took the folder away."""
        self._safe.discard(folder)


def known_file(place: Path) -> os.stat_result | None:
    """What is known of a file in whose place another one is to come, or None where there is no file; blocks.

    Raises:
        TargetIsFolder: it is a folder, or a link to one.
        LocalRefused: it is a device or a pipe, or a link to one; those are not for replacing.
    """
    try:
        status = os.lstat(place)
        target = os.stat(place) if stat.S_ISLNK(status.st_mode) else status
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(target.st_mode):
        raise TargetIsFolder(_FOLDER, path=place)
    if not stat.S_ISREG(target.st_mode):
        raise LocalRefused("it is a device or a pipe, and no file takes its place; name another one", path=place)
    return status if stat.S_ISREG(status.st_mode) else None


def land(place: Path, ground: Ground, content: Content, modified: datetime | None) -> None:
    """Write a file whole, in one step.

    Args:
        place: where it will be.
        ground: where it has to lie.
        content: all of it.
        modified: its time of modification.
    """
    with locally(place):
        claim = _claimed(place, ground)
        try:
            _write(claim.handle, content, 0)
            if claim.size > len(content):
                os.ftruncate(claim.handle, len(content))
            _rename(claim, place, modified)
        except BaseException:
            _unlink(claim.place)
            raise
        finally:
            os.close(claim.handle)


class Landing:
    """A large file that comes in by parts, in any order. What is there stays there for the next try.

    Args:
        place: where it will be.
        ground: where it has to lie.
        entry: the object that it is a copy of.
        part_bytes: size of the parts.
    """

    def __init__(self, place: Path, ground: Ground, entry: ObsEntry, part_bytes: int) -> None:
        self._place = place
        self._part_bytes = part_bytes
        self._size = entry.size
        with locally(place):
            self._claim = _claimed(place, ground)
            with _closing_on_error(self._claim.handle):
                identity = f"{entry.path}\n{entry.etag}\n{entry.size}\n{part_bytes}"
                self._journal = Journal(Path(self._claim.place).with_suffix(JOURNAL), identity)
                if not self._journal.checks:
                    os.ftruncate(self._claim.handle, 0)

    def there(self, index: int) -> bool:
        """Whether an earlier try left this part, whole."""
        check = self._journal.checks.get(index)
        if check is None:
            return False
        found = 0
        for piece in self.pieces(index):
            found = zlib.crc32(piece, found)
        return found == check

    def pieces(self, index: int) -> Iterator[bytes]:
        """A part that was written, piece by piece."""
        start = index * self._part_bytes
        with locally(self._place):
            yield from pieces_of(self._claim.handle, start, min(start + self._part_bytes, self._size))

    def write(self, at: int, content: Content, check: int) -> int:
        """Keep content that begins at a byte of the file, and note each part that is whole with it.

        Args:
            at: where it begins.
            content: as much as came; it may reach into the next part.
            check: the check sum of what came of its first part before; 0 where it begins one. What comes back is that
                of its last part, for the next call.
        """
        left = memoryview(content)
        with locally(self._place):
            while left:
                index, inside = divmod(at, self._part_bytes)
                size = min(self._part_bytes, self._size - index * self._part_bytes)
                now = left[: size - inside]
                _write(self._claim.handle, now, at)
                check = zlib.crc32(now, check)
                at, left = at + len(now), left[len(now) :]
                if inside + len(now) == size:
                    self._journal.note(index, check)
                    check = 0
        return check

    def finish(self, modified: datetime | None) -> None:
        """Put the whole file in its place, in one step."""
        with locally(self._place):
            os.ftruncate(self._claim.handle, self._size)
            # The journal goes with it, so nothing would tell after a loss of power that the content never got there.
            os.fsync(self._claim.handle)
            _rename(self._claim, self._place, modified)
            self._journal.remove()

    def discard(self) -> None:
        """Forget what is there: it is not what was sent."""
        self._journal.remove()
        _unlink(self._claim.place)

    def close(self) -> None:
        """Let go; parts that are there are kept, unless the next try could not find them."""
        self._journal.close()
        if not self._claim.lasting:
            self.discard()
        os.close(self._claim.handle)


def _claimed(place: Path, ground: Ground) -> _Claim:
    folder, name = os.path.split(place)
    folder = folder or "."
    ground.have(folder)
    try:
        return _claim(folder, name)
    except FileNotFoundError:
        ground.forget(folder)
        ground.have(folder)
        return _claim(folder, name)


def _claim(folder: str, name: str) -> _Claim:
    # The name itself may leave no room for more.
    token = hashlib.sha256(os.fsencode(name)).hexdigest()[:24]
    lasting = os.path.join(folder, temporary(token, PART))
    while True:
        handle = os.open(lasting, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        with _closing_on_error(handle):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                break
            status = os.fstat(handle)
            if _is_still(status, lasting):
                return _Claim(handle, lasting, lasting=True, size=status.st_size)
        # Whoever held it has just put it in its place.
        os.close(handle)
    os.close(handle)
    own = os.path.join(folder, temporary(secrets.token_hex(12), PART))
    return _Claim(os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), own, lasting=False)


def _is_still(status: os.stat_result, place: str) -> bool:
    try:
        return os.path.samestat(status, os.stat(place))
    except FileNotFoundError:
        return False


def _unlink(place: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place)


def _write(handle: int, content: Content, at: int) -> None:
    left = memoryview(content)
    while left:
        written = os.pwrite(handle, left, at)
        left, at = left[written:], at + written


def _rename(claim: _Claim, place: Path, modified: datetime | None) -> None:
    if modified is not None:
        at_ns = int(modified.timestamp() * 1_000_000) * 1000
        os.utime(claim.handle, ns=(at_ns, at_ns))
    os.replace(claim.place, place)


@contextlib.contextmanager
def _closing_on_error(handle: int) -> Iterator[None]:
    try:
        yield
    except BaseException:
        os.close(handle)
        raise
