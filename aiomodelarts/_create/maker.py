"""Exactly one version per intent: send, and where no answer comes, find out before anything else."""

import asyncio
import contextlib
import contextvars
import logging
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from .._clock import Clock
from .._net.singleflight import SingleFlight
from ..errors import CreateOutcomeUnknown, InvalidArgument, ModelArtsError, SessionClosed
from ..models.spec import TrainingSpec
from .create import Create, adopted, known, may_always_leave, unknown, version_of
from .desk import Asks, JobDesk
from .jobs import JobMaker, Names
from .made import LeftBehind, Made, Pending, Twin
from .outcomes import Outcome, outcome_of
from .policy import SettlePolicy

_log = logging.getLogger("aiomodelarts.create")
# Of a job that is forgotten, the list is read before the first version is added.
_NEW_JOBS_KEPT = 100_000


class Sends(Asks, Names, Protocol):
    """What making versions asks the service."""


class Maker:
    """Makes versions for a session, and owns every create that is under way.

    Args:
        sends: the service.
        clock: measures the windows.
        policy: how long lost answers are looked for.
    """

    def __init__(self, sends: Sends, clock: Clock, policy: SettlePolicy) -> None:
        self._sends = sends
        self._clock = clock
        self._policy = policy
        self._jobs = JobMaker(sends, clock, policy, self._on_job)
        self._desks: dict[int, JobDesk] = {}
        self._new_jobs: dict[int, int] = {}
        self._readings: dict[int, SingleFlight[None]] = {}
        self._keyed: dict[str, Create] = {}
        # A dict for its order: what is done to all of them is done in the order in which they came.
        self._under_way: dict[Create, None] = {}
        self.twins: list[Twin] = []
        self.left_behind: list[LeftBehind] = []
        self._closed = False
        self._context = contextvars.copy_context()

    async def make(self, spec: TrainingSpec, may_leave: Callable[[], None] = may_always_leave) -> Made:
        """The one version for this intent.

        A caller that is cancelled before the bytes left leaves nothing; after that the create gets a short time to end,
        and what it made, or may have made, is kept in ``left_behind``.

        Args:
            spec: the intent.
            may_leave: is asked each time just before bytes leave; what it raises keeps them back and comes out here.

        Raises:
            ApiError: the service refused; NoCapacity when it had no room and no version was seen either.
            CreateOutcomeUnknown: it could not be found out whether there is a version.
            InvalidArgument: the intent's key was used for something else; it shows the difference.
            SessionClosed: the session was closed before anything was sent.
        """
        if self._closed:
            raise _session_closed()
        if spec.intent_id is None:
            create = self._started(Create(spec, may_leave))
        else:
            create = self._keyed_create(spec, spec.intent_id)
        waiter = create.joined()
        try:
            return await waiter
        except asyncio.CancelledError:
            # Others may be waiting for the same version; only the last one to leave gives it up.
            if len(create.waiters) == 1:
                await self._abandon(create)
            raise
        finally:
            create.waiters.remove(waiter)

    async def make_here(self, spec: TrainingSpec) -> Made:
        """As ``make``, in the task that calls, which costs less than one more task.

        That task is its owner's to cancel, who first gives it the time that ``make`` would give; the create ends at
        once when it is.
        """
        if spec.intent_id is not None:
            # Others may come to wait for the same version.
            return await self.make(spec)
        if self._closed:
            raise _session_closed()
        create = Create(spec)
        create.start_here()
        self._under_way[create] = None
        try:
            return await self._made(create)
        except asyncio.CancelledError:
            interrupted = self._interrupted(create)
            if interrupted is not None:
                create.task.uncancel()
                raise interrupted from None
            self._leave_behind(create)
            raise
        finally:
            del self._under_way[create]

    async def settle(self, pending: Pending) -> Made | None:
        """What became of an intent whose outcome was unknown, perhaps in another process; None when it made nothing.

        A version that belongs to somebody in this session is not taken.
        """
        if self._closed:
            raise _session_closed()
        spec = pending.spec
        kept = None if spec.intent_id is None else self._keyed.get(spec.intent_id)
        if kept is not None and kept.spec == spec and not self._has_to_begin(kept):
            return await asyncio.shield(kept.task)
        made = await self._settled(pending)
        if made is not None:
            # Somebody knows of it now, and whoever asks with the same key is to be told of it, too.
            self.left_behind = [left for left in self.left_behind if left.pending is not pending]
            if spec.intent_id is not None:
                self._keyed[spec.intent_id] = known(spec, made)
        return made

    async def _settled(self, pending: Pending) -> Made | None:
        spec = pending.spec
        if spec.job_id is None:
            return await self._jobs.settle(spec)
        if spec.own_path:
            # This session's first listing claims every row for somebody else; the path tells whose this one is.
            earlier = await (await self._ready_desk(spec.job_id)).earlier(spec)
            if earlier is not None:
                return adopted(spec.job_id, earlier)
        desk = self._desk(spec.job_id)
        if not desk.complete:
            await desk.read_up_to(pending.after_version_id)
        version_id = await desk.settled(spec, -math.inf)
        return None if version_id is None else adopted(spec.job_id, version_id)

    async def close(self) -> None:
        """Give what is under way a short time to end; look once more for twins; then end everything."""
        self._closed = True
        try:
            for create in list(self._under_way):
                if not create.began:
                    create.task.cancel()
            await self._wait_for(list(self._under_way))
            await self._last_looks()
        finally:
            await self._end()

    async def _last_looks(self) -> None:
        looks = [asyncio.ensure_future(desk.last_look()) for desk in self._desks.values()]
        try:
            if looks:
                await asyncio.wait(looks, timeout=self._policy.grace_s)
        finally:
            await _cancelled(looks)

    async def _end(self) -> None:
        # Each of these is ended although this is cancelled once more; the last one pushed goes first.
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._tell_what_is_left)
            for desk in self._desks.values():
                stack.push_async_callback(desk.close)
            for reading in self._readings.values():
                stack.push_async_callback(reading.close)
            await _cancelled([create.task for create in self._under_way])

    async def _wait_for(self, creates: list[Create]) -> None:
        tasks = [create.task for create in creates]
        if tasks:
            await asyncio.wait(tasks, timeout=self._policy.grace_s)

    def _started(self, create: Create, before: Create | None = None) -> Create:
        if before is not None:
            create.unclear = create.began = before.unclear
            create.after_version_id = before.after_version_id
        create.start(self._made(create), partial(self._ended, create))
        self._under_way[create] = None
        return create

    def _keyed_create(self, spec: TrainingSpec, intent_id: str) -> Create:
        create = self._keyed.get(intent_id)
        if create is not None:
            _check_same(intent_id, create.spec, spec)
            if create.left is not None:
                # Somebody asks again, so it is left behind no more.
                self.left_behind.remove(create.left)
                create.left = None
        if create is None or self._has_to_begin(create):
            create = self._keyed[intent_id] = self._started(Create(spec), create)
        return create

    @staticmethod
    def _has_to_begin(create: Create) -> bool:
        return create.has_failed or create.task.cancelling() > 0

    async def _made(self, create: Create) -> Made:
        spec = create.spec
        try:
            if spec.job_id is None:
                return await self._jobs.make(create)
            return await self._make_version(create, spec.job_id)
        except CreateOutcomeUnknown as error:
            create.unclear = True
            error.intent = create.pending
            raise

    def _ended(self, create: Create, task: "asyncio.Task[Made]") -> None:
        del self._under_way[create]
        create.tell(self._interrupted(create) if task.cancelled() else None)

    def _interrupted(self, create: Create) -> ModelArtsError | None:
        """What a cancelled create has met when the closing cancelled it, which nobody did who waits for it."""
        if not self._closed:
            return None
        if not create.began:
            return _session_closed()
        error = unknown(create.spec, "the session was closed before it was known what became of it")
        error.intent = create.pending
        return error

    async def _make_version(self, create: Create, job_id: int) -> Made:
        spec, desk = create.spec, await self._ready_desk(job_id)
        earlier = await self._made_before(create, desk)
        if earlier is not None:
            return adopted(job_id, earlier)
        create.after_version_id = create.after_version_id or desk.newest
        sent_at = -math.inf
        try:
            for sending in range(self._policy.max_sends):
                if sending:
                    desk.gave_up(spec, sent_at)
                if not create.unclear or sending:
                    sent_at = self._clock.monotonic()
                    made = await self._sent(create, desk)
                    if made is not None:
                        return made
                found = await desk.settled(spec, sent_at)
                if found is not None:
                    return adopted(job_id, found)
                if create.no_capacity is not None:
                    # Nothing was made, as the platform said. Whoever asked decides when to ask again, and for what.
                    desk.gave_up(spec, sent_at)
                    raise create.no_capacity
            raise unknown(spec, f"no answer and no version after {self._policy.max_sends} sendings")
        except (CreateOutcomeUnknown, asyncio.CancelledError):
            # The last sending may still make the version, and earlier ones only its twins.
            if create.began:
                desk.keep(spec, sent_at)
            raise

    async def _made_before(self, create: Create, desk: JobDesk) -> int | None:
        """The version that another process made for this intent, which its own output path tells."""
        spec = create.spec
        if spec.own_path and spec.intent_id is not None and not create.unclear:
            return await desk.earlier(spec)
        return None

    async def _sent(self, create: Create, desk: JobDesk) -> Made | None:
        """What the answer to one sending names; None when there is no answer, or somebody else has that version."""
        spec = create.spec
        create.unclear_after(None)
        try:
            created = await self._sends.create(spec, partial(desk.leaves, create))
            version_id = version_of(created, spec)
            if desk.claim(version_id):
                return Made(job_id=desk.job_id, version_id=version_id, origin="created", created=created)
        except ModelArtsError as error:
            if outcome_of(error) is not Outcome.UNKNOWN:
                raise
            create.unclear_after(error)
            _log.info("the answer to a create of job %s was lost (%s); looking for it", desk.job_id, error)
        finally:
            desk.returned(create)
        # Otherwise an equal intent, whose answer was lost, took the version; there is another one for this intent.
        return None

    async def _ready_desk(self, job_id: int) -> JobDesk:
        desk = self._desk(job_id)
        if not desk.complete:
            # What was there before must not be taken for the answer to a create that is still to be sent.
            reading = self._readings.setdefault(job_id, SingleFlight(desk.read_what_is_there))
            await reading()
            self._readings.pop(job_id, None)
        return desk

    def _desk(self, job_id: int) -> JobDesk:
        desk = self._desks.get(job_id)
        if desk is None:
            desk = self._desks[job_id] = JobDesk(
                job_id, self._sends, self._clock, self._policy, self._on_twin, self._context
            )
        first = self._new_jobs.pop(job_id, None)
        if first is not None:
            # The job is new, and this is its first version.
            desk.claim(first)
            desk.complete = True
        return desk

    def _on_job(self, job_id: int, version_id: int) -> None:
        # Most jobs never get another version, so they get no desk either.
        if len(self._new_jobs) >= _NEW_JOBS_KEPT:
            del self._new_jobs[next(iter(self._new_jobs))]
        self._new_jobs[job_id] = version_id

    def _on_twin(self, twin: Twin) -> None:
        self.twins.append(twin)
        _log.warning("version %s of job %s was a twin and was stopped", twin.version_id, twin.job_id)

    async def _abandon(self, create: Create) -> None:
        try:
            if create.began:
                await self._wait_for([create])
        finally:
            # Cancelled once more, or joined by somebody else meanwhile: neither may lose what is out.
            if len(create.waiters) == 1 and create.left is None:
                self._leave_behind(create)
                create.task.cancel()

    def _leave_behind(self, create: Create) -> None:
        left = create.given_up()
        if left is not None:
            self.left_behind.append(left)

    def _tell_what_is_left(self) -> None:
        for left in self.left_behind:
            made, spec = left.made, left.pending.spec
            if made is not None:
                _log.warning("version %s of job %s exists; its create was cancelled", made.version_id, made.job_id)
            else:
                job = spec.job_id if spec.job_id is not None else repr(spec.job_name)
                _log.warning("a version of job %s may exist; its create was cancelled before the answer", job)
        for desk in self._desks.values():
            if desk.watched:
                number = len(desk.watched)
                _log.warning("%s creates of job %s were sent twice; a late twin goes unseen", number, desk.job_id)


async def _cancelled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _session_closed() -> SessionClosed:
    return SessionClosed("the session is closed; open a new one")


def _check_same(intent_id: str, kept: TrainingSpec, given: TrainingSpec) -> None:
    if kept == given:
        return
    before, now = _flat(kept), _flat(given)
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    differences = [f"{name} was {before.get(name)!r}, is now {now.get(name)!r}" for name in names]
    raise InvalidArgument("intent_id", intent_id, f"it was used for another version ({'; '.join(differences)})")


def _flat(spec: TrainingSpec) -> dict[str, Any]:
    config = spec.wire_config()
    return {
        **{name: value for name, value in config.items() if name not in ("parameter", "train_url")},
        "hyperparameters": spec.hyperparameters.as_dict(),
        "output_path": spec.output_path,
        "job_id": spec.job_id,
        "job_name": spec.job_name,
        "job_desc": spec.job_desc,
    }
