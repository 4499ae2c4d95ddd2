"""A local folder of code as a value: its files by content, and the one name that follows from them."""

import hashlib
import os
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from attrs import asdict, field, frozen

from ...errors import InvalidArgument
from .._local import locally
from ..errors import ObsError, SourceChanged
from ..selection import IGNORE_FILE, Found, LocalFile, Selection, find, ignore_lines

_NAME_DIGITS = 40
# What tools leave behind; a rule of the ignore file that begins with ! brings it back.
_NO_CODE = (
    IGNORE_FILE,
    ".git/",
    ".DS_Store",
    ".aiomodelarts/",
    ".ipynb_checkpoints/",
    "__pycache__/",
    "*.py[co]",
)
_PATTERN = r"([\\*?\[\]!# ])"
_LITERAL = r"\\\1"


@frozen
class CodeBounds:
    """What the platform takes as a code directory.

    Args:
        bytes: of all files together.
        files: how many.
        depth: how many names a path has, its file's among them.
    """

    bytes: int = 5_000_000_000
    files: int = 1_000
    depth: int = 32


@frozen
class CodeFile:
    """One file by content.

    Args:
        path: relative, with slashes.
        size: in bytes.
        sha256: of its content, as hexadecimal digits.
        executable: whether its owner may execute it.
    """

    path: str
    size: int
    sha256: str
    executable: bool


@frozen
class Manifest:
    """The files of a code directory, in the order of their paths. Equal folders have equal manifests.

    Args:
        files: sorted by path.
    """

    files: tuple[CodeFile, ...]

    def as_bytes(self) -> bytes:
        """The manifest as JSON, byte for byte the same for the same files."""
        return orjson.dumps({"format": 1, "files": [asdict(one) for one in self.files]}, option=orjson.OPT_SORT_KEYS)

    @property
    def name(self) -> str:
        """The first 40 digits of the SHA-256 of ``as_bytes``."""
        return hashlib.sha256(self.as_bytes()).hexdigest()[:_NAME_DIGITS]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(one.size for one in self.files)

    def __contains__(self, path: str) -> bool:
        return any(one.path == path for one in self.files)


@frozen
class LocalCode:
    """A folder of this machine as it was read once.

    Args:
        folder: the folder.
        manifest: what it holds.
        files: the files of the manifest as they were, in the same order.
        left_out: what stays at home; a folder ends with a slash and stands for all that is in it.
    """

    folder: Path
    manifest: Manifest
    files: tuple[LocalFile, ...] = field(repr=False)
    left_out: tuple[str, ...] = ()


def read_code(folder: Path, bounds: CodeBounds | None = None, *, leave_out: Path | None = None) -> LocalCode:
    """The code in a folder of this machine. Blocks, as long as it takes to read all of it.

    Args:
        folder: the folder.
        bounds: checked before any file is read; None means those of the platform.
        leave_out: a folder in it that is no code.

    Raises:
        InvalidArgument: it is no folder, holds nothing, or holds what the platform does not take; with the file, or
            how many there are.
    """
    if not folder.is_dir():
        problem = "that is a file" if folder.exists() else "there is no such folder on this machine"
        raise InvalidArgument("code_dir", str(folder), problem)
    bounds = bounds or CodeBounds()
    try:
        # Whoever names the wrong folder, such as a home, is not made to wait until all of it was looked at.
        found = find(folder, _selection(folder, leave_out), most_files=bounds.files + 1)
        _check(folder, found, bounds)
        manifest = Manifest(tuple(_by_content(one) for one in found.files))
    except ObsError as error:
        raise InvalidArgument("code_dir", str(folder), f"it cannot be read as it is: {error}") from None
    return LocalCode(folder, manifest, found.files, found.left_out)


def _selection(folder: Path, leave_out: Path | None) -> Selection:
    rules = [*_NO_CODE, *ignore_lines(folder)]
    if leave_out is not None and leave_out.resolve().is_relative_to(folder.resolve()):
        path = leave_out.resolve().relative_to(folder.resolve()).as_posix()
        rules.append(f"/{re.sub(_PATTERN, _LITERAL, path)}/")
    return Selection(ignored=rules)


def _check(folder: Path, found: Found, bounds: CodeBounds) -> None:
    """Refuse what the platform does not take; no file was read yet."""
    if found.problems:
        raise found.problems[0]
    if not found.files:
        left = f" ({len(found.left_out)} are left out by the ignore rules)" if found.left_out else ""
        raise InvalidArgument("code_dir", str(folder), f"there is no file in it{left}")
    if len(found.files) > bounds.files:
        where = _mostly(Counter(_top(one) for one in found.files))
        raise _too_much(folder, f"it holds more than {bounds.files:,} files, {where}")
    size = sum(one.size for one in found.files)
    if size > bounds.bytes:
        largest = _mostly(Counter({one.name: one.size for one in found.files}))
        raise _too_much(folder, f"it holds {size:,} bytes, {largest}, of {bounds.bytes:,}")
    deepest = max(found.files, key=_depth)
    if _depth(deepest) > bounds.depth:
        raise _too_much(folder, f"{deepest.name!r} lies {_depth(deepest)} levels deep, of {bounds.depth}")


def _too_much(folder: Path, told: str) -> InvalidArgument:
    remedy = f"name what is not code in its {IGNORE_FILE}, or give the code a folder of its own"
    return InvalidArgument("code_dir", str(folder), f"{told} that the platform takes; {remedy}")


def _mostly(shares: Counter[str]) -> str:
    name, share = shares.most_common(1)[0]
    return f"{share:,} of them in {name!r}"


def _top(file: LocalFile) -> str:
    top, slash, _ = file.name.partition("/")
    return top + slash if slash else "."


def _depth(file: LocalFile) -> int:
    return file.name.count("/") + 1


def _by_content(file: LocalFile) -> CodeFile:
    with locally(file.place), file.place.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        now = os.fstat(content.fileno())
    if (now.st_size, now.st_mtime_ns) != (file.size, file.mtime_ns):
        raise SourceChanged("it changed while the folder was read", path=file.place)
    return CodeFile(file.name, file.size, digest, bool(now.st_mode & stat.S_IXUSR))


def read_manifest(content: bytes) -> Manifest | None:
    """The manifest that ``as_bytes`` wrote, or None for anything else."""
    try:
        plain: dict[str, Any] = orjson.loads(content)
        return Manifest(tuple(CodeFile(**one) for one in plain["files"]))
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return None
