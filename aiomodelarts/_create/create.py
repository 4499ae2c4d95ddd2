"""One create that is under way, and those who wait for it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ..errors import CreateOutcomeUnknown, ModelArtsError, NoCapacity, Where
from ..models.job import CreatedVersion
from ..models.spec import TrainingSpec
from .made import LeftBehind, Made, Pending


def may_always_leave() -> None:
    """Nothing keeps a request back."""


class Create:
    """How far a create has come.

    Args:
        spec: the intent.
        may_leave: is asked each time just before the bytes leave; what it raises keeps them back.

    Attributes:
        unclear: whether it, or an earlier create of the same intent, may have made the version.
    """

    def __init__(self, spec: TrainingSpec, may_leave: Callable[[], None] = may_always_leave) -> None:
        self.spec = spec
        self._may_leave = may_leave
        self.unclear = False
        self.began = False
        self.after_version_id = 0
        self.waiters: list[asyncio.Future[Made]] = []
        self.left: LeftBehind | None = None
        self.no_capacity: NoCapacity | None = None
        self._task: asyncio.Task[Any] | None = None

    @property
    def task(self) -> "asyncio.Task[Any]":
        """Does the work."""
        assert self._task is not None
        return self._task

    @property
    def pending(self) -> Pending:
        """The intent as it can be settled later."""
        return Pending(spec=self.spec, after_version_id=self.after_version_id)

    @property
    def has_failed(self) -> bool:
        """Whether it has ended without a version that is known."""
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)

    def start(self, work: Coroutine[Any, Any, Made], ended: Callable[["asyncio.Task[Made]"], None]) -> None:
        """Do it, in a task of its own: who asked may be cancelled, and the bytes are out all the same."""
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(ended)

    def start_here(self) -> None:
        """It is done in the task that runs now."""
        self._task = asyncio.current_task()

    def joined(self) -> "asyncio.Future[Made]":
        """What one more waiter awaits; cancelling it does not reach the work."""
        waiter: asyncio.Future[Made] = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        if self.task.done():
            self.tell()
        return waiter

    def tell(self, interrupted: ModelArtsError | None = None) -> None:
        """Pass the end of the work on to all who wait for it.

        Args:
            interrupted: what they are told in place of a cancellation, which was not theirs.
        """
        task = self.task
        # Whoever asked may be gone, and with them the interest in a failure; it is looked at all the same.
        error = interrupted if task.cancelled() else task.exception()
        for waiter in self.waiters:
            if waiter.done():
                continue
            if error is not None:
                waiter.set_exception(error)
            elif task.cancelled():
                waiter.cancel()
            else:
                waiter.set_result(task.result())

    def begins(self) -> None:
        """The bytes of the request begin to leave, unless they may not."""
        self._may_leave()
        self.began = True

    def unclear_after(self, error: ModelArtsError | None) -> None:
        """Take note of what the last sending met, or of the next one with None."""
        self.no_capacity = error if isinstance(error, NoCapacity) else None

    def given_up(self) -> LeftBehind | None:
        """What is left of it now that nobody waits any more; its task has to be cancelled."""
        task = self.task
        ended = task.done() and not task.cancelled()
        error = task.exception() if ended else None
        if ended and error is None:
            self.left = LeftBehind(pending=self.pending, made=task.result())
        elif isinstance(error, CreateOutcomeUnknown) or (not ended and self.began):
            self.unclear = True
            self.left = LeftBehind(pending=self.pending, made=None)
        return self.left


def known(spec: TrainingSpec, made: Made) -> Create:
    """A create that needs no doing any more."""

    async def done() -> Made:
        return made

    create = Create(spec)
    create.start(done(), lambda _: create.tell())
    return create


def adopted(job_id: int, version_id: int) -> Made:
    """A version that was found."""
    return Made(job_id=job_id, version_id=version_id, origin="adopted")


def version_of(created: CreatedVersion, spec: TrainingSpec) -> int:
    """The version that an answer names.

    Raises:
        CreateOutcomeUnknown: when it names none, or one of another job.
    """
    if created.version_id is None:
        raise unknown(spec, "the answer names no version")
    if spec.job_id is not None and created.job_id != spec.job_id:
        raise unknown(spec, f"the answer is for another job, {created.job_id}")
    return created.version_id


def unknown(spec: TrainingSpec, reason: str) -> CreateOutcomeUnknown:
    """Nobody can say what became of the intent."""
    operation = "createTrainingJob" if spec.job_id is None else "createTrainingJobVersion"
    return CreateOutcomeUnknown(reason, where=Where(operation, spec.job_id))
