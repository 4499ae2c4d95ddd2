"""A log from the queue to its last line, while it grows."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing

from attrs import define, field

from .._log_reader import read_lines
from .._watch.cadence import Cadence, PollS
from ..errors import InvalidRequest, LogGone, ModelArtsError, NotFound, VersionGone, may_heal
from ..models.job import JobDetail
from ..models.logs import LogLine, LogMarker, Position
from .logs import get_job_log_file_list, reader
from .pointers import PointsAtVersion, version_of

_log = logging.getLogger("aiomodelarts.logs")
_SHORTEST_S, _LONGEST_S = 0.2, 5.0
# A page this long means that more has been written meanwhile; a shorter one is all there is for the moment.
_LONG_PAGE = 100
# After so many lines of one node's file the others have their turn: one that grows faster than it is read has no end.
_LINES_IN_TURN = 10_000
_NAMES_EVERY_S = 5.0
_MOST_AFTER_FAILURES_S = 30.0
# What cannot be read although its version ended long ago will not be read.
_GIVES_UP_AFTER_S = 300.0
# The last lines of a run can reach the log a moment after its end is told.
_LATE_LINES_S = 2.0


@define
class _Pace:
    """How long to wait before asking again: shorter while lines come, longer while none do or asking fails."""

    shortest_s: float
    longest_s: float
    pause_s: float = field(init=False)
    failing_since: float | None = None

    def __attrs_post_init__(self) -> None:
        self.pause_s = self.shortest_s

    def went(self, lines: int) -> None:
        self.failing_since = None
        self.pause_s = self.shortest_s if lines else min(self.pause_s * 1.6, self.longest_s)

    def failed(self, now: float) -> float:
        """Take note of a failure; seconds since the first one in a row."""
        if self.failing_since is None:
            self.failing_since = now
        self.pause_s = min(self.pause_s * 2, max(self.longest_s, _MOST_AFTER_FAILURES_S))
        return now - self.failing_since


@define
class _Progress:
    """How far the files were read; ``names`` are those that are known, in the order in which they appeared.

    ``more`` says that one of them was left for the others' sake before its end was reached.
    """

    places: dict[str, Position] = field(factory=dict)
    names: list[str] = field(factory=list)
    names_due: float = float("-inf")
    lines: int = 0
    more: bool = False


async def follow(pointer: PointsAtVersion, after: str | None, poll_s: PollS = None) -> AsyncGenerator[LogLine, None]:
    """Every line of every file, each once and in the order of its file, until the version has ended.

    Args:
        pointer: the version.
        after: marker of the line to go on behind.
        poll_s: bounds of the pause between two looks at the log, and at the state.

    Raises:
        InvalidArgument: for a marker that is none.
        LogGone: the platform has cleared the log, or cut off the place that was read last.
        VersionGone: the version was deleted.
        ModelArtsError: reading is refused for good, or has failed for five minutes and the version has ended.
    """
    progress = _Progress({} if after is None else dict(LogMarker.from_text(after).files))
    bounds = Cadence(min_s=_SHORTEST_S, max_s=_LONGEST_S).within(poll_s)
    pace = _Pace(bounds.min_s, bounds.max_s)
    clock = pointer.session.seams.clock
    # The watcher asks for the state on behalf of everybody, so this costs no request of its own.
    ended = asyncio.ensure_future(pointer.session.until_final(*version_of(pointer), poll_s=poll_s))
    complete_at = math.inf
    try:
        while True:
            if ended.done():
                complete_at = min(complete_at, clock.monotonic() + _LATE_LINES_S)
            complete = clock.monotonic() >= complete_at
            before = progress.lines
            try:
                async with aclosing(_round(pointer, progress, over=ended.done())) as lines:
                    async for line in lines:
                        yield line
            except ModelArtsError as error:
                await _endure(error, ended, complete=complete)
                failing_s = pace.failed(clock.monotonic())
                if ended.done() and failing_s >= _GIVES_UP_AFTER_S:
                    raise
                level = logging.DEBUG if failing_s else logging.WARNING
                _log.log(level, "reading a log failed and goes on in %.1f s: %s", pace.pause_s, error)
                await asyncio.sleep(pace.pause_s)
                continue
            got = progress.lines - before
            if complete and not got:
                await ended
                return
            pace.went(got)
            if progress.more:
                continue
            await _pause(pointer, ended, _LATE_LINES_S if ended.done() else pace.pause_s)
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


async def _endure(error: ModelArtsError, ended: asyncio.Future[JobDetail], *, complete: bool) -> None:
    """Raise what cannot be got over. Whether a version that is not found is gone is for the watcher to say."""
    if isinstance(error, NotFound):
        if ended.done():
            await ended
        if complete:
            raise VersionGone(
                "the version was deleted before its log was read to the end", where=error.where
            ) from error
    elif not may_heal(error):
        raise error


async def _pause(pointer: PointsAtVersion, ended: asyncio.Future[JobDetail], seconds: float) -> None:
    if ended.done():
        await asyncio.sleep(seconds)
    else:
        await asyncio.wait([ended], timeout=seconds)
    # Many that follow share the moments at which they ask, each in its turn.
    await pointer.session.log_turns.turn()


async def _round(pointer: PointsAtVersion, progress: _Progress, *, over: bool) -> AsyncGenerator[LogLine, None]:
    """What is new in all files."""
    now = pointer.session.seams.clock.monotonic()
    progress.more = False
    if over or not progress.names or now >= progress.names_due:
        progress.names_due = now + _NAMES_EVERY_S
        progress.names += [name for name in await get_job_log_file_list(pointer) if name not in progress.names]
    for name in progress.names:
        others = {other: place for other, place in progress.places.items() if other != name}
        # What is over grows no more, so that even a short page can be followed by another one at once.
        enough = 1 if over else _LONG_PAGE
        reading = read_lines(reader(pointer, name), name, progress.places.get(name), others, enough)
        turn_ends = progress.lines + _LINES_IN_TURN
        async with aclosing(reading) as lines:
            try:
                async for line in lines:
                    if line.position is not None:
                        progress.places[name] = line.position
                    progress.lines += 1
                    yield line
                    if progress.lines >= turn_ends and line.position is not None and len(progress.names) > 1:
                        progress.more = True
                        break
            except InvalidRequest as error:
                if name not in progress.places:
                    raise
                raise LogGone(
                    "the place that was read last is no longer there: the log was cut, and lines may be missing; "
                    "follow it without `after` for those that are left",
                    where=error.where,
                    status=error.status,
                    code=error.code,
                    request_id=error.request_id,
                ) from error
