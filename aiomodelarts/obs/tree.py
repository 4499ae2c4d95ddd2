"""A local folder as it would be uploaded: which files, and what is left out. All of this blocks."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from ..errors import ModelArtsError
from .ignore import IGNORE_FILE, Ignored


class FolderError(ModelArtsError):
    """Something in a local folder that cannot be uploaded as it is.

    Args:
        path: relative to the folder.
        problem: continues the sentence that the path begins.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path!r} {problem}")
        self.path = path
        self.problem = problem


@frozen
class LocalFile:
    """A file of the folder, as it was when it was looked at.

    Args:
        path: relative to the folder, with slashes.
        place: where it is on this machine.
        size: in bytes.
        mtime_ns: of its last change, in nanoseconds since the epoch.
        executable: whether its owner may execute it.
    """

    path: str
    place: Path
    size: int
    mtime_ns: int
    executable: bool

    @property
    def depth(self) -> int:
        """How many names its path has."""
        return self.path.count("/") + 1


@frozen
class LeftOut:
    """A file, or a folder with all that is in it (its path ends with a slash), that stays at home."""

    path: str


def read_ignored(folder: Path) -> Ignored:
    """The rules of the folder's own ignore file, or the general ones where it has none.

    Raises:
        FolderError: the ignore file cannot be read.
    """
    try:
        text = (folder / IGNORE_FILE).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return Ignored()
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(IGNORE_FILE, f"cannot be read ({error})") from None
    try:
        return Ignored.of(text)
    except ValueError as error:
        raise FolderError(IGNORE_FILE, f"holds a line that is no pattern: {error}") from None


def walk(folder: Path, ignored: Ignored) -> Iterator[LocalFile | LeftOut]:
    """Every file of the folder, and what is left out; links are followed where they stay in the folder.

    Args:
        folder: exists.
        ignored: says what is left out.

    Raises:
        FolderError: for a link that leads out of the folder, nowhere or in a circle, for what is no file, for a name
            that is not UTF-8, and for what cannot be read.
    """
    root = Path(os.path.realpath(folder))
    yield from _below(root, "", root, (root,), ignored)


def _below(
    folder: Path, prefix: str, root: Path, above: tuple[Path, ...], ignored: Ignored
) -> Iterator[LocalFile | LeftOut]:
    try:
        names = sorted(one.name for one in folder.iterdir())
    except OSError as error:
        raise FolderError(prefix or ".", f"cannot be listed: {error.strerror}") from None
    for name in names:
        path = f"{prefix}{name}"
        if not _is_text(name):
            raise FolderError(path, "has a name that is not UTF-8")
        place = folder / name
        is_folder = place.is_dir()
        if ignored.leaves_out(path, folder=is_folder):
            yield LeftOut(f"{path}/" if is_folder else path)
            continue
        target = _inside(place, path, root)
        if is_folder:
            if target in above:
                raise FolderError(path, "is a link to a folder above it")
            yield from _below(place, f"{path}/", root, (*above, target), ignored)
        else:
            yield _file(place, path)


def _inside(place: Path, path: str, root: Path) -> Path:
    target = Path(os.path.realpath(place))
    if not target.is_relative_to(root):
        raise FolderError(path, f"is a link to {target}, outside of the folder")
    return target


def _file(place: Path, path: str) -> LocalFile:
    try:
        found = place.stat()
    except FileNotFoundError:
        problem = "is a link that leads nowhere" if place.is_symlink() else "vanished while it was looked at"
        raise FolderError(path, problem) from None
    except OSError as error:
        raise FolderError(path, f"cannot be looked at: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode):
        raise FolderError(path, "is neither a file nor a folder")
    return LocalFile(path, place, found.st_size, found.st_mtime_ns, bool(found.st_mode & stat.S_IXUSR))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
