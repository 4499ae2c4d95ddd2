"""What has to be true after a run; the board is the judge. Logs and events have modules of their own."""

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from aiomodelarts.errors import (
    NotAllowed,
    SessionClosed,
    StateUnclear,
    TrainingCancelled,
    TrainingFailed,
    VersionGone,
    WaitTimeout,
)
from aiomodelarts.status import JobStatus, Outcome
from tests.simulate.line import Line
from tests.simulate.watching import judge_events, judge_logs
from tests.simulate.watching.board import FOREVER, Life, is_end
from tests.simulate.watching.bounds import Bounds, bounds, endured_s, known_s
from tests.simulate.watching.plan import Plan
from tests.simulate.watching.waits import Wait

if TYPE_CHECKING:
    from tests.simulate.watching.run import Run

_STATES = re.compile(r"/versions(/\d+)?$")
_WINDOW_S = 10.0
# What waits for a place in flight can leave together.
_TOGETHER = 10
_AT_ONCE_S = 0.1
_LATE_S = 1.0


def judge(run: "Run") -> None:
    """Add what is wrong to the run's violations."""
    limits = bounds(run.plan)
    for wait in run.plan.waits:
        run.violations += [f"{wait}: {problem}" for problem in _of_wait(wait, run.plan, limits)]
    for reader in run.plan.readers:
        run.violations += [f"{reader}: {problem}" for problem in judge_logs.problems(reader, run.plan, limits)]
    for consumer in run.plan.consumers:
        run.violations += [f"{consumer}: {problem}" for problem in judge_events.problems(consumer, run, limits)]
    for life in run.plan.board.all():
        if life.stopped and not any(_stops(wait, life) for wait in run.plan.waits):
            run.violations.append(f"version {life.version_id} was stopped, and nobody asked for it")
    if run.plan.is_calm:
        for name, line in run.lines.items():
            run.violations += [f"{name}: {problem}" for problem in _above_the_ceiling(line, run.plan)]


def _stops(wait: Wait, life: Life) -> bool:
    return wait.stop_on_cancel and life in wait.lives and wait.cancel_s is not None


def _not_stopped(wait: Wait, plan: Plan) -> Iterator[str]:
    """Who asks for it has the versions stopped that go on when the wait is cancelled."""
    if not (wait.stop_on_cancel and isinstance(wait.error, asyncio.CancelledError) and plan.is_calm):
        return
    now = wait.ended_on_board_s
    for life in wait.lives:
        goes_on = life.made_s + life.hidden_s <= now < min(life.ended_s, life.deleted_s) - _LATE_S
        if goes_on and not life.stopped and (plan.closes_s is None or now < plan.closes_s):
            yield f"it was cancelled at {now:.2f} s, and version {life.version_id} was not stopped"


def _of_wait(wait: Wait, plan: Plan, limits: Bounds) -> Iterator[str]:
    if wait.began_s is None or wait.ended_s is None:
        yield "it never ended"
        return
    yield from _told_wrong(wait, plan, limits)
    yield from _ended_wrong(wait, plan, limits)
    yield from _too_late(wait, plan, limits)
    yield from _not_stopped(wait, plan)


def _told_wrong(wait: Wait, plan: Plan, limits: Bounds) -> Iterator[str]:
    lives = {life.version_id: life for life in wait.lives}
    ends = [detail for _, detail in wait.told if detail.status.is_final]
    if wait.kind != "updates" and len(ends) != len(wait.told):
        yield f"it was told {wait.told}, which are not all ends"
    if len({detail.version_id for detail in ends}) != len(ends) and wait.kind != "updates":
        yield f"an end was told twice: {ends}"
    if wait.kind == "wait_all" and wait.told and [d.version_id for d in ends] != list(lives):
        yield f"the details are not in order: {ends}"
    for number, (at_s, detail) in enumerate(wait.told):
        old_s = limits.old_s
        if number == 0:
            # What was made here is known to be what it was then; a stream begins with what the last look has shown.
            old_s = 1e9 if wait.made_here else limits.sees_s + limits.old_s
        life = lives.get(detail.version_id)
        if life is None or detail.job_id != life.job_id:
            yield f"it was told of another version: {detail}"
        elif not _was_shown(life, detail.status, at_s, old_s):
            yield f"it was told {detail.status!r} at {at_s:.2f} s, and the board says {life.moves}"
    if wait.kind == "updates":
        yield from _updates_wrong(wait)


def _was_shown(life: Life, status: JobStatus, at_s: float, old_s: float) -> bool:
    if is_end(status):
        return life.last == status and life.ended_s <= at_s
    return life.showed(status, at_s - old_s, at_s)


def _updates_wrong(wait: Wait) -> Iterator[str]:
    statuses = [detail.status for _, detail in wait.told]
    if any(before == after for before, after in pairwise(statuses)):
        yield f"a state was told twice: {statuses}"
    if any(is_end(status) for status in statuses[:-1]):
        yield f"something was told after the end: {statuses}"
    if wait.error is None and not (statuses and statuses[-1].is_final):
        yield f"the updates ended without an end: {statuses}"


