"""One consumer's stream of events, with a buffer of its own."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .._clock import Clock
from .._cursor import BEGINNING, Mark, Told, after_changes, decode
from ..errors import NotFound
from ..events import Appeared, Disappeared, Event, Finished, LogStalled, Overflowed, StateChanged, TwinStopped
from ..status import JobStatus
from .cadence import Cadence
from .history import Change, History
from .patience import Patience

_KINDS: dict[str, type[Any]] = {"appeared": Appeared, "finished": Finished, "disappeared": Disappeared}
TwinIds = tuple[int, int]


class Feed:
    """Turns looks into events. A consumer that is slow gets fewer and later looks, and nobody else notices.

    Args:
        job_ids: the jobs, or None for all that ``meet`` will name.
        after: a cursor, ``BEGINNING``, or None for what happens from now on.
        clock: dates the events.
        patience: decides on lost versions.
        twins: job and version of the twins that were stopped so far.
        buffer: events that may wait for the consumer.
        resync: asks for a whole look at a job.
        cadence: how often its consumer wants looks.
    """

    def __init__(
        self,
        job_ids: Sequence[int] | None,
        after: str | None,
        clock: Clock,
        patience: Patience,
        twins: Callable[[], Sequence[TwinIds]],
        buffer: int,
        resync: Callable[[int], None],
        cadence: Cadence,
    ) -> None:
        self.cadence = cadence
        if after is None or after == BEGINNING:
            self._histories = {job_id: History(None if after is None else {}) for job_id in job_ids or ()}
        else:
            self._histories = {job_id: History(told) for job_id, told in decode(after, job_ids).items()}
        self._everything = job_ids is None
        # What is there when such a stream begins is not told; jobs that come later are told whole.
        self._met_silently = self._everything and after is None
        self._stalled: dict[TwinIds, str] = {}
        self._running: defaultdict[int, set[int]] = defaultdict(set)
        self._clock = clock
        self._patience = patience
        self._twins = twins
        self._twins_told = len(twins())
        self._size = buffer
        self._resync = resync
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._overflowed: dict[int, None] = {}
        self._notices = 0
        self._whole_looks: dict[int, float] = {}
        self._error: Exception | None = None

    @property
    def job_ids(self) -> tuple[int, ...]:
        """The jobs that it is about at the moment."""
        return tuple(self._histories)

    def meet(self, job_ids: Iterable[int]) -> None:
        """Take in the jobs that there are; those that are known stay as they are."""
        for job_id in job_ids:
            if job_id not in self._histories:
                self._histories[job_id] = History(None if self._met_silently else {})
        self._met_silently = False

    def forget(self, job_id: int) -> None:
        """Tell nothing more of a job."""
        del self._histories[job_id]
        self._whole_looks.pop(job_id, None)
        self._running.pop(job_id, None)

    def is_at_rest(self, job_id: int, since: float) -> bool:
        """Whether a whole look at a job, later than this, has found nothing that still goes on."""
        told = self._histories[job_id].told
        looked_at = self._whole_looks.get(job_id, float("-inf"))
        return looked_at >= since and told is not None and all(known.over for known in told.values())

    def is_empty(self, job_id: int) -> bool:
        """Whether nothing is left of a job, all that there was having been told as gone."""
        return self._histories[job_id].told == {}

    def surveyed(self, job_id: int, states: Mapping[int, JobStatus], *, complete: bool) -> None:
        """Take in a look."""
        history = self._histories.get(job_id)
        if history is None:
            return
        self._note_running(job_id, states, complete=complete)
        if history.told is None:
            if complete:
                self._whole_looks[job_id] = self._clock.monotonic()
                history.begin(states)
            return
        self._tell_twins()
        jobs = self._told()
        if complete:
            self._whole_looks[job_id] = self._clock.monotonic()
        changes: list[tuple[int, Told | None]] = []
        held_back = False
        for change in history.changes(states, self._clock.monotonic(), self._patience, complete=complete):
            held_back = self._is_full()
            if held_back:
                break
            changes.append((change.version_id, change.told))
            if change.kind != "known":
                self._put(_event(job_id, change, self._now(), self._mark(jobs, job_id, changes)))
        if changes:
            history.told = after_changes(history.told, changes)
        if held_back:
            self._overflow(job_id)

    def absent(self, job_id: int, error: NotFound) -> None:
        """A job that was named and is not there ends the stream; where all are meant, it is one less."""
        if self._everything:
            return
        self.failed(
            NotFound(
                f"there is no job {job_id}, or it is there no longer",
                where=error.where,
                status=error.status,
                code=error.code,
                request_id=error.request_id,
            )
        )

    def stalled(self, job_id: int, version_id: int, end: str, still_s: float) -> None:
        """Tell that a log stands still, once there is room for that; ``end`` says where."""
        history = self._histories.get(job_id)
        if self._is_full() or history is None:
            return
        status = JobStatus.RUNNING
        told = (history.told or {}).get(version_id)
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
        running = {version_id for version_id, status in states.items() if status is JobStatus.RUNNING}
        if not complete:
            running |= self._running[job_id] - states.keys()
        self._running[job_id] = running

    def _is_full(self) -> bool:
        # Word of an overflow takes no room, or a buffer of one would be filled by it again and again.
        return len(self._events) - self._notices >= self._size

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
        self._notices -= isinstance(event, Overflowed)
        if self._overflowed and len(self._events) <= self._size // 2:
            for job_id in self._overflowed:
                self._resync(job_id)
            self._overflowed.clear()
        return event

    def _overflow(self, job_id: int) -> None:
        """Changes of a job are held back until there is room; that is told once, where they are missing."""
        self._overflowed[job_id] = None
        self._whole_looks.pop(job_id, None)
        if not self._notices:
            self._notices += 1
            now = self._now()
            self._put(Overflowed(id=f"overflowed-{int(now.timestamp() * 1e6)}", time=now, mark=self._here()))

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
        return self._mark(self._told(), 0, [])

    def _mark(
        self, jobs: Mapping[int, Mapping[int, Told] | None], job_id: int, changes: list[tuple[int, Told | None]]
    ) -> Mark:
        return Mark(jobs, job_id, changes, len(changes), self._everything)

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
