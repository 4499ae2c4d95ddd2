"""A whole log from pages by marker: each line once, in order, in bounded memory."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Protocol

from attrs import evolve

from .errors import InvalidRequest
from .models.logs import LogLine, LogPage, Position

# The newest pages met on the way back to the start are dropped and read again, so that a log of any length fits.
_PAGES_KEPT = 20


class ReadPage(Protocol):
    """Asks for lines beside a marker, or for the newest ones; an empty page where there is nothing."""

    async def __call__(self, base_line: str | None, *, forward: bool) -> LogPage: ...


class _Chunk:
    """Lines of a page; the first of them stands ``skipped`` lines behind the one that ``base`` names."""

    __slots__ = ("base", "end", "lines", "skipped")

    def __init__(self, page: LogPage) -> None:
        self.lines = page.lines
        self.base = page.start_line
        self.end = page.end_line
        self.skipped = 0

    def drop(self, count: int) -> None:
        del self.lines[:count]
        self.skipped += count

    def placed(self, log_file: str, others: Mapping[str, Position] | None) -> Iterator[LogLine]:
        base, last = self.base, self.skipped + len(self.lines) - 1
        for at, line in enumerate(self.lines, self.skipped):
            position = None if base is None else (base, at)
            if at == last and self.end is not None:
                # Going on from here asks for nothing that was read already.
                position = (self.end, 0)
            yield LogLine(line, log_file, position, others)


async def read_lines(
    read: ReadPage,
    log_file: str,
    after: Position | None = None,
    others: Mapping[str, Position] | None = None,
    enough: int = 1,
) -> AsyncGenerator[LogLine, None]:
    """The lines of one file that are there now, from the first to the last, each once.

    Args:
        read: asks for pages of this file.
        log_file: its name, which each line bears.
        after: the line to go on behind.
        others: where the other files of the log stand, which goes into the lines' markers.
        enough: lines of a page that make it worth asking on at once; a log that grows always has a few more.
    """
    marker: str | None = None
    skip = 0
    if after is None:
        for chunk in await _from_the_start(read):
            for line in chunk.placed(log_file, others):
                yield line
            marker = chunk.end
    else:
        marker, skip = after
    while marker is not None:
        chunk = _Chunk(await read(marker, forward=True))
        if chunk.lines and chunk.base == marker:
            # Whether the line that a marker names is repeated is not said anywhere.
            chunk.drop(1)
        got = len(chunk.lines)
        chunk.drop(min(skip, got))
        skip -= min(skip, got)
        for line in chunk.placed(log_file, others):
            yield line
        marker = chunk.end if got >= enough and chunk.end != marker else None


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
        try:
            page = await read(base, forward=False)
        except InvalidRequest:
            # The log was cut at the front meanwhile, beyond this line; what is known is all that can be had.
            break
        if not page.lines or page.start_line == base:
            break
        if page.end_line == base:
            # This page ends with the line that the next one begins with.
            chunks[0].drop(1)
        chunks.insert(0, _Chunk(page))
        del chunks[_PAGES_KEPT:]
    return chunks
