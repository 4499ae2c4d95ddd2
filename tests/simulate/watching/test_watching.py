"""Two hundred runs of those who wait, follow logs and take events, and the proof that mistakes would be noticed."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from attrs import evolve

from aiomodelarts import AsyncSession, _log_reader
from aiomodelarts._cursor import Mark, Told
from aiomodelarts._line import Line
from aiomodelarts._operations import log_follow
from aiomodelarts._watch import ceiling, feed, followers, history, patience, track, watcher
from aiomodelarts._watch.patience import Verdict
from aiomodelarts.errors import InvalidRequest
from aiomodelarts.status import JobStatus
from tests.simulate.stage import Tampering
from tests.simulate.watching.run import simulate

_SEEDS = 200


@pytest.mark.parametrize("block", range(8))
def test_every_wait_ends_as_the_board_says_and_nothing_is_told_twice_or_missing(block: int) -> None:
    for seed in range(25 * block, 25 * (block + 1)):
        assert not simulate(seed).violations, f"python -m tests.simulate --kind watching --seed {seed} --trace"


@pytest.mark.parametrize("seed", [3, 17, 40])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    first, second = simulate(seed, muted=False), simulate(seed, muted=False)
    assert [str(event) for event in first.events] == [str(event) for event in second.events]
    assert len(first.events) > 20


def _instead(owner: Any, name: str, make: Callable[[Any], Any]) -> Tampering:
    """Put what ``make`` makes of a function in its place."""

    def tamper() -> AbstractContextManager[Any]:
        return mock.patch.object(owner, name, make(getattr(owner, name)))

    return tamper


def _judged(changed: Callable[[JobStatus, Verdict], Verdict]) -> Tampering:
    def make(judge: Any) -> Any:
        return lambda self, status, seen_for_s, sights: changed(status, judge(self, status, seen_for_s, sights))

    return _instead(patience.Patience, "judge", make)


@contextmanager
def _gone_at_first_sight() -> Any:
    with (
        mock.patch.object(track, "LOOKS_BEFORE_GONE", 1),
        mock.patch.object(track, "_MISSING_FOR_S", 0.0),
        mock.patch.object(track, "_APPEARS_WITHIN_S", 0.0),
    ):
        yield


@contextmanager
def _disappeared_at_first_sight() -> Any:
    with mock.patch.object(history, "_LOOKS_BEFORE_GONE", 1), mock.patch.object(history, "_MISSING_FOR_S", 0.0):
        yield


def _without_deadline(until_final: Any) -> Any:
    return lambda self, job_id, version_id, timeout_s, wanted: until_final(self, job_id, version_id, None, wanted)


def _stopping_when_cancelled(until_final: Any) -> Any:
    async def tampered(self: AsyncSession, job_id: int, version_id: int, *args: Any, **options: Any) -> Any:
        done = False
        try:
            detail = await until_final(self, job_id, version_id, *args, **options)
            done = True
            return detail
        finally:
            if not done and not self._parts._closing:
                self.stop_aside(job_id, version_id)

    return tampered


def _waiting_for_the_others(newcomer: Any) -> Any:
    def tampered(self: watcher.Watcher, job: track.JobWatch, *args: Any) -> None:
        due = job.due
        newcomer(self, job, *args)
        if due != float("inf"):
            job.due = max(due, job.due)

    return tampered


def _once_only(has_to_sweep: Any) -> Any:
    return lambda self, job, now: has_to_sweep(self, job, now) and job.swept_at == float("-inf")


def _all_alike(_: Any) -> Any:
    return lambda self, status: self.was_seen


def _from_the_start(read_lines: Any) -> Any:
    async def tampered(read: Any, name: str, after: Any, *args: Any) -> AsyncIterator[Any]:
        try:
            async for line in read_lines(read, name, after, *args):
                yield line
        except InvalidRequest:
            async for line in read_lines(read, name, None, *args):
                yield line

    return tampered


def _first_file_only(names: Any) -> Any:
    async def tampered(pointer: Any) -> Any:
        return (await names(pointer))[:1]

    return tampered


def _marker_without_places() -> AbstractContextManager[Any]:
    nothing = SimpleNamespace(from_text=lambda text: SimpleNamespace(files={}))
    return mock.patch.object(log_follow, "LogMarker", nothing)


def _alone(placed: Any) -> Any:
    return lambda self, log_file, others: placed(self, log_file, {})


def _nothing_over(decode: Any) -> Any:
    def tampered(*args: Any) -> dict[int, dict[int, Told] | None]:
        jobs: Mapping[int, dict[int, Told] | None] = decode(*args)
        return {
            job_id: known and {number: evolve(told, over=False) for number, told in known.items()}
            for job_id, known in jobs.items()
        }

    return tampered


def _an_end_is_no_end(of_version: Any) -> Any:
    def tampered(self: Any, version_id: int, status: JobStatus, told: Told | None, *args: Any) -> Any:
        if told is not None and told.over and status != told.status:
            told = evolve(told, over=False)
        return of_version(self, version_id, status, told, *args)

    return tampered


def _cursor_ahead(_: Any) -> Any:
    return lambda self, jobs, job_id, changes: Mark(jobs, job_id, changes, 10**9, self._everything)


def _lost_is_an_end(_: Any) -> Any:
    return lambda self, version_id, status, now, patience: status.is_final


def _told_from_the_start(_: Any) -> Any:
    def tampered(self: history.History, states: Any) -> None:
        self.told = {}

    return tampered


def _same_end(_: Any) -> Any:
    async def tampered(self: Line, job_id: int, version_id: int) -> str:
        return "0"

    return tampered


def _held_back_in_silence(_: Any) -> Any:
    def tampered(self: feed.Feed, job_id: int) -> None:
        self._overflowed[job_id] = None

    return tampered


async def _at_once(_: Any) -> None:
    return


def _nothing(_: Any) -> Any:
    return lambda *args: None


def _waits() -> Any:
    yield pytest.param(_instead(watcher, "may_heal", lambda _: lambda error: False), id="a look that fails ends waits")
    yield pytest.param(
        _judged(lambda status, verdict: Verdict.OVER if status is JobStatus.LOST else verdict),
        id="lost is an end at first sight",
    )
    yield pytest.param(
        _judged(lambda status, verdict: Verdict.GOES_ON if verdict is Verdict.TOO_LONG else verdict),
        id="what says nothing is endured for ever",
    )
    yield pytest.param(
        _judged(lambda status, verdict: verdict if status.is_listed else Verdict.OVER),
        id="a number that no document lists is an end",
    )
    yield pytest.param(_gone_at_first_sight, id="a version is gone at the first look without it")
    yield pytest.param(
        _instead(track.Track, "is_gone", lambda _: lambda self, now: False), id="a version is never gone"
    )
    yield pytest.param(_instead(watcher.Watcher, "until_final", _without_deadline), id="deadlines are not kept")
    yield pytest.param(
        _instead(AsyncSession, "until_final", _stopping_when_cancelled), id="cancelling a wait stops the version"
    )
    yield pytest.param(_instead(AsyncSession, "stop_aside", _nothing), id="stop_on_cancel does nothing")
    yield pytest.param(_instead(ceiling.Ceiling, "turn", lambda _: _at_once), id="there is no ceiling")
    yield pytest.param(
        _instead(watcher.Watcher, "_newcomer", _waiting_for_the_others), id="a newcomer waits for the others' look"
    )
    yield pytest.param(_instead(watcher.Watcher, "_drop_unwanted", _nothing), id="looks go on when nobody waits")
    yield pytest.param(_instead(track.Track, "repeats", _all_alike), id="changes on a page are not looked at")
    yield pytest.param(_instead(followers.Updates, "ended", lambda _: _only_over), id="the last state is not given")


def _only_over(self: followers.Updates, detail: Any) -> None:
    self._over = True
    self._arrived.set()


def _logs() -> Any:
    yield pytest.param(_instead(_log_reader._Chunk, "drop", _nothing), id="lines that two pages share come twice")
    yield pytest.param(lambda: mock.patch.object(log_follow, "_LATE_LINES_S", 0.0), id="the last lines are not awaited")
    yield pytest.param(_instead(log_follow, "read_lines", _from_the_start), id="a log that was cut is read anew")
    yield pytest.param(
        _instead(log_follow, "get_job_log_file_list", _first_file_only), id="one node's file is all that is read"
    )
    yield pytest.param(_marker_without_places, id="going on begins at the start")
    yield pytest.param(_instead(_log_reader._Chunk, "placed", _alone), id="a marker forgets the other files")


def _events() -> Any:
    yield pytest.param(_instead(feed, "decode", _nothing_over), id="a cursor forgets what has ended")
    yield pytest.param(_instead(history.History, "_of_version", _an_end_is_no_end), id="what ended can go on")
    yield pytest.param(_instead(feed.Feed, "_mark", _cursor_ahead), id="a cursor says more than was told")
    yield pytest.param(_instead(feed.Feed, "_overflow", _held_back_in_silence), id="an overflow is silent")
    yield pytest.param(_disappeared_at_first_sight, id="a version has disappeared at the first look without it")
    yield pytest.param(_instead(watcher.Watcher, "_has_to_sweep", _once_only), id="the whole list is read once only")
    yield pytest.param(_instead(history.History, "_has_ended", _lost_is_an_end), id="a lost version has ended at once")
    yield pytest.param(_instead(history.History, "begin", _told_from_the_start), id="what was there is told as new")
    yield pytest.param(_instead(Line, "log_end", _same_end), id="a log that grows stands still")


@pytest.mark.parametrize("tampering", [*_waits(), *_logs(), *_events()])
def test_the_simulator_bites(tampering: Tampering) -> None:
    noticed = next((seed for seed in range(_SEEDS) if simulate(seed, tampering).violations), None)
    assert noticed is not None
    assert not simulate(noticed).violations
