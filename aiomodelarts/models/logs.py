"""Log files, pages of lines, and single lines."""

from attrs import field, frozen

from ._text import JsonText, Marker, Raw


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
            # One empty line and no line look the same but for the count.
            return [""] * (self.line_count or 0)
        lines = self.content.split("\n")
        if lines[-1] == "" and len(lines) != self.line_count:
            lines.pop()
        return lines


class LogLine(str):
    """A line of a log that knows its file and, where it is the last line of a page, its marker."""

    __slots__ = ("log_file", "marker")
    log_file: str
    marker: str | None

    def __new__(cls, text: str, log_file: str, marker: str | None = None) -> "LogLine":
        line = super().__new__(cls, text)
        line.log_file = log_file
        line.marker = marker
        return line
