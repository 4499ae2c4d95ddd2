"""Names of folders, and what a machine makes of names."""

import os
import secrets
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from .._names import PART, temporary
from ..errors import NamesCollide, UnusableName


def folders_of(names: Iterable[str]) -> set[str]:
    """Every folder that one of the names lies in, with a slash at the end."""
    found: set[str] = set()
    for name in names:
        folder = name.rstrip("/").rpartition("/")[0]
        while folder and f"{folder}/" not in found:
            found.add(f"{folder}/")
            folder = folder.rpartition("/")[0]
    return found


def check_local_name(name: str, path: object) -> None:
    """See that a key can be a file below a folder, and nowhere else.

    Args:
        name: the key below the folder that is fetched; a folder ends with a slash.
        path: the object, for the error.

    Raises:
        UnusableName: it cannot.
    """
    segments = name.removesuffix("/").split("/")
    if {"", ".", ".."} & set(segments):
        raise UnusableName("no file here can have this name: it has an empty name, '.' or '..' in it", path=path)
    try:
        usable = "\0" not in name and bool(os.fsencode(name))
    except UnicodeEncodeError:
        usable = False
    separators = {os.sep, os.altsep or os.sep} - {"/"}
    if not usable or any(separator in name for separator in separators):
        raise UnusableName("no file here can have this name", path=path)


def collisions(names: Iterable[str], *, folds: bool) -> dict[str, NamesCollide]:
    """Which names have to be left out so that no file takes another one's place, with the reason.

    Args:
        names: of files, in the order in which they have precedence.
        folds: whether the machine takes names for the same that differ by case or by the way accents are written.
    """
    names = list(names)
    folders = {_folded(folder, folds) for folder in folders_of(names)}
    first: dict[str, str] = {}
    left_out: dict[str, NamesCollide] = {}
    for name in names:
        folded = _folded(name, folds)
        if f"{folded}/" in folders:
            left_out[name] = NamesCollide("it is an object and a folder at once; no file can be", path=name)
        elif folded in first:
            left_out[name] = NamesCollide(f"it is the same file as {first[folded]!r} on this machine", path=name)
        else:
            first[folded] = name
    return left_out


def may_collide(names: Iterable[str]) -> bool:
    """Whether some names differ only by what some machines do not tell apart."""
    names = list(names)
    return len({_folded(name, True) for name in (*names, *folders_of(names))}) < len({*names, *folders_of(names)})


def folds_names(folder: Path) -> bool:
    """Whether a folder takes names for the same that differ by case only. Blocks, and writes to the folder for it."""
    token = secrets.token_hex(12)
    probe = folder / temporary(f"{token}a", PART)
    probe.touch()
    try:
        return (folder / temporary(f"{token}A", PART)).exists()
    finally:
        probe.unlink()


def _folded(name: str, folds: bool) -> str:
    return unicodedata.normalize("NFC", name).casefold() if folds else name
