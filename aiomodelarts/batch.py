"""Many creations under one bound: what was made is never lost, whatever became of the rest."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterator
from enum import Enum
from typing import Any

from attrs import frozen

from ._checks import check_count
from ._create.outcomes import Outcome, outcome_of
from .errors import BatchFailed, CreateOutcomeUnknown, ModelArtsError, NotAllowed, QuotaExceeded, SessionClosed
from .intent import Intent
from .job import TrainingJob
from .models.spec import TrainingSpec

# After a cancellation the creations under way get this long to end, and then as long as any cancelled create.
_GRACE_S = 2.0
# What refuses one element will refuse all that follow.
_HOPELESS = (QuotaExceeded, NotAllowed, SessionClosed)


class Result(Enum):
    """What became of one element."""

    MADE = "made"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not sent"


@frozen
class BatchOutcome:
    """What became of one element of a batch.

    Args:
        index: its place in ``each``.
        result: made, refused, unknown or not sent.
        version: the handle, when it was made.
        error: the reason, when it was not; None where its turn never came.
    """

    index: int
    result: Result
    version: TrainingJob | None = None
    error: Exception | None = None


class Batch:
    """Creations that begin when the batch is awaited; ``await batch`` gives the handles in order.

    Cancelling the await sends nothing new. Creations that are under way get a few seconds to end; after that, or at any
    time, ``outcomes`` tells what exists, and what may: the error of such an element has an intent that can be settled.

    Args:
        specs: checks every element and gives the intents, before anything is sent.
        create: makes one version, in the task that calls.
        left: what a create that was cancelled left: the version, an intent that may have made one, or nothing.
        max_concurrency: creations that are under way at once.
        grace_s: how long a create that was cancelled may go on, in seconds.
    """

    def __init__(
        self,
        specs: Callable[[], Awaitable[list[TrainingSpec]]],
        create: Callable[[TrainingSpec], Awaitable[TrainingJob]],
        left: Callable[[TrainingSpec], TrainingJob | Intent | None],
        max_concurrency: int,
        grace_s: float,
    ) -> None:
        self._specs = specs
        self._create = create
        self._left = left
        self._max_concurrency = check_count("max_concurrency", max_concurrency)
        self._grace_s = grace_s
        self._outcomes: list[BatchOutcome] = []
        self._hopeless = False
        self._begun = False

    @property
    def outcomes(self) -> tuple[BatchOutcome, ...]:
        """What is known now of each element, in order; empty until all of them were checked."""
        return tuple(self._outcomes)

    @property
    def versions(self) -> list[TrainingJob]:
        """The handles of what was made, in order."""
        return [outcome.version for outcome in self._outcomes if outcome.version is not None]

    def __await__(self) -> Generator[Any, None, list[TrainingJob]]:
        return self._run().__await__()

    async def _run(self) -> list[TrainingJob]:
        if self._begun:
            raise RuntimeError("a batch is awaited once; its outcomes and versions stay readable")
        self._begun = True
        specs = await self._specs()
        self._outcomes = [BatchOutcome(index, Result.NOT_SENT) for index in range(len(specs))]
        waiting = iter(enumerate(specs))
        # A task for each creation under way, not for each element: a batch can have 100,000 of them.
        workers = [asyncio.create_task(self._work(waiting)) for _ in range(min(self._max_concurrency, len(specs)))]
        try:
            if workers:
                await asyncio.wait(workers)
        except asyncio.CancelledError as error:
            await self._stop(workers)
            error.add_note(f"batch of {len(specs)} cancelled: {self.summary()}")
            raise
        if any(outcome.result is not Result.MADE for outcome in self._outcomes):
            raise BatchFailed(self.summary(), self._outcomes)
        return self.versions

    def summary(self) -> str:
        """What became of the elements, in one line."""
        counts = Counter(outcome.result for outcome in self._outcomes)
        parts = [f"{counts[result]} {result.value}" for result in Result if counts[result]]
        first = next((outcome for outcome in self._outcomes if outcome.error is not None), None)
        reason = f"; first failure, element {first.index}: {first.error}" if first else ""
        return f"{', '.join(parts)} of {len(self._outcomes)}{reason}"

    async def _work(self, waiting: Iterator[tuple[int, TrainingSpec]]) -> None:
        for index, spec in waiting:
            if self._hopeless:
                return
            try:
                version = await self._create(spec)
            except asyncio.CancelledError:
                self._outcomes[index] = self._given_up(index, spec)
                raise
            except Exception as error:  # noqa: BLE001  (kept for whoever awaits the batch)
                self._hopeless |= isinstance(error, _HOPELESS)
                self._outcomes[index] = BatchOutcome(index, _result_of(error), error=error)
            else:
                self._outcomes[index] = BatchOutcome(index, Result.MADE, version)

    def _given_up(self, index: int, spec: TrainingSpec) -> BatchOutcome:
        left = self._left(spec)
        if left is None:
            return BatchOutcome(index, Result.NOT_SENT)
        if isinstance(left, TrainingJob):
            return BatchOutcome(index, Result.MADE, left)
        error = CreateOutcomeUnknown("cancelled before the answer came", intent=left)
        return BatchOutcome(index, Result.UNKNOWN, error=error)

    async def _stop(self, workers: list[asyncio.Task[None]]) -> None:
        self._hopeless = True
        try:
            await asyncio.wait(workers, timeout=_GRACE_S + self._grace_s)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


def _result_of(error: Exception) -> Result:
    if isinstance(error, CreateOutcomeUnknown) or not isinstance(error, ModelArtsError):
        return Result.UNKNOWN
    # A lost answer to the create itself comes as CreateOutcomeUnknown. Where another error is unclear about versions,
    # it was a question before the create that failed.
    return Result.REFUSED if outcome_of(error) is Outcome.REFUSED else Result.NOT_SENT
