"""A running version until it has ended, and what its trial becomes then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import aclosing
from typing import Any

from attrs import define, evolve

from ...errors import ModelArtsError, SweepError, TrainingCancelled, TrainingFailed, VersionGone
from ...status import JobStatus
from ..description.config import SweepConfig
from ..failures import Failure, classified
from ..ledger.records import Held
from ..objective import MetricMissing
from ..reasons import log_end, one_line, why_failed
from ..trial import Ending, Trial, TrialState
from ..versions import Version
from .backlog import Place
from .brake import Brake
from .halts import Running, StoppedAsAsked
from .making import Made
from .meters import Meters
from .observing import Observer, Reported
from .scribe import Scribe


@define
class _Course:
    """One trial while its version runs."""

    trial: Trial
    version: Version
    place: Place
    last: Reported | None = None

    def note(self, value: Reported) -> None:
        """Take in the last value that its log has told."""
        self.last = value

    @property
    def last_told(self) -> dict[str, Any]:
        """The last value, by the names of ``Trial``."""
        return {} if self.last is None else {"last_value": self.last.shown, "last_step": self.last.step}


class _LeftAlone(Exception):
    """The version goes on, and is awaited no more."""


class Following:
    """Sees versions through to their end.

    Args:
        config: of the sweep.
        meter: reads objectives.
        scribe: writes every step down.
        brake: ends the sweep before its time.
        observer: tells which versions are stopped early; None stops none.
    """

    def __init__(
        self, config: SweepConfig, meter: Meters, scribe: Scribe, brake: Brake, observer: Observer | None
    ) -> None:
        self._config = config
        self._meter = meter
        self._scribe = scribe
        self._brake = brake
        self._observer = observer

    async def follow(self, made: Made, place: Place) -> Held | None:
        """Return when the version has ended, or is left alone; what is returned is to be tried again.

        Args:
            made: the version.
            place: its own in the platform's queue; it is given back once the version is seen to run.
        """
        course = _Course(made.trial, made.version, place)
        try:
            try:
                snapshot = await self._ended(course)
            except (TrainingFailed, VersionGone) as error:
                return await self._not_well(course, error, taken_up=made.taken_up)
            await self._well(course, snapshot, made.stamp)
        except _LeftAlone:
            return None
        except SweepError:
            raise
        except (ModelArtsError, OSError) as error:
            reason = f"could not be followed: {one_line(error)}"
            await self._scribe.end(course.trial, TrialState.UNCLEAR, reason)
        return None

    async def _ended(self, course: _Course) -> object:
        """The last snapshot of a version that has ended well."""
        waiting = asyncio.ensure_future(course.version.wait())
        try:
            if course.trial.ending is None:
                why = await self._first_to_say(course, waiting)
                if isinstance(why, StoppedAsAsked) and why.running is Running.LEAVE:
                    raise _LeftAlone
                if why is not None:
                    await self._decide(course, why)
            if course.trial.ending is not None and not waiting.done():
                # Its slot is free when it is down, not when the platform has accepted to stop it.
                await course.version.stop()
            snapshot = await waiting
        finally:
            if waiting.done():
                # It may have run between two looks.
                course.place.runs()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        self._scribe.passed("ended")
        return snapshot

    async def _first_to_say(
        self, course: _Course, waiting: "asyncio.Future[object]"
    ) -> "Reported | Ending | StoppedAsAsked | None":
        """Why the version is not awaited to its own end, or None when that has come."""
        async with _tasks(self._watchers(course)) as watchers:
            left: set[asyncio.Future[Any]] = {waiting, *watchers}
            while not waiting.done():
                done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
                for one in done - {waiting}:
                    if one.result() is not None:
                        said: Reported | Ending | StoppedAsAsked = one.result()
                        return said
        return None

    def _watchers(self, course: _Course) -> list[Awaitable[Any]]:
        watchers: list[Awaitable[Any]] = [self._asked()]
        if course.place.watched:
            watchers.append(_runs(course))
        if self._observer is not None:
            watchers.append(self._observer.condemned(course.trial, course.version, course.note))
        if self._config.budget.stop_after_s is not None:
            watchers.append(self._overtime(course.version, self._config.budget.stop_after_s))
        return watchers

    async def _asked(self) -> StoppedAsAsked | None:
        """Return when somebody has asked the sweep to end."""
        halt = await self._brake.pulled()
        return halt if isinstance(halt, StoppedAsAsked) else None

    async def _overtime(self, version: Version, stop_after_s: float) -> Ending | None:
        """Return when the version has trained for as long as a trial may."""
        snapshot = await _running(version)
        if snapshot is None:
            return None
        ran_s = (getattr(snapshot, "duration", None) or 0) / 1000
        await self._scribe.clock.sleep(max(0.0, stop_after_s - ran_s))
        return Ending.OVERTIME

    async def _decide(self, course: _Course, why: "Reported | Ending | StoppedAsAsked") -> None:
        """Write down that the version is to be stopped, and why, before it is asked for."""
        if isinstance(why, Reported):
            verdict = "" if self._config.pruning is None else self._config.pruning.verdict
            ending, told = Ending.PRUNED, f"{verdict} at step {why.step}, with {why.value:g}; to be stopped"
        elif isinstance(why, StoppedAsAsked):
            ending, told = Ending.ASKED, "to be stopped, since the sweep was asked to end"
        else:
            longest = self._config.budget.max_trial_hours or 0.0
            ending, told = (
                Ending.OVERTIME,
                f"has trained for nearly {longest:g} h, as long as a trial may; to be stopped",
            )
        course.trial = await self._scribe.move(course.trial, told, ending=ending, **course.last_told)
        self._scribe.passed("to be stopped")

    async def _well(self, course: _Course, snapshot: object, stamp: str | None) -> None:
        trial = course.trial
        told = {"account": self._scribe.settled(trial, snapshot), "ending": None} | course.last_told
        try:
            values = await self._meter.read(trial, course.version, stamp)
        except MetricMissing as error:
            await self._over(trial, TrialState.NO_METRIC, str(error), told)
        else:
            await self._over(trial, TrialState.SUCCEEDED, None, told | values_of(values))

    async def _not_well(self, course: _Course, error: TrainingFailed | VersionGone, *, taken_up: bool) -> Held | None:
        trial = course.trial
        snapshot = getattr(error, "detail", None)
        told = {"account": self._scribe.settled(trial, snapshot)} | course.last_told
        stopped = isinstance(error, TrainingCancelled | VersionGone)
        if stopped and trial.ending is Ending.PRUNED:
            last = evolve(trial, **course.last_told)
            reason = f"stopped early at step {last.last_step}, with {last.last_value}"
            await self._over(trial, TrialState.PRUNED, reason, told)
            return None
        if stopped and trial.ending is Ending.ASKED:
            again = self._config.again(evolve(trial, account=told["account"]))
            await self._scribe.become(trial, again, "stopped as asked; made anew when the sweep goes on")
            # It was asked of an earlier run, perhaps.
            return Held(again) if self._brake.halt is None else None
        return await self._failed(trial, error, told, taken_up=taken_up, stopped=stopped)

    async def _failed(
        self, trial: Trial, error: TrainingFailed | VersionGone, told: dict[str, Any], *, taken_up: bool, stopped: bool
    ) -> Held | None:
        overtime = stopped and trial.ending is Ending.OVERTIME
        failure = Failure.OVERTIME if overtime else classified(error)
        reason = why_failed(error) if isinstance(error, TrainingFailed) else one_line(error)
        if overtime:
            reason = f"stopped after {self._config.budget.max_trial_hours:g} h, as long as a trial may train"
        # What went while nobody watched went with the machine it was watched from, or its owner takes it up again.
        unwatched = taken_up and failure in {Failure.LOST, Failure.PREEMPTED}
        tries = trial.tries.get(failure.value, 0)
        if not unwatched and not self._config.retry.allows(failure, tries):
            told |= {"failure": failure.value, "detail": log_end(error)}
            await self._over(trial, TrialState.FAILED, reason, told)
            return None
        again = self._config.again(evolve(trial, account=told["account"]), failure)
        why = f"tried again ({failure.value}): {reason}"
        await self._scribe.become(trial, again, why, detail=log_end(error))
        return Held(again)

    async def _over(self, trial: Trial, state: TrialState, reason: str | None, told: dict[str, Any]) -> None:
        ended = await self._scribe.end(trial, state, reason, **told)
        if self._observer is not None:
            self._observer.ended(ended)


def values_of(values: Sequence[float]) -> dict[str, Any]:
    """What a trial keeps of the values of its objectives."""
    return {"value": values[0], "values": tuple(values) if len(values) > 1 else ()}


async def _runs(course: _Course) -> None:
    """Give the place in the queue back when the version runs; why it may not come to that is found out elsewhere."""
    with contextlib.suppress(ModelArtsError):
        if await _running(course.version) is not None:
            course.place.runs()


async def _running(version: Version) -> object | None:
    """The first snapshot that shows the version running, or None when none does."""
    async with aclosing(version.updates()) as snapshots:
        async for snapshot in snapshots:
            if snapshot.status is JobStatus.RUNNING:
                return snapshot  # type: ignore[no-any-return]
    return None


@contextlib.asynccontextmanager
async def _tasks(work: list[Awaitable[Any]]) -> AsyncIterator[Sequence["asyncio.Future[Any]"]]:
    """The work as tasks, which end with the block."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
