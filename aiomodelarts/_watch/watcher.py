"""Asks for states on behalf of everybody: a thousand waits on a job cost what one does."""

import asyncio
import contextlib
import contextvars
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable

from .._clock import Clock
from .._one_loop import OneLoop
from ..errors import ModelArtsError, NotFound, SessionClosed, VersionGone, Where, may_heal
from ..models.job import JobDetail
from ..status import JobStatus
from .asking import Asker, Reads, at_once
from .cadence import Cadence, Look
from .ceiling import Ceiling
from .followers import Ending, Updates
from .patience import Patience
from .plan import Plan, plan
from .telling import Teller, all_failed, failed
from .track import Durations, Follower, JobWatch, Sighting, Surveyor, Track

_log = logging.getLogger("aiomodelarts.watch")
# Timers can fire a moment early; without a least pause the loop would spin through that moment.
_LEAST_PAUSE_S = 0.001
# How often the whole list of a surveyed job is read, which is how deletions on its older pages come to light.
_SWEEP_EVERY_S = 60.0
_SWEEP_ON_DOUBT_S = 10.0
_MADE_KEPT = 100_000
_JOBS_REMEMBERED = 10_000
# The first look at a job comes after so long, so that waits which begin together share it.
_FIRST_LOOK_S = 0.05


