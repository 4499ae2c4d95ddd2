"""A trial's way to its version: what is reserved, what is sent, and what is done when the platform has no room."""

import asyncio
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from ..._shielded import to_its_end
from ...errors import (
    ConfigurationError,
    CreateOutcomeUnknown,
    ModelArtsError,
    NoCapacity,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    SessionClosed,
    SweepError,
    TokenExpired,
)
from ..budget import Amount, Spending
from ..description.config import SweepConfig
from ..failures import Failure
from ..ledger.errors import Fenced, LeaseInDoubt
from ..ledger.records import Held
from ..reasons import one_line
from ..trial import Trial, TrialState
from ..versions import Version, Versions
from .halts import JobDeleted
from .meters import Meters
from .room import Room
from .scribe import Scribe
from .shortage import Shortage

# After one of these, the next creation would end the same way.
_ENDS_THE_SWEEP = (ConfigurationError, JobDeleted, NotAllowed, SessionClosed, TokenExpired)
# A platform that cannot be reached would otherwise use up every point within minutes.
_MOST_FAILURES_IN_A_ROW = 5
_NO_SUCH_JOB = "2775"

Job = tuple[int, int]


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


class Making:
    """Gives trials their versions.

    Args:
        config: of the sweep.
        versions: makes and finds versions.
        meter: reads objectives.
        scribe: writes every step down.
        room: in the budget.
        shortage: at the platform.
        lease_s: how long a controller may be silent before its trials are taken over.
    """

    def __init__(
        self,
        config: SweepConfig,
        versions: Versions,
        meter: Meters,
        scribe: Scribe,
        room: Room,
        shortage: Shortage,
        lease_s: float,
    ) -> None:
        self._config = config
        self._versions = versions
        self._meter = meter
        self._scribe = scribe
        self._room = room
        self._shortage = shortage
        self._lease_s = lease_s
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
        return evolve(held, trial=await self._scribe.move(trial, "taken up again", state=state, reason=None))

    async def make(self, held: Held, job: Job | None) -> Made | None:
        """The trial with its version, or None when it has none and was told why.

        Args:
            held: a trial that is open.
            job: the job and the version that others derive from; None makes the job.

        Raises:
            ModelArtsError: the job could not be made.
            Halt: the sweep ends before it is made; the trial stays as it is.
            GiveWay: the budget has no room for it yet, and other trials are to be looked after.
        """
        trial, intent = held.trial, held.intent
        if (known := self._known(held)) is not None:
            return known
        draft = _Draft(trial, intent if intent is not None and trial.state is TrialState.CREATING else {})
        try:
            version = await self._version(draft, job)
        except SweepError:
            raise
        except ModelArtsError as error:
            await self._not_made(draft, error, job)
            if job is None:
                raise
            return None
        self._scribe.passed("made")
        self._failures_in_a_row = 0
        await self._shortage.accepted()
        return Made(await self._note_made(draft.trial, version), version, draft.intent["stamp"])

    async def find(self, held: Held) -> Made | None:
        """The trial with its version if it has one already; nothing is made."""
        trial, intent = held.trial, held.intent
        if (known := self._known(held)) is not None or intent is None or trial.state is not TrialState.CREATING:
            return known
        try:
            version = await self._versions.settle(intent["create"])
        except SweepError:
            raise
        except ModelArtsError as error:
            await self._scribe.move(trial, f"could not be looked for: {one_line(error)}")
            return None
        return None if version is None else Made(await self._note_made(trial, version), version, intent["stamp"], True)

    def _known(self, held: Held) -> Made | None:
        trial = held.trial
        if trial.job_id is None or trial.version_id is None:
            return None
        version = self._versions.attach(trial.job_id, trial.version_id)
        return Made(trial, version, (held.intent or {}).get("stamp"), taken_up=True)

    async def _version(self, draft: "_Draft", job: Job | None) -> Version:
        if draft.intent:
            found = await self._found(draft)
            if found is not None:
                return found
        else:
            draft.trial = await self._funded(draft.trial)
            await self._write_intent(draft, job, self._config.flavors[0] if self._config.flavors else None)
        while True:
            async with self._shortage.turn() as turn:
                try:
                    return await self._sent(draft)
                except (NoCapacity, QuotaExceeded) as error:
                    await self._refused(draft, job, turn, error)

    async def _refused(self, draft: "_Draft", job: Job | None, turn: int, error: NoCapacity | QuotaExceeded) -> None:
        """Have the trial ready for the next time that there may be room.

        Raises:
            NoCapacity, QuotaExceeded: it has asked as often as it may.
        """
        other = self._other_flavor(draft.trial) if isinstance(error, NoCapacity) else None
        why = f"on {other}, since: {one_line(error)}"
        if other is None:
            tries = draft.trial.tries.get(Failure.CAPACITY.value, 0)
            if not self._config.retry.allows(Failure.CAPACITY, tries):
                raise error
            await self._shortage.refused(turn, error)
            draft.trial = evolve(draft.trial, tries={**draft.trial.tries, Failure.CAPACITY.value: tries + 1})
            other = self._config.flavors[0] if self._config.flavors else None
            why = f"waits for room: {one_line(error)}"
        await self._write_intent(draft, job, other, why)

    async def _found(self, draft: "_Draft") -> Version | None:
        """The version that an earlier sending has made, or None when it has made none."""
        draft.may_be_made = True
        found = await self._versions.settle(draft.intent["create"])
        draft.may_be_made = False
        return found

    async def _sent(self, draft: "_Draft") -> Version:
        """The version, made by a controller that holds its lease at the moment when the bytes leave."""
        surely_s = self._lease_s / 2
        while True:
            await self._scribe.ledger.hold(surely_s)
            try:
                return await self._versions.make(draft.intent["create"], lambda: self._scribe.ledger.check(surely_s))
            except LeaseInDoubt:
                found = await self._found(draft)
                if found is not None:
                    return found

    async def _funded(self, trial: Trial) -> Trial:
        """The trial, with what it may take reserved."""
        worst = self._config.worst_case
        if worst == Amount() or trial.account.held != Amount():
            return trial
        account = Spending(worst, trial.account.spent)
        return await self._room.wait_for(lambda: self._scribe.move(trial, "reserved for", account=account))

    async def _write_intent(self, draft: "_Draft", job: Job | None, flavor: str | None, why: str | None = None) -> None:
        trial = evolve(draft.trial, state=TrialState.CREATING, flavor=flavor)
        stamp = draft.intent["stamp"] if draft.intent else await self._meter.stamp(trial)
        draft.intent = {"create": await self._versions.intend(trial, job), "stamp": stamp}
        why = why or "about to be created"
        draft.trial = await self._scribe.become(draft.trial, trial, why, intent=draft.intent)
        self._scribe.passed("intended")

    def _other_flavor(self, trial: Trial) -> str | None:
        """The next choice after the trial's own, or None after the last one."""
        flavors = self._config.flavors
        place = flavors.index(trial.flavor) + 1 if trial.flavor in flavors else len(flavors)
        return flavors[place] if place < len(flavors) else None

    async def _note_made(self, trial: Trial, version: Version) -> Trial:
        ids: dict[str, Any] = {"job_id": version.job_id, "version_id": version.version_id}
        ids["began_at"] = self._scribe.clock.now()
        # Nobody else knows what it writes down; where that fails, the next run finds out.
        noting = asyncio.ensure_future(
            self._scribe.move(trial, _how(version), state=TrialState.RUNNING, reason=None, **ids)
        )
        try:
            running = await to_its_end(noting)
        except (Fenced, asyncio.CancelledError):
            # A worker that finds itself fenced cancels the others, whose versions are too many just as well.
            if noting.done() and not noting.cancelled() and isinstance(noting.exception(), Fenced):
                await to_its_end(asyncio.ensure_future(self._stop_twin(trial, version)))
            raise
        self._scribe.passed("written as made")
        return running

    async def _stop_twin(self, trial: Trial, version: Version) -> None:
        """Another controller has the trial: where it has another version for it, this one is one too many."""
        theirs = await self._scribe.ledger.trial(trial.number)
        if theirs is not None and theirs.version_id not in (None, version.version_id):
            await version.stop()

    async def _not_made(self, draft: "_Draft", error: ModelArtsError, job: Job | None) -> None:
        trial = draft.trial
        self._failures_in_a_row += 1
        ends: ModelArtsError = error
        if isinstance(error, NotFound) and job is not None and error.code.endswith(_NO_SUCH_JOB):
            ends = JobDeleted(
                f"job {job[0]}, or its version {job[1]} that all others derive from, is not there any more "
                f"({one_line(error)}); --fresh begins anew with a job of its own"
            )
        if isinstance(ends, _ENDS_THE_SWEEP) or self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
            self.stopped_by = self.stopped_by or ends
        reason = one_line(error)
        if draft.may_be_made or isinstance(error, CreateOutcomeUnknown):
            # What was reserved for it stays reserved.
            await self._scribe.move(trial, reason, state=TrialState.UNCLEAR, reason=reason)
        else:
            state, failure = TrialState.REFUSED, None
            if job is not None and isinstance(error, NoCapacity | QuotaExceeded):
                state, failure = TrialState.FAILED, Failure.CAPACITY.value
            account = self._scribe.released(trial)
            await self._scribe.move(trial, reason, state=state, failure=failure, reason=reason, account=account)


class _Draft:
    """A trial on its way, what was written down to be sent for it, and whether that may have made a version already."""

    def __init__(self, trial: Trial, intent: Mapping[str, Any]) -> None:
        self.trial = trial
        self.intent = intent
        self.may_be_made = False


def _how(version: Version) -> str:
    """How a trial came to its version, for the record."""
    exchange = getattr(getattr(version, "created", None), "request_id", None)
    if exchange is not None:
        return f"made: version {version.version_id}, request {exchange}"
    found = getattr(version, "origin", "created") != "created"
    return f"{'found, made before' if found else 'made'}: version {version.version_id}"
