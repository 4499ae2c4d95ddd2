"""Verbs on the logs of a version."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TextIO

from .._log_reader import ReadPage, read_lines, read_pages
from .._wire import logs as log_calls
from ..errors import InvalidArgument, LogNotReady
from ..hyperparameters import sendable
from ..models.logs import LogLine, LogMarker, LogPage
from .pointers import PointsAtVersion, version_of

_BATCH = 1000


async def get_job_log_file_list(self: PointsAtVersion) -> tuple[str, ...]:
    """The names of the log files, one for each node; empty while there is none (listTrainingJobLogFiles)."""
    try:
        listed = await self.session.perform(log_calls.list_training_job_log_files, *version_of(self))
    except LogNotReady:
        return ()
    return listed.names


async def get_job_log(
    self: PointsAtVersion,
    log_file: str,
    *,
    base_line: str | None = None,
    lines: int = 50,
    order: str = "desc",
    start_byte: int | None = None,
    offset: int | None = None,
) -> LogPage:
    """One page of a log file (getTrainingJobLog).

    Args:
        log_file: one of ``get_job_log_file_list``.
        base_line: marker of an earlier page, its ``start_line`` or ``end_line``; None asks for the newest lines.
        lines: 1 to 500.
        order: ``desc`` for the lines that follow the marker, ``asc`` for those before it: the platform's words.
        start_byte: the official SDK's argument; -1, the newest lines, is all that can be said in lines.
        offset: the official SDK's argument, which has no meaning in lines.

    Raises:
        InvalidArgument: before anything is sent.
        LogNotReady: while there is no log.
        LogGone: when the platform has cleared it.
    """
    if start_byte not in (None, -1):
        allowed = "the platform counts lines, not bytes: pass -1 for the newest ones, or read on with base_line"
        raise InvalidArgument("start_byte", start_byte, allowed)
    if offset is not None:
        raise InvalidArgument("offset", offset, "the platform counts lines, not bytes: pass lines=1 to 500 instead")
    if type(lines) is not int or not 1 <= lines <= log_calls.MAX_LINES:
        raise InvalidArgument("lines", lines, f"it is a whole number from 1 to {log_calls.MAX_LINES}")
    if order not in ("asc", "desc"):
        raise InvalidArgument("order", order, "it is desc for following lines or asc for preceding ones")
    return await self.session.perform(
        log_calls.get_training_job_log,
        *version_of(self),
        _file_name(log_file),
        base_line=_marker(base_line),
        lines=lines,
        forward=order == "desc",
    )


def log_pages(
    self: PointsAtVersion, log_file: str, *, base_line: str | None = None, forward: bool = False
) -> AsyncIterator[LogPage]:
    """Pages of a log file side by side, each line once; from the newest lines back to the first, unless told otherwise.

    Where the platform tells a line in two neighbours, it is left to one of them, and the other has no marker there.

    Args:
        log_file: one of ``get_job_log_file_list``.
        base_line: marker of a page to begin beside; None begins with the newest lines.
        forward: towards the end of the log.
    """
    return read_pages(reader(self, _file_name(log_file)), _marker(base_line), forward=forward)


async def tail(self: PointsAtVersion, n: int = 50, log_file: str | None = None) -> list[LogLine]:
    """The last lines of the log, oldest first.

    Args:
        n: how many, from 1 up.
        log_file: one file; None reads the files as ``logs`` does, one after the other.

    Raises:
        LogGone: when the platform has cleared the log.
    """
    if type(n) is not int or n < 1:
        raise InvalidArgument("n", n, "it is a whole number from 1 up")
    names = await get_job_log_file_list(self) if log_file is None else (_file_name(log_file),)
    lines: list[LogLine] = []
    for name in reversed(names):
        read = reader(self, name, min(n, log_calls.MAX_LINES))
        async with aclosing(read_pages(read, None, forward=False)) as pages:
            async for page in pages:
                lines[:0] = [LogLine(line, name) for line in page.lines]
                if len(lines) >= n:
                    return lines[-n:]
    return lines


async def all_lines(
    pointer: PointsAtVersion, log_file: str | None = None, after: str | None = None
) -> AsyncGenerator[LogLine, None]:
    """The lines that are there now, from the first to the last, each once; file after file where there are several."""
    places = {} if after is None else dict(LogMarker.from_text(after).files)
    names = await get_job_log_file_list(pointer) if log_file is None else (_file_name(log_file),)
    for name in names:
        others = {other: place for other, place in places.items() if other != name}
        async with aclosing(read_lines(reader(pointer, name), name, places.get(name), others)) as lines:
            async for line in lines:
                if line.position is not None:
                    places[name] = line.position
                yield line


async def download_log(self: PointsAtVersion, path: str | os.PathLike[str], log_file: str | None = None) -> int:
    """The number of lines that were written to a file: the whole log as it is now.

    The file appears under its name when it is complete; one that was there before is replaced.

    Args:
        path: of the file.
        log_file: one file of the log; None writes all of them, one after the other.

    Raises:
        LogGone: when the platform has cleared the log.
        OSError: when the file cannot be written.
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.part")
    file = await _opened(part)
    try:
        async with aclosing(all_lines(self, log_file)) as lines:
            count = await _written(file, lines)
        await asyncio.to_thread(_finish, file, part, target)
    except BaseException:
        await asyncio.to_thread(_give_up, file, part)
        raise
    return count


async def _opened(part: Path) -> TextIO:
    opening = asyncio.ensure_future(
        asyncio.to_thread(part.open, "w", encoding="utf-8", errors="surrogatepass", newline="\n")
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread goes on, so what it opens still has to be closed and removed.
        with suppress(OSError):
            await asyncio.to_thread(_give_up, await opening, part)
        raise


async def _written(file: TextIO, lines: AsyncIterator[LogLine]) -> int:
    count, batch = 0, list[str]()
    async for line in lines:
        batch.append(f"{line}\n")
        if len(batch) == _BATCH:
            count += len(batch)
            await asyncio.to_thread(file.writelines, batch)
            batch = []
    await asyncio.to_thread(file.writelines, batch)
    return count + len(batch)


def _finish(file: TextIO, part: Path, target: Path) -> None:
    file.close()
    part.replace(target)


def _give_up(file: TextIO, part: Path) -> None:
    try:
        file.close()
    except OSError:
        # What could not be flushed belongs to a file that is removed.
        pass
    finally:
        part.unlink(missing_ok=True)


def reader(pointer: PointsAtVersion, log_file: str, lines: int = log_calls.MAX_LINES) -> ReadPage:
    """Asks for pages of one file; a log that is not there yet is empty."""

    async def read(base_line: str | None, *, forward: bool) -> LogPage:
        try:
            return await pointer.session.perform(
                log_calls.get_training_job_log,
                *version_of(pointer),
                log_file,
                base_line=base_line,
                lines=lines,
                forward=forward,
            )
        except LogNotReady:
            return LogPage()

    return read


def _file_name(given: object) -> str:
    if not isinstance(given, str) or not given or not sendable(given):
        raise InvalidArgument("log_file", given, "it is a name from get_job_log_file_list")
    return given


def _marker(given: object) -> str | None:
    # The service writes the same marker as text and as a number.
    if given is None or (isinstance(given, str) and sendable(given)):
        return given
    if type(given) is int:
        return str(given)
    raise InvalidArgument("base_line", given, "it is the marker of an earlier page, its start_line or end_line")
