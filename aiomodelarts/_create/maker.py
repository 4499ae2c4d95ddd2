"""Exactly one version per intent: send, and where no answer comes, find out before anything else."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from .._clock import Clock
from ..errors import AlreadyExists, CreateOutcomeUnknown, InvalidArgument, ModelArtsError, SessionClosed, Where
from ..models.job import CreatedVersion
from ..models.spec import TrainingSpec
from .desk import Asks, JobDesk
from .made import LeftBehind, Made, Pending, Twin
from .outcomes import Outcome, outcome_of
from .policy import SettlePolicy
from .rows import new_rows

_log = logging.getLogger("aiomodelarts.create")


class Sends(Asks, Protocol):
    """What making versions asks the service."""

    async def create(self, spec: TrainingSpec, sending: Callable[[], None]) -> CreatedVersion:
        """Send the create once; ``sending`` is called when its bytes may begin to leave."""
        ...

    async def job_named(self, name: str) -> int | None:
        """The id of the job with exactly this name, or None."""
        ...


class _Sent:
    """How far a create has come: whether its bytes may have begun to leave, and what was there before."""

    __slots__ = ("after_version_id", "began")

    def __init__(self) -> None:
        self.began = False
        self.after_version_id = 0

    def begins(self) -> None:
        self.began = True

    def pending(self, spec: TrainingSpec) -> Pending:
        return Pending(spec=spec, after_version_id=self.after_version_id)


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
        self._desks: dict[int, JobDesk] = {}
        self._baselines: dict[int, asyncio.Task[None]] = {}
        self._keyed: dict[str, tuple[TrainingSpec, asyncio.Task[Made]]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self.twins: list[Twin] = []
        self.left_behind: list[LeftBehind] = []
        self._closed = False

    async def make(self, spec: TrainingSpec) -> Made:
        """The one version for this intent.

        A caller that is cancelled before the bytes left leaves nothing; after that the create gets a short time to end,
        and what it made, or may have made, is kept in ``left_behind``.

        Raises:
            ApiError: the service refused.
            CreateOutcomeUnknown: it could not be found out whether there is a version.
            InvalidArgument: the intent's key was used for something else; it shows the difference.
        """
        if self._closed:
            raise _closed()
        if spec.intent_id is not None:
            return await self._make_keyed(spec, spec.intent_id)
        sent = _Sent()
        task = self._owned(self._made(spec, sent))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._abandon(task, spec, sent)
            raise

    async def make_as_owner(self, spec: TrainingSpec) -> Made:
        """As ``make``, in the caller's own task, which saves a task and a shield for each version.

        The caller is a worker that makes one version after the other and gives each its time: a cancellation ends the
        create at once, and what it may have made is kept in ``left_behind``.
        """
        if self._closed:
            raise _closed()
        if spec.intent_id is not None:
            return await self._make_keyed(spec, spec.intent_id)
        sent = _Sent()
        worker = asyncio.current_task()
        assert worker is not None
        self._under_way.add(worker)
        try:
            return await self._made(spec, sent)
        except asyncio.CancelledError:
            if sent.began:
                self.left_behind.append(LeftBehind(pending=sent.pending(spec), made=None))
            raise
        finally:
            self._under_way.discard(worker)

    async def settle(self, pending: Pending) -> Made | None:
        """What became of an intent whose outcome was unknown, perhaps in another process; None when it made nothing.

        A version that belongs to somebody in this session is not taken.
        """
        spec = pending.spec
        if spec.job_id is None:
            job_id = await self._named_within_window(spec)
            return None if job_id is None else await self._first_version(job_id)
        desk = self._desk(spec.job_id)
        if not desk.complete:
            rows = await new_rows(self._sends, spec.job_id, desk.known)
            desk.remember(
                {version_id: row for version_id, row in rows.items() if version_id <= pending.after_version_id}
            )
        version_id = await desk.settled(spec)
        return None if version_id is None else _adopted(spec.job_id, version_id)

    async def close(self) -> None:
        """Give what is under way a short time to end; look once more for twins; then end everything."""
        self._closed = True
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=self._policy.grace_s)
        try:
            async with asyncio.timeout(self._policy.grace_s):
                await asyncio.gather(*(desk.last_look() for desk in self._desks.values()), return_exceptions=True)
        except TimeoutError:
            pass
        tasks = [*self._under_way, *self._baselines.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(desk.close() for desk in self._desks.values()))
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tell_what_is_left()

    def _owned(self, work: Coroutine[Any, Any, Made]) -> asyncio.Task[Made]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Made]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            # Whoever asked may be gone, and with them the interest in a failure.
            task.exception()

    async def _make_keyed(self, spec: TrainingSpec, intent_id: str) -> Made:
        kept = self._keyed.get(intent_id)
        if kept is not None:
            _check_same(intent_id, kept[0], spec)
        if kept is None or _has_failed(kept[1]):
            kept = self._keyed[intent_id] = (spec, self._owned(self._adopted_or_made(spec)))
        # Others may be waiting for the same version, so whoever is cancelled leaves it alone.
        return await asyncio.shield(kept[1])

    async def _adopted_or_made(self, spec: TrainingSpec) -> Made:
        """With an output path of its own, a version that another process made for this intent is the one."""
        if spec.own_path and spec.job_id is not None:
            desk = await self._ready_desk(spec.job_id)
            version_id = await desk.earlier(spec)
            if version_id is not None:
                return _adopted(spec.job_id, version_id)
        return await self._made(spec, _Sent())

    async def _made(self, spec: TrainingSpec, sent: _Sent) -> Made:
        try:
            return await (
                self._make_version(spec, spec.job_id, sent) if spec.job_id is not None else self._make_job(spec, sent)
            )
        except CreateOutcomeUnknown as error:
            error.intent = sent.pending(spec)
            raise

    async def _make_version(self, spec: TrainingSpec, job_id: int, sent: _Sent) -> Made:
        desk = await self._ready_desk(job_id)
        sent.after_version_id = desk.newest
        for _ in range(self._policy.max_sends):
            try:
                with desk.in_flight(spec):
                    created = await self._sends.create(spec, sent.begins)
                    version_id = _version_of(created, spec)
                    desk.claim(version_id)
                return Made(job_id=job_id, version_id=version_id, origin="created", created=created)
            except ModelArtsError as error:
                if outcome_of(error) is not Outcome.UNKNOWN:
                    raise
                _log.info("the answer to a create of job %s was lost (%s); looking for it", job_id, error)
            found = await desk.settled(spec)
            if found is not None:
                return _adopted(job_id, found)
            desk.gave_up(spec)
        desk.spare(spec)
        raise _unknown(spec, f"no answer and no version after {self._policy.max_sends} sendings")

    async def _make_job(self, spec: TrainingSpec, sent: _Sent) -> Made:
        lost = False
        for _ in range(self._policy.max_sends):
            try:
                created = await self._sends.create(spec, sent.begins)
                version_id = _version_of(created, spec)
            except AlreadyExists:
                if not lost:
                    raise
                # The name is ours: an earlier sending has landed after all.
            except ModelArtsError as error:
                if outcome_of(error) is not Outcome.UNKNOWN:
                    raise
                lost = True
                _log.info("the answer to the creation of job %r was lost (%s); looking for it", spec.job_name, error)
            else:
                self._desks[created.job_id] = self._new_desk(created.job_id, {version_id})
                return Made(job_id=created.job_id, version_id=version_id, origin="created", created=created)
            job_id = await self._named_within_window(spec)
            if job_id is not None:
                return await self._first_version(job_id)
        raise _unknown(spec, f"no answer and no job of that name after {self._policy.max_sends} sendings")

    async def _named_within_window(self, spec: TrainingSpec) -> int | None:
        assert spec.job_name is not None
        began = self._clock.monotonic()
        while True:
            asked = self._clock.monotonic()
            try:
                job_id = await self._sends.job_named(spec.job_name)
            except ModelArtsError as error:
                if asked - began >= self._policy.patience_s:
                    raise _unknown(spec, f"the jobs could not be listed: {error}") from error
            else:
                if job_id is not None or asked - began >= self._policy.quiet_window_s:
                    return job_id
            await asyncio.sleep(self._policy.pause_s(asked - began))

    async def _first_version(self, job_id: int) -> Made:
        desk = self._desks[job_id] = self._new_desk(job_id, set())
        rows = await new_rows(self._sends, job_id, set())
        if not rows:
            raise CreateOutcomeUnknown(
                "the job was made, but it has no version", where=Where("createTrainingJob", job_id)
            )
        desk.known.update(rows)
        return _adopted(job_id, min(rows))

    async def _ready_desk(self, job_id: int) -> JobDesk:
        desk = self._desk(job_id)
        if not desk.complete:
            # What was there before must not be taken for the answer to a create that is still to be sent.
            if job_id not in self._baselines or self._baselines[job_id].done():
                self._baselines[job_id] = asyncio.create_task(self._baseline(desk))
            await asyncio.shield(self._baselines[job_id])
        return desk

    async def _baseline(self, desk: JobDesk) -> None:
        desk.remember(await new_rows(self._sends, desk.job_id, desk.known))

    def _desk(self, job_id: int) -> JobDesk:
        desk = self._desks.get(job_id)
        if desk is None:
            desk = self._desks[job_id] = JobDesk(job_id, self._sends, self._clock, self._policy, self._on_twin)
        return desk

    def _new_desk(self, job_id: int, known: set[int]) -> JobDesk:
        return JobDesk(job_id, self._sends, self._clock, self._policy, self._on_twin, known, complete=True)

    def _on_twin(self, twin: Twin) -> None:
        self.twins.append(twin)
        _log.warning("version %s of job %s was a twin and was stopped", twin.version_id, twin.job_id)

    async def _abandon(self, task: asyncio.Task[Made], spec: TrainingSpec, sent: _Sent) -> None:
        if sent.began and not task.done():
            await asyncio.wait([task], timeout=self._policy.grace_s)
        unclear = sent.began and not task.done()
        task.cancel()
        if task.done() and not task.cancelled():
            error = task.exception()
            if error is None:
                self.left_behind.append(LeftBehind(pending=sent.pending(spec), made=task.result()))
            unclear = isinstance(error, CreateOutcomeUnknown)
        if unclear:
            self.left_behind.append(LeftBehind(pending=sent.pending(spec), made=None))

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


def _closed() -> SessionClosed:
    return SessionClosed("the session is closed; open a new one")


def _has_failed(task: asyncio.Task[Made]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _adopted(job_id: int, version_id: int) -> Made:
    return Made(job_id=job_id, version_id=version_id, origin="adopted")


def _version_of(created: CreatedVersion, spec: TrainingSpec) -> int:
    if created.version_id is None:
        raise _unknown(spec, "the answer names no version")
    if spec.job_id is not None and created.job_id != spec.job_id:
        raise _unknown(spec, f"the answer is for another job, {created.job_id}")
    return created.version_id


def _unknown(spec: TrainingSpec, reason: str) -> CreateOutcomeUnknown:
    operation = "createTrainingJob" if spec.job_id is None else "createTrainingJobVersion"
    return CreateOutcomeUnknown(reason, where=Where(operation, spec.job_id))


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
