"""A whole log from pages by marker: each line once, in order, in bounded memory."""

from collections.abc import AsyncGenerator
from typing import Protocol

from attrs import evolve

from .models.logs import LogLine, LogPage

# The newest pages met on the way back to the start are dropped and read again, so that a log of any length fits.
_PAGES_KEPT = 20


class ReadPage(Protocol):
    """Asks for lines beside a marker, or for the newest ones; an empty page where there is nothing."""

    async def __call__(self, base_line: str | None, *, forward: bool) -> LogPage: ...


class _Chunk:
    __slots__ = ("end", "lines")

    def __init__(self, page: LogPage) -> None:
        self.lines = page.lines
        self.end = page.end_line

    def marked(self, log_file: str) -> list[LogLine]:
        last = len(self.lines) - 1
        return [LogLine(line, log_file, self.end if at == last else None) for at, line in enumerate(self.lines)]


async def read_lines(read: ReadPage, log_file: str) -> AsyncGenerator[LogLine, None]:
    """The lines of one file that are there now, from the first to the last, each once.

    Args:
        read: asks for pages of this file.
        log_file: its name, which each line bears.
    """
    marker: str | None = None
    for chunk in await _from_the_start(read):
        for line in chunk.marked(log_file):
            yield line
        marker = chunk.end
    while marker is not None:
        page = await read(marker, forward=True)
        chunk = _Chunk(page)
        if chunk.lines and page.start_line == marker:
            # Whether the line that a marker names is repeated is not said anywhere.
            del chunk.lines[0]
        for line in chunk.marked(log_file):
            yield line
        marker = chunk.end if chunk.lines and chunk.end != marker else None


async def read_pages(read: ReadPage, base_line: str | None, *, forward: bool) -> AsyncGenerator[LogPage, None]:
    """Pages side by side, without the line that two neighbours may share.

    Args:
        read: asks for pages of one file.
        base_line: marker to begin beside; None begins with the newest lines.
        forward: towards the end of the log, else towards its start.
    """
    if base_line is None:
        page = await read(None, forward=True)
        yield page
        base_line = page.end_line if forward else page.start_line
    while base_line is not None:
        answer = await read(base_line, forward=forward)
        page = _beside(answer, base_line, forward=forward)
        if not page.lines:
            return
        yield page
        last = answer.end_line if forward else answer.start_line
        base_line = last if last != base_line else None


def _beside(page: LogPage, base_line: str, *, forward: bool) -> LogPage:
    """The page without the line that its neighbour has; the marker of that line goes with it."""
    lines = page.lines
    if lines and forward and page.start_line == base_line:
        page = evolve(page, start_line=None)
        del lines[0]
    elif lines and not forward and page.end_line == base_line:
        page = evolve(page, end_line=None)
        del lines[-1]
    return evolve(page, content="\n".join(lines), line_count=len(lines))


async def _from_the_start(read: ReadPage) -> list[_Chunk]:
    """The first pages of the log, oldest first. Without a marker only the newest lines can be had, so it goes back."""
    page = await read(None, forward=True)
    chunks = [_Chunk(page)]
    while page.lines and page.start_line is not None:
        base = page.start_line
        page = await read(base, forward=False)
        if not page.lines or page.start_line == base:
            break
        if page.end_line == base:
            # This page ends with the line that the next one begins with.
            del chunks[0].lines[0]
        chunks.insert(0, _Chunk(page))
        del chunks[_PAGES_KEPT:]
    return chunks
