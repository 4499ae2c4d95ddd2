"""A local folder of code as a value: its files by content, and the one name that follows from them."""

import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from attrs import asdict, field, frozen

from ..errors import InvalidArgument
from .tree import FolderError, LeftOut, LocalFile, read_ignored, walk

_NAME_DIGITS = 40
_UNUSUAL = re.compile(r"[\x00-\x1f\x7f\\]")


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


def read_code(folder: Path, bounds: CodeBounds | None = None) -> LocalCode:
    """The code in a folder of this machine. Blocks, as long as it takes to read all of it.

    Args:
        folder: the folder.
        bounds: checked before any file is read; None means those of the platform.

    Raises:
        InvalidArgument: it is no folder, holds nothing, or holds what the platform does not take; with the file, or
            how many there are.
    """
    if not folder.is_dir():
        problem = "that is a file" if folder.exists() else "there is no such folder on this machine"
        raise InvalidArgument("code_dir", str(folder), problem)
    try:
        files, left_out = _files(folder, bounds or CodeBounds())
        manifest = Manifest(tuple(_by_content(one) for one in files))
    except FolderError as error:
        raise InvalidArgument("code_dir", str(folder), f"in it, {error}") from None
    if not files:
        left = f" ({len(left_out)} are left out by the ignore rules)" if left_out else ""
        raise InvalidArgument("code_dir", str(folder), f"there is no file in it{left}")
    return LocalCode(folder, manifest, tuple(files), left_out)


def _files(folder: Path, bounds: CodeBounds) -> tuple[list[LocalFile], tuple[str, ...]]:
    files: list[LocalFile] = []
    left_out: list[str] = []
    size = 0
    for one in walk(folder, read_ignored(folder)):
        if isinstance(one, LeftOut):
            left_out.append(one.path)
            continue
        files.append(one)
        size += one.size
        if _UNUSUAL.search(one.path):
            raise FolderError(one.path, "has a control character or a backslash in its name")
        if one.depth > bounds.depth:
            raise FolderError(one.path, f"lies {one.depth} levels deep, and the platform takes {bounds.depth}")
        if len(files) > bounds.files:
            where = _mostly(Counter(_top(file) for file in files))
            raise _too_much(folder, f"it holds more than {bounds.files:,} files, {where}")
        if size > bounds.bytes:
            sizes: Counter[str] = Counter()
            for file in files:
                sizes[file.path] += file.size
            raise _too_much(folder, f"it holds more than {bounds.bytes:,} bytes, {_mostly(sizes)}")
    files.sort(key=lambda file: file.path)
    return files, tuple(sorted(left_out))


def _too_much(folder: Path, told: str) -> InvalidArgument:
    remedy = "name what is not code in its .aiomodelartsignore, or give the code a folder of its own"
    return InvalidArgument("code_dir", str(folder), f"{told}, and the platform does not take that; {remedy}")


def _mostly(shares: Counter[str]) -> str:
    name, share = shares.most_common(1)[0]
    return f"{share:,} of them in {name!r}"


def _top(file: LocalFile) -> str:
    top, slash, _ = file.path.partition("/")
    return top + slash if slash else "."


def _by_content(file: LocalFile) -> CodeFile:
    try:
        with file.place.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            end, mtime_ns = content.tell(), file.place.stat().st_mtime_ns
    except OSError as error:
        problem = "vanished" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise FolderError(file.path, problem) from None
    if (end, mtime_ns) != (file.size, file.mtime_ns):
        raise FolderError(file.path, "changed while it was read")
    return CodeFile(file.path, file.size, digest, file.executable)


def read_manifest(content: bytes) -> Manifest | None:
    """The manifest that ``as_bytes`` wrote, or None for anything else."""
    try:
        plain: dict[str, Any] = orjson.loads(content)
        return Manifest(tuple(CodeFile(**one) for one in plain["files"]))
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return None