class Watcher:
    """Tells followers how their versions fare.

    One task keeps the time; each look at a job is a task of its own, so that a slow answer about one job does not hold
    up the others.

    Args:
        reads: asks the service.
        clock: measures ages and pauses.
        cadence: decides on the pauses, for those who bring none of their own; its ceiling holds for all.
        patience: decides on statuses that say nothing.
        headroom: how much room the service's rate leaves for reads, from 0 to 1.
    """

    def __init__(
        self,
        reads: Reads,
        clock: Clock,
        cadence: Cadence,
        patience: Patience,
        headroom: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._cadence = cadence
        self._headroom = headroom
        ceiling = Ceiling(cadence.polls_per_s, clock)
        self._asker = Asker(reads, clock, ceiling)
        self._teller = Teller(reads.row, clock, patience)
        self.turn = ceiling.turn
        self._jobs: dict[int, JobWatch] = {}
        self._durations: dict[int, Durations] = {}
        # A plain dict is slow to give its first key once many before it are gone.
        self._made: OrderedDict[tuple[int, int], tuple[JobStatus, float]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._closed = False
        self._loop = OneLoop()
        # It asks for everybody, so what the first one has around it (a trace, a request) is not to be around all looks.
        self._context = contextvars.copy_context()

    async def until_final(
        self, job_id: int, version_id: int, timeout_s: float | None, cadence: Cadence | None = None
    ) -> JobDetail:
        """The version's detail, once it has reached a final status; ``cadence`` is this wait's own.

        Raises:
            TimeoutError: after ``timeout_s``; the last snapshot is its only argument.
            StateUnclear: when it stays for too long in a status that says nothing.
            VersionGone: when the version is no longer there.
            ModelArtsError: when asking itself is refused for good.
        """
        ending = Ending(asyncio.get_running_loop().create_future(), cadence or self._cadence)
        track = self._follow(job_id, version_id, ending)
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                return await ending.future
        except TimeoutError:
            # What a look was refused with can be a TimeoutError too, and so can a state that stays unclear.
            if limit.expired():
                raise TimeoutError(self._last(track, job_id)) from None
            raise
        finally:
            ending.leave()
            self._unfollow(job_id, track, ending)

    async def updates(
        self, job_id: int, version_id: int, cadence: Cadence | None = None
    ) -> AsyncGenerator[JobDetail, None]:
        """Every state that is seen: first what the last look has shown, if there was one, and the final one last.

        Raises:
            VersionGone, StateUnclear, ModelArtsError: as ``until_final``.
        """
        updates = Updates(cadence or self._cadence)
        track = self._follow(job_id, version_id, updates)
        try:
            if track.status is not None:
                updates.saw(self._last(track, job_id) or JobDetail(job_id=job_id, version_id=version_id))
            while (detail := await updates.take()) is not None:
                yield detail
        finally:
            self._unfollow(job_id, track, updates)

    def survey(self, job_id: int, surveyor: Surveyor) -> None:
        """Tell the surveyor the states of all versions of a job, from now on; ``leave`` ends it."""
        job = self._job(job_id)
        job.surveyors[surveyor] = None
        job.swept_at = float("-inf")
        self._newcomer(job, surveyor.cadence, self._clock.monotonic())

    def resync(self, job_id: int) -> None:
        """Look at all of a job soon."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.swept_at = float("-inf")
            for cadence in job.cadences:
                self._newcomer(job, cadence, self._clock.monotonic())

    def leave(self, job_id: int, surveyor: Surveyor) -> None:
        """Tell it nothing more."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.surveyors.pop(surveyor, None)
            self._drop_unwanted(job)

    def made(self, job_id: int, version_id: int, status: JobStatus | None) -> None:
        """Take note of a version that was made just now: its state need not be asked for."""
        if len(self._made) >= _MADE_KEPT:
            self._made.popitem(last=False)
        self._made[job_id, version_id] = (status or JobStatus.INIT, self._clock.monotonic())

    async def close(self) -> None:
        """End all tasks and every wait."""
        self._closed = True
        for job in self._jobs.values():
            all_failed(job, SessionClosed("the session was closed while this wait went on"))
        tasks = {*self._looks, self._task} if self._task is not None else self._looks
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _follow(self, job_id: int, version_id: int, follower: Follower) -> Track:
        now = self._clock.monotonic()
        job = self._job(job_id)
        track = job.tracks.get(version_id)
        if track is None:
            track = job.tracks[version_id] = Track(version_id, now)
            made = self._made.pop((job_id, version_id), None)
            if made is not None and now - made[1] < follower.cadence.max_s:
                track.status, track.since = made
                job.positions.add({version_id})
        track.followers[follower] = None
        known = track.status is not None and not track.was_seen
        self._newcomer(job, follower.cadence, now, since=track.since if known else None)
        return track

    def _unfollow(self, job_id: int, track: Track, follower: Follower) -> None:
        track.followers.pop(follower, None)
        job = self._jobs.get(job_id)
        if job is not None and not track.followers and job.tracks.get(track.version_id) is track:
            del job.tracks[track.version_id]
            self._drop_unwanted(job)

    def _job(self, job_id: int) -> JobWatch:
        if self._closed:
            raise SessionClosed("the session is closed; open a new one")
        self._loop.check()
        job = self._jobs.get(job_id)
        if job is None or not job.is_wanted:
            # The last look at one that nobody follows any more may still go on; its pauses are no newcomer's.
            job = self._jobs[job_id] = JobWatch(job_id, float("inf"), self._durations_of(job_id))
        return job

    def _durations_of(self, job_id: int) -> Durations:
        """How long versions of a job took, which is worth knowing when it is watched again."""
        if job_id not in self._durations and len(self._durations) >= _JOBS_REMEMBERED:
            del self._durations[next(iter(self._durations))]
        return self._durations.setdefault(job_id, Durations())

    def _newcomer(self, job: JobWatch, cadence: Cadence, now: float, since: float | None = None) -> None:
        """A newcomer gets a fresh look within its first interval, and newcomers that arrive together share it."""
        job.newest = now if since is None else since
        pause = cadence.next_look_s(Look(age_s=now - job.newest, failures=job.failures))
        # What ended long ago is told soon, however seldom looks are wanted; of what was made just now nothing is new.
        soon = min(pause, _FIRST_LOOK_S) if since is None else pause
        due = max(now + soon, job.looked_at + pause)
        if due < job.due:
            job.due = due
            self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="aiomodelarts watcher", context=self._context.copy())

    def _drop_unwanted(self, job: JobWatch) -> None:
        if job.is_wanted or self._jobs.get(job.job_id) is not job:
            return
        del self._jobs[job.job_id]
        if job.look is not None and job.look is not asyncio.current_task():
            job.look.cancel()
        self._changed.set()

    async def _run(self) -> None:
        while self._jobs:
            self._changed.clear()
            now = self._clock.monotonic()
            idle = [job for job in self._jobs.values() if not job.is_looked_at]
            for job in sorted((job for job in idle if job.due <= now), key=lambda job: job.due):
                self._begin(job)
            dues = [job.due for job in idle if not job.is_looked_at]
            await self._sleep(max(min(dues) - now, _LEAST_PAUSE_S) if dues else None)

    def _begin(self, job: JobWatch) -> None:
        job.look = asyncio.create_task(self._look(job), name=f"aiomodelarts look at job {job.job_id}")
        self._looks.add(job.look)
        job.look.add_done_callback(self._looked)

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        self._changed.set()

    async def _sleep(self, seconds: float | None) -> None:
        if seconds is not None and seconds == float("inf"):
            seconds = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _look(self, job: JobWatch) -> None:
        # A newcomer that arrives during the look brings the next one forward.
        job.due = float("inf")
        began = now = job.looked_at = self._clock.monotonic()
        asked = plan(
            job.positions,
            job.tracks.keys() | job.live if job.surveyors else job.tracks.keys(),
            front=bool(job.surveyors),
            everything=self._has_to_sweep(job, now),
        )
        requests = len(asked.pages) + len(asked.singles)
        sighting = Sighting(may_reuse=job.is_settled)
        try:
            requests = await self._perform(job, asked, sighting)
            job.failures = 0
        except ModelArtsError as error:
            if not may_heal(error):
                all_failed(job, error)
            else:
                job.failures += 1
                level = logging.WARNING if job.failures == 1 else logging.DEBUG
                _log.log(level, "a look at job %s failed and will be repeated: %s", job.job_id, error)
        except Exception as error:  # noqa: BLE001  (told to everybody who waits)
            # A fault of ours must neither leave everybody waiting for ever nor end the other jobs' looks.
            _log.exception("looking at job %s failed", job.job_id)
            all_failed(job, error)
        if not job.is_wanted:
            self._drop_unwanted(job)
            return
        now = self._clock.monotonic()
        look = Look(
            age_s=now - job.newest,
            requests=requests,
            rows=len(sighting.states),
            typical_s=job.durations.typical_s,
            headroom=self._headroom(),
            failures=job.failures,
        )
        pause = job.pause_s(look)
        # From beginning to beginning, so that the interval is what was asked for; a service that takes longer than
        # that to answer is left in peace for as long again.
        job.due = min(job.due, max(began + pause, now + min(now - began, pause)))

    def _has_to_sweep(self, job: JobWatch, now: float) -> bool:
        if not job.surveyors:
            return False
        doubtful = job.total is not None and job.total != len(job.positions)
        return now - job.swept_at >= (_SWEEP_ON_DOUBT_S if doubtful else _SWEEP_EVERY_S)

    async def _perform(self, job: JobWatch, asked: Plan, sighting: Sighting) -> int:
        """Send what the plan says, and tell everybody; the number of requests."""
        requests = len(asked.pages) or 1
        if asked.walk:
            requests = await self._asker.walk(job, sighting, to_the_end=asked.to_the_end)
        elif asked.pages:
            await at_once([self._asker.page(job, number, sighting) for number in asked.pages])
        singles = set(asked.singles)
        if asked.walk or asked.pages:
            # Surveyors first, and all of them in one go; a thousand followers would hold up the loop.
            self._teller.surveyors(job, sighting)
            singles |= await self._teller.followers(job, sighting, singles, walked=asked.walk)
        await at_once([self._single(job, version_id) for version_id in sorted(singles)])
        return requests + len(singles)

    async def _single(self, job: JobWatch, version_id: int) -> None:
        try:
            detail = await self._asker.version(job.job_id, version_id)
        except NotFound:
            track = job.tracks.get(version_id)
            if track is not None and track.is_gone(self._clock.monotonic()):
                where = Where("wait", job.job_id, version_id)
                failed(job, track, VersionGone("the version is no longer there", where=where))
        except ModelArtsError as error:
            track = job.tracks.get(version_id)
            if may_heal(error) or track is None:
                raise
            failed(job, track, error)
        else:
            # Whoever followed it when it was asked for may have left, and somebody else may have come.
            track = job.tracks.get(version_id)
            if track is not None:
                self._teller.state(job, track, detail.status, lambda: detail)
            for surveyor in list(job.surveyors):
                surveyor.surveyed(job.job_id, {version_id: detail.status}, complete=False)
            job.note_live({version_id: detail.status})

    def _last(self, track: Track, job_id: int) -> JobDetail | None:
        if track.status is None:
            return None
        if track.snapshot is not None and track.snapshot.status == track.status:
            return track.snapshot
        return JobDetail(job_id=job_id, version_id=track.version_id, status=track.status)
