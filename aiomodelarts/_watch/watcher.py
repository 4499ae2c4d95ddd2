"""Asks for states on behalf of everybody: a thousand waits on a job cost what one does."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial

from .._clock import Clock
from ..errors import DecodeError, ModelArtsError, NotFound, SessionClosed, StateUnclear, VersionGone, Where
from ..models.job import JobDetail
from ..status import JobStatus
from .asking import Asker, Reads, at_once
from .cadence import Cadence, Ceiling, Look
from .followers import Ending, Updates
from .patience import Patience, Verdict
from .plan import Plan, plan
from .track import Follower, JobWatch, Sighting, Surveyor, Track

_log = logging.getLogger("aiomodelarts.watch")
# Timers can fire a moment early; without a least pause the loop would spin through that moment.
_LEAST_PAUSE_S = 0.001
# How often the whole list of a surveyed job is read, which is how deletions on its older pages come to light.
_SWEEP_EVERY_S = 60.0
_SWEEP_ON_DOUBT_S = 10.0
# So many are told of their end before the loop may turn to others; waking them up takes a few milliseconds.
_TOLD_AT_ONCE = 50
_MADE_KEPT = 100_000


class Watcher:
    """Tells followers how their versions fare.

    One task keeps the time; each look at a job is a task of its own, so that a slow answer about one job does not hold
    up the others.

    Args:
        reads: asks the service.
        clock: measures ages and pauses.
        cadence: decides on the pauses.
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
        self._reads = reads
        self._clock = clock
        self._cadence = cadence
        self._patience = patience
        self._headroom = headroom
        self._asker = Asker(reads, clock, Ceiling(cadence.polls_per_s))
        self.turn = self._asker.turn
        self._jobs: dict[int, JobWatch] = {}
        self._made: dict[tuple[int, int], tuple[JobStatus, float]] = {}
        self._task: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._told: set[int] = set()
        self._closed = False

    async def until_final(self, job_id: int, version_id: int, timeout_s: float | None) -> JobDetail:
        """The version's detail, once it has reached a final status.

        Raises:
            TimeoutError: after ``timeout_s``; the last snapshot is its only argument.
            StateUnclear: when it stays for too long in a status that says nothing.
            VersionGone: when the version is no longer there.
            ModelArtsError: when asking itself is refused for good.
        """
        ending = Ending(asyncio.get_running_loop().create_future())
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

    async def updates(self, job_id: int, version_id: int) -> AsyncGenerator[JobDetail, None]:
        """Every state that is seen: first what the last look has shown, if there was one, and the final one last.

        Raises:
            VersionGone, StateUnclear, ModelArtsError: as ``until_final``.
        """
        updates = Updates()
        track = self._follow(job_id, version_id, updates)
        try:
            if track.status is not None:
                updates.saw(self._last(track, job_id) or JobDetail(job_id=job_id, version_id=version_id))
            async for detail in updates:
                yield detail
        finally:
            self._unfollow(job_id, track, updates)

    def survey(self, job_id: int, surveyor: Surveyor) -> None:
        """Tell the surveyor the states of all versions of a job, from now on; ``leave`` ends it."""
        job = self._job(job_id)
        job.surveyors[surveyor] = None
        job.swept_at = float("-inf")
        self._newcomer(job, self._clock.monotonic())

    def resync(self, job_id: int) -> None:
        """Look at all of a job soon."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.swept_at = float("-inf")
            self._newcomer(job, self._clock.monotonic())

    def leave(self, job_id: int, surveyor: Surveyor) -> None:
        """Tell it nothing more."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.surveyors.pop(surveyor, None)
            self._drop_unwanted(job)

    def made(self, job_id: int, version_id: int, status: JobStatus | None) -> None:
        """Take note of a version that was made just now: its state need not be asked for."""
        if len(self._made) >= _MADE_KEPT:
            del self._made[next(iter(self._made))]
        self._made[job_id, version_id] = (status or JobStatus.INIT, self._clock.monotonic())

    async def close(self) -> None:
        """End all tasks and every wait."""
        self._closed = True
        for job in self._jobs.values():
            _fail_all(job, SessionClosed("the session was closed while this wait went on"))
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
            if made is not None and now - made[1] < self._cadence.max_s:
                track.status, track.since = made
                job.positions.add({version_id})
        track.followers[follower] = None
        self._newcomer(job, now, since=track.since if track.status is not None and not track.was_seen else now)
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
        job = self._jobs.get(job_id)
        if job is None:
            job = self._jobs[job_id] = JobWatch(job_id, float("inf"))
        return job

    def _newcomer(self, job: JobWatch, now: float, since: float | None = None) -> None:
        """A newcomer gets a fresh look within its first interval, and newcomers that arrive together share it."""
        job.newest = now if since is None else since
        due = now + self._cadence.next_look_s(Look(age_s=now - job.newest))
        if due < job.due:
            job.due = due
            self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="aiomodelarts watcher")

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
        began = now = self._clock.monotonic()
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
            if not _may_heal(error):
                _fail_all(job, error)
            else:
                job.failures += 1
                level = logging.WARNING if job.failures == 1 else logging.DEBUG
                _log.log(level, "a look at job %s failed and will be repeated: %s", job.job_id, error)
        except Exception as error:  # noqa: BLE001  (told to everybody who waits)
            # A fault of ours must neither leave everybody waiting for ever nor end the other jobs' looks.
            _log.exception("looking at job %s failed", job.job_id)
            _fail_all(job, error)
        now = self._clock.monotonic()
        look = Look(
            age_s=now - job.newest,
            requests=requests,
            rows=len(sighting.states),
            typical_s=job.typical_s,
            headroom=self._headroom(),
            failures=job.failures,
        )
        pause = self._cadence.next_look_s(look)
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
            self._tell_surveyors(job, sighting)
            singles |= await self._tell_followers(job, sighting, singles, walked=asked.walk)
        await at_once([self._single(job, version_id) for version_id in sorted(singles)])
        return requests + len(singles)

    async def _single(self, job: JobWatch, version_id: int) -> None:
        try:
            detail = await self._asker.version(job.job_id, version_id)
        except NotFound:
            track = job.tracks.get(version_id)
            if track is not None and track.is_gone(self._clock.monotonic()):
                where = Where("wait", job.job_id, version_id)
                _fail(job, track, VersionGone("the version is no longer there", where=where))
        except ModelArtsError as error:
            track = job.tracks.get(version_id)
            if _may_heal(error) or track is None:
                raise
            _fail(job, track, error)
        else:
            # Whoever followed it when it was asked for may have left, and somebody else may have come.
            track = job.tracks.get(version_id)
            if track is not None:
                self._tell(job, track, detail.status, lambda: detail)
            for surveyor in list(job.surveyors):
                surveyor.surveyed(job.job_id, {version_id: detail.status}, complete=False)
            job.note_live({version_id: detail.status})

    async def _tell_followers(self, job: JobWatch, sighting: Sighting, singles: set[int], *, walked: bool) -> set[int]:
        """Tell what the pages showed; the versions that have to be asked for by themselves."""
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
                if job.tracks.get(version_id) is track and not self._tell_row(job, track, status, sighting):
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

    def _tell_row(self, job: JobWatch, track: Track, status: JobStatus, sighting: Sighting) -> bool:
        """Tell a state from a page; False when its row is needed and cannot be read."""
        page = sighting.pages[track.version_id]
        if track.version_id not in page.rows:
            # Somebody who came when the look was under way has a look coming; others hold a newer state than the page.
            return not track.was_seen
        try:
            self._tell(job, track, status, partial(self._asker.row, page, job.job_id, track.version_id))
        except DecodeError:
            return False
        return True

    def _tell_surveyors(self, job: JobWatch, sighting: Sighting) -> None:
        absent = job.is_absent(sighting.absent, self._clock.monotonic())
        for surveyor in list(job.surveyors):
            surveyor.surveyed(job.job_id, sighting.states, complete=sighting.complete)
            if absent and sighting.absent is not None:
                surveyor.absent(job.job_id, sighting.absent)
        if sighting.complete:
            job.live &= sighting.states.keys()
        job.note_live(sighting.states)

    def _tell(self, job: JobWatch, track: Track, status: JobStatus, read: Callable[[], JobDetail]) -> None:
        before = track.status
        verdict = track.sees(status, self._clock.monotonic(), self._patience)
        self._tell_once(status)
        if verdict is Verdict.GOES_ON:
            if status != before and track.wants_states:
                detail = track.snapshot = read()
                for follower in list(track.followers):
                    follower.saw(detail)
            return
        detail = track.snapshot = read()
        if verdict is Verdict.OVER:
            if detail.duration:
                job.durations_s.append(detail.duration / 1000)
            for follower in list(track.followers):
                follower.ended(detail)
            self._settled(job, track)
            return
        message = f"it has been {status.name} ({int(status)}) for longer than is endured; it may go on"
        _fail(job, track, StateUnclear(message, where=Where("wait", job.job_id, track.version_id), detail=detail))

    def _tell_once(self, status: JobStatus) -> None:
        if not status.is_listed and status not in self._told:
            self._told.add(status)
            _log.warning("status %d is in no document; waits go on as if the version were running", status)

    def _settled(self, job: JobWatch, track: Track) -> None:
        job.tracks.pop(track.version_id, None)
        self._drop_unwanted(job)

    def _last(self, track: Track, job_id: int) -> JobDetail | None:
        if track.status is None:
            return None
        if track.snapshot is not None and track.snapshot.status == track.status:
            return track.snapshot
        return JobDetail(job_id=job_id, version_id=track.version_id, status=track.status)


def _may_heal(error: ModelArtsError) -> bool:
    """Whether the same question can have a better answer later."""
    return error.retryable or isinstance(error, DecodeError)


def _fail(job: JobWatch, track: Track, error: Exception) -> None:
    for follower in list(track.followers):
        follower.failed(error)
    job.tracks.pop(track.version_id, None)


def _fail_all(job: JobWatch, error: Exception) -> None:
    for track in list(job.tracks.values()):
        _fail(job, track, error)
    for surveyor in list(job.surveyors):
        surveyor.failed(error)
    job.surveyors.clear()
