"""Log files, pages of lines, and single lines."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..errors import InvalidArgument
from ._text import JsonText, Marker, Raw

_MARKER_VERSION = 1


@frozen(kw_only=True)
class LogFileList:
    log_file_list: JsonText | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names; one plain text stands for a list of one."""
        listed = self.log_file_list
        if not listed:
            return ()
        return tuple(str(name) for name in listed) if isinstance(listed, list) else (str(listed),)


@frozen(kw_only=True)
class LogPage:
    """Some consecutive lines. Markers name the first and the last of them."""

    content: str | None = None
    line_count: int | None = None
    start_line: Marker | None = None
    end_line: Marker | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        if not self.content:
            # One empty line and no line look the same but for the count; more lines would have ends between them.
            return [""] if self.line_count == 1 else []
        lines = self.content.split("\n")
        if lines[-1] == "" and len(lines) != self.line_count:
            lines.pop()
        return lines


Position = tuple[str, int]
"""A line of one file: so many lines after the one that a marker of the platform names."""


class LogLine(str):
    """A line of a log that knows its file, and the place where reading can go on after it."""

    __slots__ = ("_others", "_position", "log_file")
    log_file: str

    def __new__(
        cls,
        text: str,
        log_file: str,
        position: Position | None = None,
        others: Mapping[str, Position] | None = None,
    ) -> "LogLine":
        line = super().__new__(cls, text)
        line.log_file = log_file
        line._position = position
        line._others = others
        return line

    _position: Position | None
    _others: Mapping[str, Position] | None

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.log_file, self._position, self._others

    @property
    def position(self) -> Position | None:
        """Its place in its file, or None where the platform gave no marker."""
        return self._position

    @property
    def marker(self) -> str | None:
        """What ``logs(after=...)`` takes to go on behind this line, in all files; None where no marker was given."""
        if self._position is None:
            return None
        return LogMarker({**(self._others or {}), self.log_file: self._position}).as_text()


@frozen
class LogMarker:
    """How far each file of a log was read.

    Args:
        files: the last line that was read of each.
    """

    files: Mapping[str, Position]

    def as_text(self) -> str:
        """Text that can be kept."""
        return json.dumps({"v": _MARKER_VERSION, "files": self.files}, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: object, argument: str = "after") -> "LogMarker":
        """The marker that ``as_text`` wrote.

        Raises:
            InvalidArgument: for anything else, also what a later version of this library wrote.
        """
        allowed = "it is the marker of a line of this log"
        try:
            plain = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            plain = None
        if not isinstance(plain, dict):
            raise InvalidArgument(argument, text, allowed)
        if plain.get("v") != _MARKER_VERSION:
            raise InvalidArgument(
                argument, text, f"{allowed}, and one of form {_MARKER_VERSION}: another version wrote it"
            )
        files = plain.get("files")
        if not isinstance(files, dict) or not all(_is_position(position) for position in files.values()):
            raise InvalidArgument(argument, text, allowed)
        return cls({name: (base, index) for name, (base, index) in files.items()})


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [str, int] and value[1] >= 0
