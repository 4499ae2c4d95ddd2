"""Exactly one job per ``fit``: the service keeps names apart, so a lost creation is found by its name."""

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol
from weakref import WeakValueDictionary

from .._clock import Clock
from ..errors import AlreadyExists, ModelArtsError, SessionClosed, Where
from ..models.job import CreatedVersion, VersionInfo
from ..models.spec import TrainingSpec
from .create import Create, adopted, unknown, version_of
from .identity import is_echo
from .made import Made
from .outcomes import Outcome, outcome_of
from .policy import SettlePolicy
from .rows import ReadsPages, new_rows

_log = logging.getLogger("aiomodelarts.create")


class Names(ReadsPages, Protocol):
    """What making jobs asks the service."""

    async def create(self, spec: TrainingSpec, sending: Callable[[], None]) -> CreatedVersion:
        """Send the create once; ``sending`` is called when its bytes may begin to leave."""
        ...

    async def job_named(self, name: str) -> int | None:
        """The id of the job with exactly this name, or None."""
        ...


class JobMaker:
    """Makes jobs with their first versions.

    Args:
        asks: the service.
        clock: measures the windows.
        policy: how long lost answers are looked for.
        made: is told the job and the first version of every job that was made.
    """

    def __init__(self, asks: Names, clock: Clock, policy: SettlePolicy, made: Callable[[int, int], None]) -> None:
        self._asks = asks
        self._clock = clock
        self._policy = policy
        self._made = made
        self._taken: set[int] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def make(self, create: Create) -> Made:
        """The one job for this intent.

        Raises:
            AlreadyExists: the name is somebody else's.
            CreateOutcomeUnknown: it could not be found out whether there is a job.
        """
        # Of two intents with one name only one can succeed, and a found job must not be given to both.
        turn = self._turns.setdefault(_name(create.spec), asyncio.Lock())
        async with turn:
            return await self._make(create)

    async def settle(self, spec: TrainingSpec) -> Made | None:
        """What became of an intent whose outcome was unknown; None when no job of its own shows up in the window."""
        try:
            return await self._found(spec)
        except AlreadyExists:
            return None

    async def _make(self, create: Create) -> Made:
        spec, lost = create.spec, create.unclear
        for _ in range(self._policy.max_sends):
            create.unclear_after(None)
            try:
                created = await self._asks.create(spec, create.begins)
                version_id = version_of(created, spec)
            except AlreadyExists:
                if not lost:
                    raise
                # The name is ours: an earlier sending has landed after all.
            except ModelArtsError as error:
                if outcome_of(error) is not Outcome.UNKNOWN:
                    if not lost:
                        raise
                    # Nobody looks for a late job, as somebody does for a late version.
                    raise unknown(spec, f"an earlier sending may still land; the last one failed: {error}") from error
                lost = True
                create.unclear_after(error)
                _log.info("the answer to the creation of job %r was lost (%s); looking for it", spec.job_name, error)
            else:
                self._take(created.job_id, version_id)
                return Made(job_id=created.job_id, version_id=version_id, origin="created", created=created)
            found = await self._found(spec)
            if found is not None:
                return found
            if create.no_capacity is not None:
                raise create.no_capacity
        raise unknown(spec, f"no answer and no job of that name after {self._policy.max_sends} sendings")

    async def _found(self, spec: TrainingSpec) -> Made | None:
        """The job of this name with its first version, looked for until the window is over.

        Raises:
            AlreadyExists: the name belongs to another intent.
            CreateOutcomeUnknown: when the lists fail for too long, or tell of a job without a version.
        """
        began, job_id = self._clock.monotonic(), None
        while True:
            asked = self._clock.monotonic()
            try:
                job_id = job_id or await self._asks.job_named(_name(spec))
                first = None if job_id is None else await self._first_version(job_id)
            except SessionClosed:
                raise
            except ModelArtsError as error:
                if asked - began >= self._policy.patience_s:
                    raise unknown(spec, f"the jobs could not be listed: {error}") from error
            else:
                if job_id is not None and first is not None:
                    return self._adopted(spec, job_id, first)
                if asked - began >= self._policy.quiet_window_s:
                    if job_id is not None:
                        raise unknown(spec, f"job {job_id} was made, but it shows no version")
                    return None
            await asyncio.sleep(self._policy.pause_s(asked - began))

    async def _first_version(self, job_id: int) -> VersionInfo | None:
        rows = await new_rows(self._asks, job_id, {}, -math.inf)
        return rows[min(rows)] if rows else None

    def _adopted(self, spec: TrainingSpec, job_id: int, first: VersionInfo) -> Made:
        if job_id in self._taken or not is_echo(first, spec):
            message = f"job {job_id} has this name, and it is not the one that was asked for here"
            raise AlreadyExists(message, where=Where("createTrainingJob", job_id), status=400)
        self._take(job_id, first.version_id)
        return adopted(job_id, first.version_id)

    def _take(self, job_id: int, version_id: int) -> None:
        self._taken.add(job_id)
        self._made(job_id, version_id)


def _name(spec: TrainingSpec) -> str:
    assert spec.job_name is not None
    return spec.job_name
