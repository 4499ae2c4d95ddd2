"""What is known of one version that somebody follows, and of one job."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from attrs import define, field

from ..errors import NotFound
from ..models.job import JobDetail
from ..models.states import StatePage
from ..status import JobStatus
from .cadence import Cadence, Look
from .patience import Patience, Verdict
from .plan import Positions

# Lists and single reads may lag behind a creation, and behind each other: a version is called gone only after several
# looks without it, and not before it was followed for long enough to appear everywhere.
LOOKS_BEFORE_GONE = 3
_MISSING_FOR_S = 1.0
_APPEARS_WITHIN_S = 10.0
_DURATIONS_KEPT = 31
_OVER = frozenset(status for status in JobStatus if status.is_final and status is not JobStatus.LOST)
_ORDINARY = frozenset(status for status in JobStatus if not status.is_final and not status.is_doubtful)


class Follower(Protocol):
    """Somebody who wants to know how a version fares. None of this may block or raise."""

    cadence: Cadence
    wants_states: bool

    def saw(self, detail: JobDetail) -> None:
        """Its status is another one than before; only told to those who want states."""
        ...

    def ended(self, detail: JobDetail) -> None:
        """It is over."""
        ...

    def failed(self, error: Exception) -> None:
        """It cannot be followed any longer."""
        ...


class Surveyor(Protocol):
    """Somebody who wants the states of a whole job. None of this may block or raise."""

    cadence: Cadence

    def surveyed(self, job_id: int, states: Mapping[int, JobStatus], *, complete: bool) -> None:
        """States that were read; ``complete`` says that versions which are not among them do not exist."""
        ...

    def absent(self, job_id: int, error: NotFound) -> None:
        """There is no such job, as several looks over some time have said."""
        ...

    def failed(self, error: Exception) -> None:
        """The job cannot be looked at any longer."""
        ...


@define(eq=False)
class Track:
    """One followed version.

    Args:
        version_id: the version.
        since: when following began, or when it was made.
        status: the one that was seen last.
        snapshot: the last one that was decoded; it may be older than ``status``.
        was_seen: whether the platform itself has shown it.
    """

    version_id: int
    since: float
    followers: dict[Follower, None] = field(factory=dict)
    status: JobStatus | None = None
    snapshot: JobDetail | None = None
    was_seen: bool = False
    unlisted: int = 0
    unseen: int = 0
    _status_since: float = 0.0
    _sights: int = 0
    _missing_since: float | None = None

    @property
    def wants_states(self) -> bool:
        """Whether a change of state has to be decoded for somebody."""
        return any(follower.wants_states for follower in self.followers)

    def sees(self, status: JobStatus, now: float, patience: Patience) -> Verdict:
        """Note what was seen, and say what it means."""
        if status is not self.status and status != self.status:
            self.status, self._status_since, self._sights = status, now, 0
        self._sights += 1
        self.was_seen, self.unlisted, self.unseen, self._missing_since = True, 0, 0, None
        return patience.judge(status, now - self._status_since, self._sights)

    def repeats(self, status: JobStatus) -> bool:
        """Whether this is what was seen last and means nothing new, which is so for nearly every row of every look."""
        if status != self.status or not self.was_seen or status not in _ORDINARY:
            return False
        self.unlisted, self.unseen, self._missing_since = 0, 0, None
        return True

    @property
    def is_settled(self) -> bool:
        """Whether a row that is as it was has nothing to tell."""
        return self.was_seen and self.status in _ORDINARY

    def is_unlisted(self, now: float) -> bool:
        """Whether the version was missing from the list often enough to be asked for by itself."""
        self.unlisted += 1
        return self.unlisted >= LOOKS_BEFORE_GONE and self._should_be_there(now)

    def is_gone(self, now: float) -> bool:
        """Whether the version itself was missing for long enough to be called gone."""
        self.unseen += 1
        if self._missing_since is None:
            self._missing_since = now
        missing_s = now - self._missing_since
        return self.unseen >= LOOKS_BEFORE_GONE and missing_s >= _MISSING_FOR_S and self._should_be_there(now)

    def _should_be_there(self, now: float) -> bool:
        return now - self.since >= _APPEARS_WITHIN_S


class Durations:
    """How long the last versions of a job took that were seen to end."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_DURATIONS_KEPT)

    def add(self, seconds: float) -> None:
        """Take note of one."""
        self._seconds.append(seconds)

    @property
    def typical_s(self) -> float | None:
        """The middle one, or None while there is none."""
        # Of an even number the longer one in the middle: good enough to plan by.
        return sorted(self._seconds)[len(self._seconds) // 2] if self._seconds else None


@define(eq=False)
class JobWatch:
    """One job that is looked at."""

    job_id: int
    due: float
    durations: Durations
    looked_at: float = float("-inf")
    tracks: dict[int, Track] = field(factory=dict)
    surveyors: dict[Surveyor, None] = field(factory=dict)
    positions: Positions = field(factory=Positions)
    pages: dict[int, StatePage] = field(factory=dict)
    live: set[int] = field(factory=set)
    swept_at: float = float("-inf")
    total: int | None = None
    absent: int = 0
    absent_since: float = 0.0
    failures: int = 0
    newest: float = 0.0
    look: asyncio.Task[None] | None = None

    @property
    def is_looked_at(self) -> bool:
        """Whether a look is under way."""
        return self.look is not None and not self.look.done()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still follows something here."""
        return bool(self.tracks or self.surveyors)

    def is_absent(self, error: Exception | None, now: float) -> bool:
        """Whether the job itself was missing in this look, and in those before for long enough."""
        if error is None:
            self.absent = 0
            return False
        self.absent += 1
        if self.absent == 1:
            self.absent_since = now
        return self.absent >= LOOKS_BEFORE_GONE and now - self.absent_since >= _APPEARS_WITHIN_S

    @property
    def is_settled(self) -> bool:
        """Whether nobody needs the row of a version whose state has not changed."""
        return all(track.is_settled for track in self.tracks.values())

    @property
    def cadences(self) -> set[Cadence]:
        """How often those want a look who are here; most of them bring the same one."""
        cadences = {follower.cadence for track in self.tracks.values() for follower in track.followers}
        return cadences | {surveyor.cadence for surveyor in self.surveyors}

    def pause_s(self, look: Look) -> float:
        """Seconds until the next look, which comes as soon as anybody wants it: it serves all."""
        return min(cadence.next_look_s(look) for cadence in self.cadences)

    def note_live(self, states: Mapping[int, JobStatus]) -> None:
        """Take note of which versions can still change, where the whole job is surveyed."""
        if not self.surveyors:
            return
        live = {version_id for version_id, status in states.items() if status not in _OVER}
        self.live = (self.live - states.keys()) | live


@define
class Sighting:
    """What the pages of one look showed.

    Args:
        may_reuse: of pages that were seen before, only rows with another state are needed.
    """

    may_reuse: bool = False
    states: dict[int, JobStatus] = field(factory=dict)
    pages: dict[int, StatePage] = field(factory=dict)
    complete: bool = False
    absent: NotFound | None = None

    def add(self, page: StatePage) -> bool:
        """Take in a page; False when it holds nothing new."""
        known = len(self.states)
        self.states.update(page.states)
        for version_id in page.states:
            self.pages[version_id] = page
        return len(self.states) > known
