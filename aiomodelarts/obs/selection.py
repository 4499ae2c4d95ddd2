"""Which files of a folder belong to a transfer: patterns, and the ignore file."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from ..errors import ConfigurationError, InvalidArgument
from ._aside import go_on
from ._local import local_error, locally
from ._names import is_temporary
from .errors import LinkOutside, ObsError, SourceVanished, TargetIsFile, UnusableName
from .path import key_problem

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".aiomodelartsignore"
_MISSING = 'patterns and ignore files need the package pathspec: pip install "aiomodelarts[obs]"'


@frozen
class LocalFile:
    """One file below a folder.

    Args:
        name: relative to the folder, with slashes.
        place: where it is.
        size: in bytes.
        mtime_ns: when it was written, in nanoseconds since the epoch.
    """

    name: str
    place: Path
    size: int
    mtime_ns: int


@frozen
class Found:
    """What lies below a folder.

    Args:
        files: that belong to the transfer, in the order of their names.
        empty_folders: names of folders without anything in them.
        left_out: names that a pattern or the ignore file keeps back; a folder ends with a slash.
        problems: what cannot be moved, each with its reason.
    """

    files: tuple[LocalFile, ...]
    empty_folders: tuple[str, ...]
    left_out: tuple[str, ...]
    problems: tuple[ObsError, ...]


class Selection:
    """Which names belong to a transfer. Patterns are those of a ``.gitignore``.

    Args:
        include: only what one of these matches; without any, everything.
        exclude: never what one of these matches.
        ignored: lines of an ignore file.

    Raises:
        InvalidArgument: for a pattern that is none.
        ConfigurationError: patterns are given, but pathspec is not installed.
    """

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = (), ignored: Iterable[str] = ()) -> None:
        self._include = _spec("include", include)
        self._exclude = _spec("exclude", exclude)
        self._closing = _given(self._exclude, _spec(IGNORE_FILE, ignored))

    def with_ignored(self, lines: Sequence[str]) -> "Selection":
        """The same selection, and what these lines of an ignore file keep back."""
        other = Selection.__new__(Selection)
        other._include, other._exclude = self._include, self._exclude
        other._closing = _given(self._exclude, _spec(IGNORE_FILE, lines))
        return other

    def has(self, name: str) -> bool:
        """Whether a file belongs to the transfer."""
        if self._include is not None and not self._include.match_file(name):
            return False
        return not self.closes(name)

    def closes(self, name: str) -> bool:
        """Whether a name, with a slash at the end for a folder, is kept back with all that is below it."""
        return any(spec.match_file(name) for spec in self._closing)


def ignore_lines(root: Path) -> list[str]:
    """The lines of a folder's ignore file; none where there is none. Blocks."""
    place = root / IGNORE_FILE
    try:
        return place.read_text("utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except UnicodeDecodeError:
        raise InvalidArgument(IGNORE_FILE, str(place), "it is text in UTF-8") from None
    except (OSError, ValueError) as error:
        raise local_error(error, place) from error


def find(
    root: Path, selection: Selection, *, most_files: int | None = None, check: Callable[[], None] = go_on
) -> Found:
    """What lies below a folder and belongs to a transfer. Blocks.

    Args:
        root: the folder.
        selection: says what belongs to it.
        most_files: look no further once so many were found; None looks at everything.
        check: is called again and again, and may end it with an error.

    Raises:
        SourceVanished: there is no such folder.
        TargetIsFile: it is a file.
    """
    if not root.exists():
        raise SourceVanished("there is no such folder here", path=root)
    if not root.is_dir():
        raise TargetIsFile("it is a file, and a folder is asked for", path=root)
    return _Walk(root, selection, most_files, check).found()


class _Walk:
    def __init__(self, root: Path, selection: Selection, most_files: int | None, check: Callable[[], None]) -> None:
        self._root = root
        self._most_files = most_files
        self._check = check
        self._real_root = Path(os.path.realpath(root))
        self._selection = selection
        self._files: list[LocalFile] = []
        self._empty: list[str] = []
        self._left_out: list[str] = []
        self._problems: list[ObsError] = []

    def found(self) -> Found:
        self._folder(self._root, "", (self._real_root,))
        files = sorted(self._files, key=lambda file: file.name)
        return Found(tuple(files), tuple(sorted(self._empty)), tuple(sorted(self._left_out)), tuple(self._problems))

    def _folder(self, place: Path, prefix: str, above: tuple[Path, ...]) -> None:
        try:
            with os.scandir(place) as names:
                there = list(names)
        except OSError as error:
            self._problems.append(local_error(error, place))
            return
        if not there and prefix:
            self._empty.append(prefix)
        for one in there:
            self._check()
            if self._most_files is not None and len(self._files) >= self._most_files:
                return
            try:
                self._one(one, f"{prefix}{one.name}", above)
            except ObsError as error:
                self._problems.append(error)

    def _one(self, one: "os.DirEntry[str]", name: str, above: tuple[Path, ...]) -> None:
        if is_temporary(one.name):
            return
        if one.is_dir(follow_symlinks=False):
            kept_back = self._selection.closes(f"{name}/")
        else:
            kept_back = not self._selection.has(name)
        if kept_back:
            self._left_out.append(f"{name}/" if Path(one.path).is_dir() else name)
            return
        place = real = Path(one.path)
        if one.is_symlink():
            real = Path(os.path.realpath(place))
            if not real.is_relative_to(self._real_root):
                raise LinkOutside(f"it is a link to {real}, which is outside of the folder; exclude it", path=place)
        problem = key_problem(name)
        if problem is not None:
            raise UnusableName(problem, path=place)
        with locally(place):
            status = one.stat()
        if stat.S_ISDIR(status.st_mode):
            self._below(place, f"{name}/", real, above)
        elif stat.S_ISREG(status.st_mode):
            self._files.append(LocalFile(name, place, status.st_size, status.st_mtime_ns))
        else:
            raise UnusableName("it is neither a file nor a folder; exclude it", path=place)

    def _below(self, place: Path, prefix: str, real: Path, above: tuple[Path, ...]) -> None:
        if place.is_symlink() and any(one == real for one in above):
            raise LinkOutside("it is a link to a folder that it lies in, without an end; exclude it", path=place)
        self._folder(place, prefix, (*above, real))


def _given(*specs: "GitIgnoreSpec | None") -> "list[GitIgnoreSpec]":
    return [spec for spec in specs if spec is not None]


def _spec(argument: str, patterns: Iterable[str]) -> "GitIgnoreSpec | None":
    if isinstance(patterns, str):
        patterns = (patterns,)
    lines = [line for line in patterns if line.strip()]
    if not lines:
        return None
    try:
        from pathspec import GitIgnoreSpec
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise InvalidArgument(argument, lines, f"patterns are those of a .gitignore: {error}") from None
