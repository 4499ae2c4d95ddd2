"""The jobs of a project, for a stream of events about all of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from attrs import define, field

from .._clock import Clock
from ..errors import ModelArtsError, may_heal
from ..models.job import JobSummary
from .feed import Feed
from .watcher import Watcher

_log = logging.getLogger("aiomodelarts.watch")
# The list of a job's versions can lag behind the row that speaks of it, so a job is looked at for a while after that.
_LAGS_S = 20.0
# Rows need not say all that tells an idle job from one where something happened.
_LOOKED_AT_EVERY_S = 600.0
Told = tuple[int | None, int | None, int]


@define
class _Job:
    told: Told | None = None
    looked_at_since: float = float("-inf")
    is_surveyed: bool = False


@define
class Roster:
    """Has those jobs surveyed where something goes on, or where the list of jobs shows something new.

    Args:
        feed: is told of the jobs.
        watcher: looks at their versions.
        jobs: asks for all jobs; its argument is waited for before each request.
        clock: measures pauses.
    """

    feed: Feed
    watcher: Watcher
    jobs: Callable[[Callable[[], Awaitable[None]]], Awaitable[list[JobSummary]]]
    clock: Clock
    _known: dict[int, _Job] = field(factory=dict)

    async def run(self) -> None:
        """Look until cancelled, or until asking is refused for good."""
        failures = 0
        while True:
            try:
                listed = await self.jobs(self.watcher.turn)
            except ModelArtsError as error:
                if not may_heal(error):
                    self.feed.failed(error)
                    return
                failures += 1
                level = logging.WARNING if failures == 1 else logging.DEBUG
                _log.log(level, "the jobs could not be listed; trying again: %s", error)
            else:
                failures = 0
                self._take_in(listed)
            await asyncio.sleep(self.feed.cadence.pause_s(float("inf"), failures))

    def _take_in(self, listed: list[JobSummary]) -> None:
        now = self.clock.monotonic()
        self.feed.meet(job.job_id for job in listed)
        rows = {job.job_id: (job.version_count, job.version_id, int(job.status)) for job in listed}
        for job_id in self.feed.job_ids:
            job = self._known.setdefault(job_id, _Job())
            row = rows.get(job_id)
            if row is None and self.feed.is_empty(job_id) and job.told is None:
                self._leave(job_id, job)
                del self._known[job_id]
                self.feed.forget(job_id)
                continue
            if row != job.told or now - job.looked_at_since >= _LOOKED_AT_EVERY_S:
                job.told, job.looked_at_since = row, now
            if row is not None and self.feed.is_at_rest(job_id, job.looked_at_since + _LAGS_S):
                self._leave(job_id, job)
            else:
                self._survey(job_id, job)

    def _survey(self, job_id: int, job: _Job) -> None:
        if not job.is_surveyed:
            job.is_surveyed = True
            self.watcher.survey(job_id, self.feed)

    def _leave(self, job_id: int, job: _Job) -> None:
        if job.is_surveyed:
            job.is_surveyed = False
            self.watcher.leave(job_id, self.feed)
