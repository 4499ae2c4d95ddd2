"""What a look means as events: the difference to what was told before. Pure."""

from collections.abc import Iterator, Mapping
from typing import Literal

from attrs import define, field, frozen

from .._cursor import Told
from ..status import JobStatus
from .patience import Patience, Verdict

# A list can lag: a version is called gone only after several looks without it, for a while.
_LOOKS_BEFORE_GONE = 3
_MISSING_FOR_S = 10.0
_GOES_ON = frozenset(status for status in JobStatus if not status.is_final)

Kind = Literal["known", "appeared", "changed", "finished", "disappeared"]


@frozen
class Change:
    """One thing to tell: ``told`` is what is known of the version from then on, None when it is gone.

    What is ``known`` is told to nobody.
    """

    kind: Kind
    version_id: int
    status: JobStatus
    before: JobStatus
    told: Told | None


@define
class _Lost:
    since: float
    sights: int = 0


@define
class History:
    """What was told of a job.

    Args:
        told: by version; None begins with whatever is there at the first whole look, and tells nothing of it.
    """

    told: Mapping[int, Told] | None
    _newest: int = 0
    _lost: dict[int, _Lost] = field(factory=dict)
    _missing: dict[int, tuple[int, float]] = field(factory=dict)

    def begin(self, states: Mapping[int, JobStatus]) -> None:
        """Take what is there as told."""
        self.told = {number: Told(int(status), 0, _is_over(status)) for number, status in states.items()}
        self._newest = max(states, default=0)

    def changes(
        self, states: Mapping[int, JobStatus], now: float, patience: Patience, *, complete: bool
    ) -> Iterator[Change]:
        """What a look tells anew, by version; nothing is taken as told by this."""
        told = self.told or {}
        if self._missing:
            for version_id in self._missing.keys() & states.keys():
                del self._missing[version_id]
        # Of a hundred thousand versions nearly all are as they were told, so those are passed over quickly.
        news = [
            version_id
            for version_id, status in states.items()
            if (was := told.get(version_id)) is None or was.status != status or not (was.over or status in _GOES_ON)
        ]
        for version_id in sorted(news):
            yield from self._of_version(version_id, states[version_id], told.get(version_id), now, patience)
        if not complete:
            return
        for version_id in sorted(told.keys() - states.keys()):
            looks, since = self._missing.get(version_id, (0, now))
            self._missing[version_id] = (looks + 1, since)
            if looks + 1 >= _LOOKS_BEFORE_GONE and now - since >= _MISSING_FOR_S:
                status = JobStatus(told[version_id].status)
                yield Change("disappeared", version_id, status, status, None)

    def _of_version(
        self, version_id: int, status: JobStatus, told: Told | None, now: float, patience: Patience
    ) -> Iterator[Change]:
        if told is None and version_id <= self._newest:
            # It was there at the first look already, and slipped between two pages of it.
            yield Change("known", version_id, status, status, Told(int(status), 0, _is_over(status)))
            return
        if told is None:
            told = Told(int(status), 0)
            yield Change("appeared", version_id, status, status, told)
        before = JobStatus(told.status)
        if told.over and (before is not JobStatus.LOST or status == before):
            # What ended does not go on: a row that says so is older than what was told. A lost version can return.
            return
        if status != before:
            self._lost.pop(version_id, None)
            told = Told(int(status), told.changes + 1)
            if not (status.is_final and status is not JobStatus.LOST):
                yield Change("changed", version_id, status, before, told)
        if self._has_ended(version_id, status, now, patience):
            yield Change("finished", version_id, status, before, Told(int(status), told.changes, over=True))

    def _has_ended(self, version_id: int, status: JobStatus, now: float, patience: Patience) -> bool:
        if status is not JobStatus.LOST:
            return _is_over(status)
        lost = self._lost.setdefault(version_id, _Lost(now))
        lost.sights += 1
        return patience.judge(status, now - lost.since, lost.sights) is Verdict.OVER


def _is_over(status: JobStatus) -> bool:
    return status.is_final and status is not JobStatus.LOST