def _ended_wrong(wait: Wait, plan: Plan, limits: Bounds) -> Iterator[str]:
    now, error = wait.ended_on_board_s, wait.error
    told = {detail.version_id for _, detail in wait.told if is_end(detail.status)}
    left = [life for life in wait.lives if life.version_id not in told]
    match error:
        case None:
            right = {detail.version_id for _, detail in wait.told} == {life.version_id for life in wait.lives}
            right &= all(_lost_long_enough(life, plan, now, limits) for life in left)
        case TrainingFailed():
            outcome = wait.told[-1][1].status.outcome
            right = outcome is (Outcome.CANCELLED if isinstance(error, TrainingCancelled) else Outcome.FAILED)
            right &= all(_lost_long_enough(life, plan, now, limits) for life in left)
        case asyncio.CancelledError():
            right = wait.cancel_s is not None
        case StateUnclear():
            right = any(_was_unclear(life, error.detail.status, plan, now, limits) for life in left)
        case VersionGone():
            right = any(life.deleted_s <= now for life in left)
        case TimeoutError():
            right = wait.timeout_s is not None and (isinstance(error, WaitTimeout) or wait.kind == "updates")
        case SessionClosed():
            right = plan.closes_s is not None and now >= plan.closes_s
        case NotAllowed():
            right = plan.refuses
        case _:
            right = False
    if not right:
        yield f"it ended with {error!r} at {now:.2f} s, and the board says {left}"


def _lost_long_enough(life: Life, plan: Plan, now: float, limits: Bounds) -> bool:
    return _was_unclear(life, JobStatus.LOST, plan, now, limits)


def _was_unclear(life: Life, status: JobStatus, plan: Plan, now: float, limits: Bounds) -> bool:
    if not status.is_doubtful:
        return False
    return life.held_s(status, now, limits.sees_s) >= max(endured_s(plan, status) - limits.old_s, 0.0) and life.showed(
        status, 0, now
    )


def _too_late(wait: Wait, plan: Plan, limits: Bounds) -> Iterator[str]:
    assert wait.began_s is not None
    assert wait.ended_s is not None
    if wait.cancel_s is not None:
        if wait.ended_s > wait.cancel_s + _AT_ONCE_S:
            yield f"cancelling it took {wait.ended_s - wait.cancel_s:.2f} s"
        return
    # The last lines of a run that failed are read after its end, and not beyond the deadline.
    tail_s = limits.sees_s if isinstance(wait.error, TrainingFailed) else 0.0
    deadline = FOREVER if wait.timeout_s is None else plan.latest(wait.began_s, wait.timeout_s)
    if wait.ended_s > deadline + _LATE_S:
        yield f"its deadline was at {deadline:.2f} s, and it ended at {wait.ended_s:.2f} s"
    if isinstance(wait.error, TimeoutError) and not isinstance(wait.error, StateUnclear):
        if wait.ended_s < wait.began_s + (wait.timeout_s or 0.0) - 1e-6:
            yield f"it timed out at {wait.ended_s:.2f} s, before its deadline at {deadline:.2f} s"
        over = all(life.last.is_final or life.last.is_doubtful for life in wait.lives)
        if over and wait.ended_s > _latest(wait, plan, limits, 0.0):
            yield f"it timed out at {wait.ended_s:.2f} s, long after the end"
        return
    yield from _seen_too_late(wait, plan, limits, tail_s)


def _seen_too_late(wait: Wait, plan: Plan, limits: Bounds, tail_s: float) -> Iterator[str]:
    assert wait.began_s is not None
    assert wait.ended_s is not None
    if isinstance(wait.error, SessionClosed | NotAllowed):
        return
    latest = _latest(wait, plan, limits, tail_s)
    if wait.ended_s > latest:
        yield f"it ended at {wait.ended_s:.2f} s, which is {wait.ended_s - latest:.2f} s late"
    over = all(is_end(life.last) and known_s(plan, life) < wait.began_s for life in wait.lives)
    if plan.is_calm and over and all(life.deleted_s == FOREVER for life in wait.lives):
        soon = plan.latest(wait.began_s, plan.cadence.within(wait.poll_s).min_s + 2 * limits.look_s + 0.1 + tail_s)
        if wait.ended_s > soon:
            yield f"a newcomer was looked at {wait.ended_s - soon:.2f} s late"


def _latest(wait: Wait, plan: Plan, limits: Bounds, tail_s: float) -> float:
    """When all of its versions have been seen to the end, however they end."""
    clear_s = 0.0 if plan.is_calm else plan.clears_s
    known = max(wait.began_s or 0.0, clear_s, *(known_s(plan, life) for life in wait.lives))
    gone = any(life.deleted_s < FOREVER for life in wait.lives)
    endured = max(endured_s(plan, life.last) for life in wait.lives)
    # What is endured is seen once at its beginning and once at its end.
    return plan.latest(known, endured + tail_s + (limits.gone_s if gone else (1 + bool(endured)) * limits.sees_s))


def _above_the_ceiling(line: Line, plan: Plan) -> Iterator[str]:
    asked = [at_s for at_s, path in line.asked if _STATES.search(path)]
    most = plan.cadence.polls_per_s * _WINDOW_S + _TOGETHER
    first = 0
    for last, at_s in enumerate(asked):
        while asked[first] < at_s - _WINDOW_S:
            first += 1
        if last - first + 1 > most:
            yield f"{last - first + 1} looks within {_WINDOW_S:g} s, with a ceiling of {most:g}"
            return
