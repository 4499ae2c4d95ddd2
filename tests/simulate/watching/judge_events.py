"""What has to be true of the events that a program was given, over all its restarts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import define, field

from aiomodelarts.events import Appeared, Disappeared, Finished, LogStalled, Overflowed, StateChanged, VersionEvent
from aiomodelarts.status import JobStatus
from tests.simulate.watching.board import FOREVER, Life, is_end
from tests.simulate.watching.bounds import Bounds
from tests.simulate.watching.consumers import Consumer, Taken
from tests.support.clocks import EPOCH

if TYPE_CHECKING:
    from tests.simulate.watching.plan import Plan
    from tests.simulate.watching.run import Run


@define
class _Known:
    """What a program knows of a version."""

    status: JobStatus | None = None
    over: bool = False
    gone: bool = False
    told: list[JobStatus] = field(factory=list)


def problems(consumer: Consumer, run: "Run", limits: Bounds) -> Iterator[str]:
    """Whatever is wrong with what a consumer was given."""
    plan: Plan = run.plan
    known: dict[int, _Known] = {}
    for taken in consumer.kept:
        if isinstance(taken.event, VersionEvent):
            life = plan.board.lives.get(taken.event.job_id, {}).get(taken.event.version_id)
            if life is None or life.job_id not in consumer.job_ids:
                yield f"{taken.event} is of another job or version"
                continue
            wrong = list(_wrong(taken, life, known.setdefault(life.version_id, _Known()), consumer, plan, limits))
            yield from (f"{taken.event.id} at {_seen_s(taken):.2f} s: {one}, {life}" for one in wrong)
    yield from _twice(consumer)
    for life in (life for job_id in consumer.job_ids for life in plan.board.lives[job_id].values()):
        yield from _missing(life, known.get(life.version_id, _Known()), consumer, plan, limits)
    if plan.is_calm and plan.nap is None and consumer.streams == 1:
        yield from _late(consumer, plan, limits)
    if plan.is_calm and plan.nap is None and consumer.streams == 1 and not _overflowed(consumer):
        yield from _skipped(known, consumer, plan, limits)
        if consumer.log_stalled_s is not None:
            yield from _standstills_skipped(consumer, consumer.log_stalled_s, plan, limits)


def _seen_s(taken: Taken) -> float:
    return taken.event.time.timestamp() - EPOCH


def _wrong(taken: Taken, life: Life, known: _Known, consumer: Consumer, plan: "Plan", limits: Bounds) -> Iterator[str]:
    event, seen_s = taken.event, _seen_s(taken)
    assert isinstance(event, VersionEvent)
    if isinstance(event, LogStalled):
        yield from _not_stalled(event, seen_s, life, plan, limits)
        return
    if known.gone:
        yield "something was told of a version that had disappeared"
    if not life.showed(event.status, seen_s - limits.old_s, seen_s) and not isinstance(event, Disappeared):
        yield "the board did not show this"
    match event:
        case Appeared():
            if known.status is not None:
                yield "it had appeared before"
            if not consumer.from_the_beginning and life.made_s < consumer.since_s - limits.sees_s:
                yield "it was there from the start"
        case StateChanged():
            if known.status is None and consumer.from_the_beginning:
                yield "it had not appeared"
            if known.status not in (None, event.before) or event.before == event.status:
                yield f"it was {known.status!r} and not {event.before!r}"
            if known.over and known.status is not JobStatus.LOST:
                yield "it had ended"
            known.over = False
        case Finished():
            if known.over and known.status is not JobStatus.LOST:
                yield "its end was told twice"
            if is_end(event.status) and (life.last != event.status or life.ended_s > seen_s):
                yield "it did not end like this"
            lost_s = life.held_s(JobStatus.LOST, seen_s, limits.sees_s)
            if event.status is JobStatus.LOST and lost_s < max(plan.patience.lost_s - limits.old_s, 0.0):
                yield f"it was lost for {lost_s:.2f} s only"
            if not event.status.is_final or event.outcome is not event.status.outcome:
                yield "this is no end"
            known.over = True
        case Disappeared():
            if life.deleted_s > seen_s:
                yield "it is there"
            known.gone = True
    known.status = event.status
    known.told.append(event.status)


def _not_stalled(event: LogStalled, seen_s: float, life: Life, plan: "Plan", limits: Bounds) -> Iterator[str]:
    if not plan.is_calm:
        return
    if plan.nap is None and not life.showed(JobStatus.RUNNING, seen_s - limits.sees_s, seen_s):
        yield "it does not run"
    reading_s = 2 * plan.latency_s[1] * (1 + len(life.files))
    since_s, until_s = seen_s - event.still_s, seen_s - reading_s
    if since_s < until_s and any(file.size_at(since_s) != file.size_at(until_s) for file in life.files):
        yield f"its log grew within {event.still_s:.2f} s"


def _twice(consumer: Consumer) -> Iterator[str]:
    seen: set[object] = set()
    for taken in consumer.kept:
        # A cursor does not hold that a log stands still.
        name = (taken.event.id, taken.stream if isinstance(taken.event, LogStalled) else None)
        if name in seen:
            yield f"{taken.event.id} was told twice"
        seen.add(name)


def _missing(life: Life, known: _Known, consumer: Consumer, plan: "Plan", limits: Bounds) -> Iterator[str]:
    since_s = 0.0 if consumer.from_the_beginning else max(consumer.since_s, plan.clears_s * (not plan.is_calm))
    begun_s = -1.0 if consumer.from_the_beginning else plan.on_board(since_s + limits.sees_s) + limits.sees_s
    if life.deleted_s < FOREVER:
        if known.status is not None and not known.gone:
            yield f"version {life.version_id} was deleted at {life.deleted_s:.2f} s, and nobody was told"
        return
    if known.status is None and (life.made_s > begun_s or life.moves[-1][0] > begun_s):
        yield f"nothing was told of version {life.version_id}: {life.moves}"
    if known.status is not None and known.status != life.last:
        yield f"version {life.version_id} was told to be {known.status!r} in the end, and it is {life.last!r}"
    if known.status is not None and life.last.is_final and not known.over:
        yield f"the end of version {life.version_id} was not told: {life.moves}"


def _overflowed(consumer: Consumer) -> bool:
    return any(isinstance(taken.event, Overflowed) for taken in consumer.kept)


def _late(consumer: Consumer, plan: "Plan", limits: Bounds) -> Iterator[str]:
    """What is held back is held back after word of an overflow only; all else is seen soon."""
    for taken in consumer.kept:
        event, seen_s = taken.event, _seen_s(taken)
        if isinstance(event, Overflowed):
            return
        if not isinstance(event, Appeared | StateChanged | Finished) or seen_s <= consumer.since_s + limits.sees_s:
            continue
        life = plan.board.lives[event.job_id][event.version_id]
        lost = isinstance(event, Finished) and event.status is JobStatus.LOST
        latest_s = limits.sees_s * (1 + lost) + plan.patience.lost_s * lost
        begins = [life.made_s]
        if not isinstance(event, Appeared):
            begins = [at_s for at_s, status in life.moves if status == event.status]
        if not any(at_s <= seen_s <= at_s + latest_s for at_s in begins):
            yield f"{event.id} was seen at {seen_s:.2f} s, which is late: {life}"


def _skipped(known: dict[int, _Known], consumer: Consumer, plan: "Plan", limits: Bounds) -> Iterator[str]:
    """Whoever takes events all the time gets each state that lasts longer than the time between two looks."""
    for life in (life for job_id in consumer.job_ids for life in plan.board.lives[job_id].values()):
        for begin_s, end_s, status in life.stays():
            lasts = end_s - max(begin_s, consumer.since_s) > limits.sees_s
            changed = begin_s > consumer.since_s + limits.sees_s or consumer.from_the_beginning
            # Where it had been the same just before, what came in between may have been too short to be seen.
            earlier = [end for begin, end, there in life.stays() if there == status and begin < begin_s]
            changed = changed and not any(end >= begin_s - limits.sees_s for end in earlier)
            if lasts and changed and status not in known.get(life.version_id, _Known()).told:
                when = f"from {begin_s:.2f} s to {end_s:.2f} s"
                yield f"nobody was told that version {life.version_id} was {status!r} {when}"


def _standstills_skipped(consumer: Consumer, still_s: float, plan: "Plan", limits: Bounds) -> Iterator[str]:
    """Of a version that runs on and on without a line, everybody is told who wants to know; not of a cleared log."""
    told = {taken.event.version_id for taken in consumer.kept if isinstance(taken.event, LogStalled)}
    for life in (life for job_id in consumer.job_ids for life in plan.board.lives[job_id].values()):
        runs_on = life.last is JobStatus.RUNNING and life.deleted_s == life.cleared_s == FOREVER
        end_s = max(life.quiet_s, consumer.since_s) + 2 * still_s + limits.sees_s
        if runs_on and life.version_id not in told and end_s < consumer.until_s:
            yield f"nobody was told that the log of version {life.version_id} stands still"
