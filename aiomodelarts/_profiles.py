"""Profiles as they are written: a section of the vendor's profile file, the others as they were. This writes files."""

import configparser
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .config import PROFILE_MEMBERS, profile_path, read_profile
from .errors import ConfigurationError, InvalidArgument

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_HEADER = re.compile(r"\[(.+)\]")
_OURS_ONLY, _FOLDER_OURS_ONLY = 0o600, 0o700


def write_profile(environ: Mapping[str, str], name: str, members: Mapping[str, str]) -> Path:
    """The file that now holds a profile; nobody but its owner may read it.

    What the profile had before is replaced, but for members that mean nothing here.

    Args:
        environ: HUAWEICLOUD_SDK_CREDENTIALS_FILE names another file than ``~/.huaweicloud/credentials``.
        name: the section.
        members: as ``read_profile`` gives them.

    Raises:
        InvalidArgument: for a name or a value that such a file cannot hold.
        ConfigurationError: for a file that cannot be read or written.
    """
    check_profile_name(name)
    for key, value in members.items():
        if not value or value != value.strip() or len(value.splitlines()) > 1:
            raise InvalidArgument(key, "***", "it is text on one line, without white space at its ends")
    path = profile_path(environ)
    try:
        # A link is kept, as some keep their settings in another place.
        path = path.resolve()
        before = path.read_text("utf-8") if path.exists() else ""
        kept = {key: value for key, value in _section(environ, name).items() if key not in PROFILE_MEMBERS}
        text = _with_section(before, name, {**kept, **members})
        _prove(before, text, name, members)
        path.parent.mkdir(_FOLDER_OURS_ONLY, parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or type(error).__name__}") from error
    return path


def check_profile_name(name: str) -> None:
    """Refuse what cannot be the name of a profile.

    Raises:
        InvalidArgument: in that case.
    """
    if not _NAME.fullmatch(name) or name == configparser.DEFAULTSECT:
        raise InvalidArgument("profile", name, "it has letters, digits, full stops, hyphens and underscores only")


def _section(environ: Mapping[str, str], name: str) -> dict[str, str]:
    # Asked for without a name, a file or a profile that is not there is no mistake.
    read_profile(environ, None)
    try:
        return read_profile(environ, name)
    except ConfigurationError:
        return {}


def _with_section(text: str, name: str, members: Mapping[str, str]) -> str:
    """The file's text with this section in place of the one of its name; all other lines stay as they are."""
    section = [f"[{name}]", *(f"{key} = {value}" for key, value in members.items())]
    lines = text.rstrip("\n").split("\n") if text.strip() else []
    heads = [(at, found.group(1)) for at, line in enumerate(lines) if (found := _HEADER.match(line))]
    start = next((at for at, head in heads if head == name), None)
    if start is None:
        gap = [""] if lines else []
        return "\n".join([*lines, *gap, *section]) + "\n"
    end = next((at for at, _ in heads if at > start), len(lines))
    # What is said just before the next header is about that one.
    while end < len(lines) and lines[end - 1].startswith(("#", ";")):
        end -= 1
    gap = [""] if end < len(lines) else []
    return "\n".join([*lines[:start], *section, *gap, *lines[end:]]) + "\n"


def _prove(before: str, after: str, name: str, members: Mapping[str, str]) -> None:
    """What was written is read again as it was meant, and nothing else has changed."""
    was, now = (configparser.ConfigParser(interpolation=None) for _ in range(2))
    was.read_string(before)
    try:
        now.read_string(after)
        told = dict(now.items(name))
    except configparser.Error:
        told = {}
    others = [[(other, one.items(other)) for other in one.sections() if other != name] for one in (was, now)]
    if not members.items() <= told.items() or others[0] != others[1]:
        raise InvalidArgument("profile", name, "the file cannot be changed by a program; edit it by hand")


def _replace(path: Path, text: str) -> None:
    # Made by mkstemp it is its owner's alone from the first byte on.
    handle, part = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(_OURS_ONLY)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
