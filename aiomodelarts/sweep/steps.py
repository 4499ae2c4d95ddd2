"""One trial at a time through its steps, each of them in the ledger before the next one is taken."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from .._clock import Clock
from ..errors import (
    ConfigurationError,
    CreateOutcomeUnknown,
    ModelArtsError,
    NotAllowed,
    QuotaExceeded,
    SessionClosed,
    SweepError,
    TokenExpired,
    TrainingFailed,
    VersionGone,
)
from .config import SweepConfig
from .failures import Failure, classified
from .ledger.errors import Fenced
from .ledger.records import Held, Move
from .measure import Meter
from .objective import MetricMissing
from .reasons import one_line, why_failed
from .trial import Trial, TrialState
from .versions import Version, Versions

if TYPE_CHECKING:
    from .ledger.ledger import Ledger

# After one of these, the next creation would end the same way.
_ENDS_THE_SWEEP = (ConfigurationError, NotAllowed, QuotaExceeded, SessionClosed, TokenExpired)
# A platform that cannot be reached would otherwise use up every point within minutes.
_MOST_FAILURES_IN_A_ROW = 5


@frozen
class Made:
    """A trial whose version exists.

    Args:
        trial: is running.
        version: its version.
        stamp: of a metric file that is not this version's.
        taken_up: whether the version was made by an earlier run.
    """

    trial: Trial
    version: Version
    stamp: str | None
    taken_up: bool = False


class Steps:
    """Carries trials through their steps.

    Args:
        config: of the sweep.
        versions: makes and finds versions.
        meter: reads objectives.
        ledger: is told of every step.
        clock: dates them.
        lease_s: how long a controller may be silent before its trials are taken over.
        tell: is told what a trial has become.
        passed: is told the name of every step just before and just after it is taken.
    """

    def __init__(
        self,
        config: SweepConfig,
        versions: Versions,
        meter: Meter,
        ledger: "Ledger",
        clock: Clock,
        lease_s: float,
        tell: Callable[[Trial], Awaitable[None]],
        passed: Callable[[str], None],
    ) -> None:
        self._config = config
        self._versions = versions
        self._meter = meter
        self._ledger = ledger
        self._clock = clock
        self._lease_s = lease_s
        self._tell = tell
        self._passed = passed
        self._failures_in_a_row = 0
        self.stopped_by: ModelArtsError | None = None

    async def reopen(self, held: Held) -> Held:
        """A trial that ended unclear or refused in an earlier run, open again."""
        trial = held.trial
        if not trial.state.is_final:
            return held
        state = TrialState.RESERVED
        if trial.state is TrialState.UNCLEAR:
            state = TrialState.CREATING if trial.version_id is None else TrialState.RUNNING
        return evolve(held, trial=await self._move(trial, "taken up again", state=state, reason=None))

    async def make(self, held: Held, job: tuple[int, int] | None) -> Made | None:
        """The trial with its version, or None when it has none and was told why.

        Args:
            held: a trial that is open.
            job: the job and the version that others derive from; None makes the job.

        Raises:
            ModelArtsError: the job could not be made.
        """
        trial, intent = held.trial, held.intent
        version: Version | None = None
        if trial.job_id is not None and trial.version_id is not None:
            version = self._versions.attach(trial.job_id, trial.version_id)
            return Made(trial, version, (intent or {}).get("stamp"), taken_up=True)
        try:
            if trial.state is TrialState.CREATING and intent is not None:
                version = await self._versions.settle(intent["create"])
            else:
                intent = await self._intent(trial, job)
                trial = await self._move(trial, "about to be created", intent=intent, state=TrialState.CREATING)
                self._passed("intended")
            if version is None:
                await self._ledger.hold(self._lease_s / 2)
                version = await self._versions.make(intent["create"])
        except SweepError:
            raise
        except ModelArtsError as error:
            await self._not_made(trial, error)
            if job is None:
                raise
            return None
        self._passed("made")
        self._failures_in_a_row = 0
        return Made(await self._note_made(trial, version), version, intent["stamp"])

    async def follow(self, made: Made) -> Held | None:
        """Return when the version has ended; what is returned is to be tried again."""
        trial, stamp = made.trial, made.stamp
        try:
            await made.version.wait()
            self._passed("ended")
            value = await self._meter.read(trial, made.version, stamp)
        except (TrainingFailed, VersionGone) as error:
            return await self._failed(made, error)
        except MetricMissing as error:
            await self._end(trial, TrialState.NO_METRIC, str(error))
        except (ModelArtsError, OSError) as error:
            await self._end(trial, TrialState.UNCLEAR, f"could not be followed: {one_line(error)}")
        else:
            await self._end(trial, TrialState.SUCCEEDED, None, value=value)
        return None

    async def _intent(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        stamp = await self._meter.stamp(trial)
        return {"create": await self._versions.intend(trial, job), "stamp": stamp}

    async def _note_made(self, trial: Trial, version: Version) -> Trial:
        ids: dict[str, Any] = {"job_id": version.job_id, "version_id": version.version_id}
        ids["began_at"] = self._clock.now()
        noting = asyncio.ensure_future(self._move(trial, "made", state=TrialState.RUNNING, reason=None, **ids))
        try:
            running = await _to_its_end(noting)
        except Fenced:
            await self._stop_twin(trial, version)
            raise
        self._passed("written as made")
        return running

    async def _stop_twin(self, trial: Trial, version: Version) -> None:
        """Another controller has the trial: where it has another version for it, this one is one too many."""
        theirs = await self._ledger.trial(trial.number)
        if theirs is not None and theirs.version_id not in (None, version.version_id):
            await version.stop()

    async def _not_made(self, trial: Trial, error: ModelArtsError) -> None:
        self._failures_in_a_row += 1
        if isinstance(error, _ENDS_THE_SWEEP) or self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
            self.stopped_by = self.stopped_by or error
        unclear = isinstance(error, CreateOutcomeUnknown)
        state = TrialState.UNCLEAR if unclear else TrialState.REFUSED
        await self._move(trial, one_line(error), state=state, reason=one_line(error))

    async def _failed(self, made: Made, error: TrainingFailed | VersionGone) -> Held | None:
        trial, failure = made.trial, classified(error)
        reason = why_failed(error) if isinstance(error, TrainingFailed) else one_line(error)
        # What went while nobody watched went with the machine it was watched from, or its owner takes it up again.
        unwatched = made.taken_up and failure in {Failure.LOST, Failure.STOPPED}
        if not unwatched and not self._config.retry.allows(failure, trial.attempt - 1):
            await self._end(trial, TrialState.FAILED, reason, failure=failure.value)
            return None
        again = self._config.again(trial)
        why = f"tried again ({failure.value}): {reason}"
        await self._ledger.move(Move(trial.state, again, why))
        await self._tell(again)
        return Held(again)

    async def _end(self, trial: Trial, state: TrialState, reason: str | None, **more: Any) -> None:
        began = trial.began_at
        duration = None if began is None else max(0.0, self._clock.now() - began)
        why = reason or f"value {more.get('value')}"
        await self._move(trial, why, state=state, reason=reason, duration_s=duration, **more)
        self._passed("over")

    async def _move(self, trial: Trial, why: str, *, intent: Mapping[str, Any] | None = None, **changes: Any) -> Trial:
        moved: Trial = evolve(trial, **changes)
        await self._ledger.move(Move(trial.state, moved, why, intent))
        await self._tell(moved)
        return moved


async def _to_its_end(task: "asyncio.Future[Trial]") -> Trial:
    """What the task gives; a cancellation waits for it, for what it writes down is known to nobody else."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            # Whoever asked goes; what became of it is in the ledger, or the next run finds out.
            task.exception()
        raise
