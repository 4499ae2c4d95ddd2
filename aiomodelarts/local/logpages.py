"""Pages of lines out of a log of any size, read by seek.

A line ends at a newline. A stretch without one is cut at a block's end, so that a line is never longer than
two blocks: a gigabyte of binary output has lines too, and the same ones in either direction.
"""

from collections.abc import Callable

from attrs import frozen

from aiomodelarts.local.ports import LogLines, LogQuery

BLOCK = 8192
_NEWLINE = 10
Read = Callable[[int, int], bytes]
"""Reads so many bytes (second) from an offset (first); fewer only at the end."""


@frozen
class _Line:
    start: int
    text: bytes


def page(read: Read, size: int, query: LogQuery, *, complete: bool, repeat_base: bool) -> LogLines:
    """The lines that a query asks for.

    Args:
        read: access to the log.
        size: its length in bytes; what is written later is not looked at.
        query: which lines.
        complete: nothing will be written any more, so a last line without newline counts.
        repeat_base: the page begins (or, going back, ends) with the base line itself.
    """
    if query.lines == 0:
        return LogLines()
    if query.base is not None and query.following:
        lines = _following(read, size, query.base, query.lines + (not repeat_base))
        lines = lines if repeat_base else [line for line in lines if line.start > query.base]
    elif query.base is not None:
        end = _line_end(read, size, query.base) if repeat_base else query.base
        lines = _preceding(read, min(end, size), query.lines)
    else:
        lines = _preceding(read, size if complete else _last_end(read, size), query.lines)
    if not complete:
        lines = [line for line in lines if _is_whole(line, size)]
    lines = lines[: query.lines] if query.following and query.base is not None else lines[-query.lines :]
    if not lines:
        return LogLines()
    return LogLines(b"".join(line.text for line in lines), len(lines), lines[0].start, lines[-1].start)


def _is_whole(line: _Line, size: int) -> bool:
    return line.text.endswith(b"\n") or line.start + len(line.text) < size


def _block(read: Read, size: int, index: int) -> bytes:
    start = index * BLOCK
    return read(start, min(BLOCK, size - start)) if start < size else b""


def _cut(block: bytes) -> bool:
    """Whether a line is ended by force at the end of this block."""
    return len(block) == BLOCK and b"\n" not in block


def _line_end(read: Read, size: int, start: int) -> int:
    """The offset after the line that begins at ``start``."""
    index, offset = divmod(start, BLOCK)
    while index * BLOCK < size:
        block = _block(read, size, index)
        found = block.find(b"\n", offset)
        if found >= 0:
            return index * BLOCK + found + 1
        if _cut(block):
            return (index + 1) * BLOCK
        index, offset = index + 1, 0
    return size


def _line_start(read: Read, size: int, end: int) -> int:
    """The offset of the line that ends at ``end``."""
    index, offset = divmod(end - 1, BLOCK)
    while index >= 0:
        block = _block(read, size, index)
        if _cut(block) and (index + 1) * BLOCK < end:
            return (index + 1) * BLOCK
        found = block.rfind(b"\n", 0, offset)
        if found >= 0:
            return index * BLOCK + found + 1
        index, offset = index - 1, BLOCK
    return 0


def _following(read: Read, size: int, start: int, count: int) -> list[_Line]:
    lines: list[_Line] = []
    while start < size and len(lines) < count:
        end = _line_end(read, size, start)
        lines.append(_Line(start, read(start, end - start)))
        start = end
    return lines


def _preceding(read: Read, end: int, count: int) -> list[_Line]:
    lines: list[_Line] = []
    size = end
    while end > 0 and len(lines) < count:
        start = _line_start(read, size, end)
        lines.append(_Line(start, read(start, end - start)))
        end = start
    return lines[::-1]


def _last_end(read: Read, size: int) -> int:
    """The end of the last line that is certainly whole."""
    if size == 0:
        return 0
    last = read(size - 1, 1)
    return size if last[0] == _NEWLINE else _line_start(read, size, size)
