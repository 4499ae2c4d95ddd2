"""What a look showed, told to those who follow a version or survey a job."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from .._clock import Clock
from ..errors import DecodeError, StateUnclear, Where
from ..models.job import JobDetail
from ..models.states import StatePage
from ..status import JobStatus
from .patience import Patience, Verdict
from .track import JobWatch, Sighting, Track

_log = logging.getLogger("aiomodelarts.watch")
# So many are told of their end before the loop may turn to others; waking them up takes a few milliseconds.
_TOLD_AT_ONCE = 50


class Teller:
    """Tells followers and surveyors.

    Args:
        row: one row of a page, whole.
        clock: measures how long a state lasts.
        patience: decides on statuses that say nothing.
    """

    def __init__(self, row: Callable[[StatePage, int, int], JobDetail], clock: Clock, patience: Patience) -> None:
        self._row = row
        self._clock = clock
        self._patience = patience
        self._told: set[int] = set()

    def surveyors(self, job: JobWatch, sighting: Sighting) -> None:
        """Tell those who survey the job what its pages showed."""
        absent = job.is_absent(sighting.absent, self._clock.monotonic())
        for surveyor in list(job.surveyors):
            surveyor.surveyed(job.job_id, sighting.states, complete=sighting.complete)
            if absent and sighting.absent is not None:
                surveyor.absent(job.job_id, sighting.absent)
        if sighting.complete:
            job.live &= sighting.states.keys()
        job.note_live(sighting.states)

    async def followers(self, job: JobWatch, sighting: Sighting, singles: set[int], *, walked: bool) -> set[int]:
        """Tell those who follow its versions; the versions that have to be asked for by themselves.

        Args:
            job: the job.
            sighting: what its pages showed.
            singles: versions that are asked for by themselves in any case.
            walked: whether the pages were read until everybody's version was seen.
        """
        now = self._clock.monotonic()
        ask: set[int] = set()
        strays: set[int] = set()
        told = 0
        for version_id, track in list(job.tracks.items()):
            status = sighting.states.get(version_id)
            if status is not None:
                if track.repeats(status):
                    continue
                told += 1
                if told % _TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)
                if job.tracks.get(version_id) is track and not self._from_page(job, track, status, sighting):
                    ask.add(version_id)
            elif version_id not in singles:
                strays.add(version_id)
                if track.is_unlisted(now):
                    ask.add(version_id)
        # What a walk did not find is assumed where its number says; what is not there is walked for next time.
        if walked:
            job.positions.add(strays)
        elif strays:
            job.positions.drop(strays)
        return ask

    def state(self, job: JobWatch, track: Track, status: JobStatus, read: Callable[[], JobDetail]) -> None:
        """Tell those who follow a version its state; ``read`` gives the whole snapshot where it is wanted."""
        before = track.status
        verdict = track.sees(status, self._clock.monotonic(), self._patience)
        self._warn_once(status)
        if verdict is Verdict.GOES_ON:
            if status != before and track.wants_states:
                detail = track.snapshot = read()
                for follower in list(track.followers):
                    follower.saw(detail)
            return
        detail = track.snapshot = read()
        if verdict is Verdict.OVER:
            if detail.duration:
                job.durations.add(detail.duration / 1000)
            for follower in list(track.followers):
                follower.ended(detail)
            job.tracks.pop(track.version_id, None)
            return
        message = f"it has been {status.name} ({int(status)}) for longer than is endured; it may go on"
        failed(job, track, StateUnclear(message, where=Where("wait", job.job_id, track.version_id), detail=detail))

    def _from_page(self, job: JobWatch, track: Track, status: JobStatus, sighting: Sighting) -> bool:
        """Tell a state from a page; False when its row is needed and cannot be read."""
        page = sighting.pages[track.version_id]
        if track.version_id not in page.rows:
            # Somebody who came when the look was under way has a look coming; others hold a newer state than the page.
            return not track.was_seen
        try:
            self.state(job, track, status, partial(self._row, page, job.job_id, track.version_id))
        except DecodeError:
            return False
        return True

    def _warn_once(self, status: JobStatus) -> None:
        if not status.is_listed and status not in self._told:
            self._told.add(status)
            _log.warning("status %d is in no document; waits go on as if the version were running", status)


def failed(job: JobWatch, track: Track, error: Exception) -> None:
    """Tell those who follow a version that nothing more will be told."""
    for follower in list(track.followers):
        follower.failed(error)
    job.tracks.pop(track.version_id, None)


def all_failed(job: JobWatch, error: Exception) -> None:
    """Tell everybody that nothing more will be told of a job."""
    for track in list(job.tracks.values()):
        failed(job, track, error)
    for surveyor in list(job.surveyors):
        surveyor.failed(error)
    job.surveyors.clear()
