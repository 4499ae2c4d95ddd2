"""One consumer's stream of events, with a buffer of its own."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .._clock import Clock
from .._cursor import BEGINNING, Mark, Told, decode
from ..events import Appeared, Disappeared, Event, Finished, LogStalled, Overflowed, StateChanged, TwinStopped
from ..status import JobStatus
from .history import Change, History
from .patience import Patience

_KINDS: dict[str, type[Any]] = {"appeared": Appeared, "finished": Finished, "disappeared": Disappeared}
TwinIds = tuple[int, int]


class Feed:
    """Turns looks into events. A consumer that is slow gets fewer and later looks, and nobody else notices.

    Args:
        job_ids: the jobs.
        after: a cursor, ``BEGINNING``, or None for what happens from now on.
        clock: dates the events.
        patience: decides on lost versions.
        twins: job and version of the twins that were stopped so far.
        buffer: events that may wait for the consumer.
        resync: asks for a whole look at a job.
    """

    def __init__(
        self,
        job_ids: Sequence[int],
        after: str | None,
        clock: Clock,
        patience: Patience,
        twins: Callable[[], Sequence[TwinIds]],
        buffer: int,
        resync: Callable[[int], None],
    ) -> None:
        self.job_ids = tuple(job_ids)
        if after is None or after == BEGINNING:
            histories = {job_id: History(None if after is None else {}) for job_id in self.job_ids}
        else:
            decoded = decode(after, self.job_ids)
            histories = {job_id: History(decoded[job_id]) for job_id in self.job_ids}
        self._histories = histories
        self._stalled: dict[TwinIds, str] = {}
        self._running: dict[int, set[int]] = {job_id: set() for job_id in self.job_ids}
        self._clock = clock
        self._patience = patience
        self._twins = twins
        self._twins_told = len(twins())
        self._size = buffer
        self._resync = resync
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._overflowed: dict[int, None] = {}
        self._error: Exception | None = None

    def surveyed(self, job_id: int, states: Mapping[int, JobStatus], *, complete: bool) -> None:
        """Take in a look."""
        self._note_running(job_id, states, complete=complete)
        history = self._histories[job_id]
        if history.told is None:
            if complete:
                history.begin(states)
            return
        self._tell_twins()
        jobs = self._told()
        changes: list[tuple[int, Told | None]] = []
        for change in history.changes(states, self._clock.monotonic(), self._patience, complete=complete):
            if len(self._events) >= self._size:
                self._overflowed[job_id] = None
                break
            changes.append((change.version_id, change.told))
            if change.kind != "known":
                self._put(_event(job_id, change, self._now(), Mark(jobs, job_id, changes, len(changes))))
        if changes:
            told = dict(history.told)
            for version_id, known in changes:
                if known is None:
                    told.pop(version_id, None)
                else:
                    told[version_id] = known
            history.told = told

    def stalled(self, job_id: int, version_id: int, end: str, still_s: float) -> None:
        """Tell that a log stands still; ``end`` says where."""
        status = JobStatus.RUNNING
        told = (self._histories[job_id].told or {}).get(version_id)
        # Whoever runs anew after an interruption can stand still at the same line.
        runs = told.changes if told is not None else 0
        number = f"{job_id}-{version_id}-log_stalled-{runs}-{end.replace('.', '-')}"
        if self._stalled.get((job_id, version_id)) == number:
            # An interruption that was not told, for want of room, does not make it another standstill.
            return
        self._stalled[job_id, version_id] = number
        self._put(
            LogStalled(
                id=number,
                time=self._now(),
                mark=self._here(),
                job_id=job_id,
                version_id=version_id,
                status=status,
                still_s=still_s,
            )
        )

    def running(self) -> list[TwinIds]:
        """Job and version of all that run, and were told to."""
        return [
            (job_id, version_id)
            for job_id, history in self._histories.items()
            for version_id in sorted(self._running[job_id])
            if (told := (history.told or {}).get(version_id)) is not None and told.status == JobStatus.RUNNING
        ]

    def _note_running(self, job_id: int, states: Mapping[int, JobStatus], *, complete: bool) -> None:
        running = self._running[job_id]
        if complete:
            running.intersection_update(states)
        for version_id, status in states.items():
            if status is JobStatus.RUNNING:
                running.add(version_id)
            else:
                running.discard(version_id)

    def failed(self, error: Exception) -> None:
        """End the stream; what is in the buffer is still given."""
        self._error = error
        self._arrived.set()

    async def take(self) -> Event:
        """The next event."""
        while not self._events:
            if self._error is not None:
                raise self._error
            self._arrived.clear()
            await self._arrived.wait()
        event = self._events.popleft()
        if self._overflowed and len(self._events) <= self._size // 2:
            self._tell_overflow()
        return event

    def _tell_overflow(self) -> None:
        now = self._now()
        self._put(Overflowed(id=f"overflowed-{int(now.timestamp() * 1e6)}", time=now, mark=self._here()))
        for job_id in self._overflowed:
            self._resync(job_id)
        self._overflowed.clear()

    def _tell_twins(self) -> None:
        twins = self._twins()
        new, self._twins_told = twins[self._twins_told :], len(twins)
        for job, version_id in new:
            if job in self._histories:
                number = f"{job}-{version_id}-twin_stopped"
                self._put(
                    TwinStopped(
                        id=number,
                        time=self._now(),
                        mark=self._here(),
                        job_id=job,
                        version_id=version_id,
                        status=JobStatus.KILLING,
                    )
                )

    def _put(self, event: Event) -> None:
        self._events.append(event)
        self._arrived.set()

    def _told(self) -> dict[int, Mapping[int, Told] | None]:
        return {job_id: history.told for job_id, history in self._histories.items()}

    def _here(self) -> Mark:
        return Mark(self._told(), self.job_ids[0], [], 0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _event(job_id: int, change: Change, now: datetime, mark: Mark) -> Event:
    common: dict[str, Any] = {
        "time": now,
        "mark": mark,
        "job_id": job_id,
        "version_id": change.version_id,
        "status": change.status,
    }
    # Standard Webhooks sign the id with full stops around it, so it has none.
    name = f"{job_id}-{change.version_id}"
    if change.kind == "changed":
        assert change.told is not None
        number = f"{name}-state_changed-{change.told.changes}-{int(change.status)}"
        return StateChanged(id=number, before=change.before, **common)
    number = f"{name}-{change.kind}"
    if change.kind == "finished":
        number += f"-{int(change.status)}"
        if change.status is JobStatus.LOST and change.told is not None:
            # A lost version can return, and be lost again.
            number += f"-{change.told.changes}"
    event: Event = _KINDS[change.kind](id=number, **common)
    return event
