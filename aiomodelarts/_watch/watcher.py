"""Asks for states on behalf of everybody: a thousand waits on a job cost what one does."""

import asyncio
import contextlib
import logging
from collections.abc import KeysView
from typing import Protocol

from attrs import define, field

from .._clock import Clock
from ..errors import DecodeError, ModelArtsError, NotFound, SessionClosed, VersionGone, Where
from ..models.job import JobDetail, VersionInfo, VersionPage
from ..status import JobStatus
from .cadence import Cadence, one_by_one

_log = logging.getLogger("aiomodelarts.watch")
_PAGE = 1000
# A list, and a single read too, may lag behind a creation: a version is called gone only after several looks without
# it, and one that was never seen at all gets this long to appear.
_LOOKS_BEFORE_GONE = 3
_APPEARS_WITHIN_S = 10.0
_READS_AT_ONCE = 32
# Timers can fire a moment early; without a least pause the loop would spin through that moment.
_LEAST_PAUSE_S = 0.001


class Reads(Protocol):
    """What the watcher asks."""

    async def version(self, job_id: int, version_id: int) -> JobDetail: ...

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage: ...


@define(eq=False)
class _Wait:
    version_id: int
    future: asyncio.Future[JobDetail]
    since: float
    last: VersionInfo | None = None
    unlisted: int = 0
    unseen: int = 0


_Group = dict[int, list[_Wait]]


@define(eq=False)
class _Job:
    job_id: int
    due: float
    waits: dict[_Wait, None] = field(factory=dict)
    failures: int = 0
    look: asyncio.Task[None] | None = None

    @property
    def is_looked_at(self) -> bool:
        return self.look is not None and not self.look.done()


class Watcher:
    """Ends waits when their versions have ended.

    One task keeps the time; each look at a job is a task of its own, so that a slow answer about one job does not hold
    up the others.

    Args:
        reads: asks the service.
        clock: measures ages and pauses.
        cadence: decides on the pauses.
    """

    def __init__(self, reads: Reads, clock: Clock, cadence: Cadence) -> None:
        self._reads = reads
        self._clock = clock
        self._cadence = cadence
        self._jobs: dict[int, _Job] = {}
        self._task: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._told: set[int] = set()
        self._closed = False

    async def until_final(self, job_id: int, version_id: int, timeout_s: float | None) -> JobDetail:
        """The version's detail, once it has reached a final status.

        Raises:
            TimeoutError: after ``timeout_s``; the last snapshot is its only argument.
            VersionGone: when the version is no longer there.
            ModelArtsError: when asking itself is refused for good.
        """
        if self._closed:
            raise SessionClosed("the session is closed; open a new one")
        wait = self._add(job_id, version_id)
        try:
            async with asyncio.timeout(timeout_s):
                return await wait.future
        except TimeoutError:
            raise TimeoutError(wait.last) from None
        finally:
            self._remove(job_id, wait)

    async def close(self) -> None:
        """End all tasks and every wait."""
        self._closed = True
        for job in self._jobs.values():
            for wait in job.waits:
                _fail(wait, SessionClosed("the session was closed while this wait went on"))
        tasks = {*self._looks, self._task} if self._task is not None else self._looks
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _add(self, job_id: int, version_id: int) -> _Wait:
        now = self._clock.monotonic()
        wait = _Wait(version_id, asyncio.get_running_loop().create_future(), now)
        job = self._jobs.setdefault(job_id, _Job(job_id, now))
        job.waits[wait] = None
        # A newcomer gets a fresh look soon, and newcomers that arrive together share it.
        job.due = min(job.due, now + self._cadence.min_s)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="aiomodelarts watcher")
        return wait

    def _remove(self, job_id: int, wait: _Wait) -> None:
        if not wait.future.cancel() and not wait.future.cancelled():
            # A wait that was cancelled in the moment of its failure has nobody left to read it.
            wait.future.exception()
        job = self._jobs.get(job_id)
        if job is None:
            return
        job.waits.pop(wait, None)
        if not job.waits:
            del self._jobs[job_id]
            if job.look is not None:
                job.look.cancel()
            self._changed.set()

    async def _run(self) -> None:
        while self._jobs:
            self._changed.clear()
            now = self._clock.monotonic()
            idle = [job for job in self._jobs.values() if not job.is_looked_at]
            for job in idle:
                if job.due <= now:
                    self._begin(job)
            dues = [job.due for job in idle if not job.is_looked_at]
            await self._sleep(max(min(dues) - now, _LEAST_PAUSE_S) if dues else None)

    def _begin(self, job: _Job) -> None:
        job.look = asyncio.create_task(self._look(job), name=f"aiomodelarts look at job {job.job_id}")
        self._looks.add(job.look)
        job.look.add_done_callback(self._looked)

    def _looked(self, look: asyncio.Task[None]) -> None:
        self._looks.discard(look)
        self._changed.set()

    async def _sleep(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _look(self, job: _Job) -> None:
        # The next look is planned from the end of this one; a newcomer that arrives meanwhile brings it forward.
        job.due = float("inf")
        awaited: _Group = {}
        for wait in job.waits:
            awaited.setdefault(wait.version_id, []).append(wait)
        try:
            if one_by_one(len(awaited)):
                await self._read_each(job, awaited)
            else:
                await self._read_pages(job, awaited)
            job.failures = 0
        except ModelArtsError as error:
            if not _may_heal(error):
                _fail_all(awaited, error)
            else:
                job.failures += 1
                level = logging.WARNING if job.failures == 1 else logging.DEBUG
                _log.log(level, "a look at job %s failed and will be repeated: %s", job.job_id, error)
        except Exception as error:  # noqa: BLE001  (told to everybody who waits)
            # A fault of ours must neither leave everybody waiting for ever nor end the other jobs' looks.
            _log.exception("looking at job %s failed", job.job_id)
            _fail_all(awaited, error)
        now = self._clock.monotonic()
        youngest = now - max((wait.since for wait in job.waits), default=now)
        job.due = min(job.due, now + self._cadence.pause_s(youngest, job.failures))

    async def _read_each(self, job: _Job, group: _Group) -> None:
        """Read the versions one by one; an error of one comes up only after the others were read."""
        versions = list(group)
        errors: list[BaseException] = []
        for start in range(0, len(versions), _READS_AT_ONCE):
            some = versions[start : start + _READS_AT_ONCE]
            results = await asyncio.gather(
                *(self._read(job, number, group[number]) for number in some), return_exceptions=True
            )
            errors += [result for result in results if result is not None]
        if errors:
            raise errors[0]

    async def _read(self, job: _Job, version_id: int, waits: list[_Wait]) -> None:
        try:
            detail = await self._reads.version(job.job_id, version_id)
        except NotFound:
            for wait in waits:
                self._missed(job, wait)
        except ModelArtsError as error:
            if _may_heal(error):
                raise
            for wait in waits:
                _fail(wait, error)
        else:
            for wait in waits:
                if self._is_over(wait, detail) and not wait.future.done():
                    wait.future.set_result(detail)

    async def _read_pages(self, job: _Job, awaited: _Group) -> None:
        rows = await self._rows(job, awaited.keys())
        # Members that only the detail has are part of what a wait returns, and a list that lacks a version can lag:
        # in both cases the version itself is asked.
        asked: _Group = {}
        for version_id, waits in awaited.items():
            row = rows.get(version_id)
            if row is None:
                told = [self._is_unlisted(wait) for wait in waits]
            else:
                told = [self._is_over(wait, row) for wait in waits]
            if any(told):
                asked[version_id] = waits
        await self._read_each(job, asked)

    async def _rows(self, job: _Job, wanted: KeysView[int]) -> dict[int, VersionInfo]:
        rows: dict[int, VersionInfo] = {}
        page = 1
        while not wanted <= rows.keys():
            try:
                answer = await self._reads.page(job.job_id, page, _PAGE)
            except NotFound:
                break
            known = len(rows)
            rows |= {row.version_id: row for row in answer.versions}
            # A service that pays no heed to the page number would give the same rows for ever.
            if len(answer.versions) < _PAGE or len(rows) == known:
                break
            page += 1
        return rows

    def _is_unlisted(self, wait: _Wait) -> bool:
        """Whether the wait's version was missing from the list often enough to be asked for by itself."""
        wait.unlisted += 1
        return wait.unlisted >= _LOOKS_BEFORE_GONE and self._should_be_there(wait)

    def _missed(self, job: _Job, wait: _Wait) -> None:
        wait.unseen += 1
        if wait.unseen >= _LOOKS_BEFORE_GONE and self._should_be_there(wait):
            where = Where("wait", job.job_id, wait.version_id)
            _fail(wait, VersionGone("the version is no longer there", where=where))

    def _should_be_there(self, wait: _Wait) -> bool:
        return wait.last is not None or self._clock.monotonic() - wait.since >= _APPEARS_WITHIN_S

    def _is_over(self, wait: _Wait, info: VersionInfo) -> bool:
        """Note what was seen, and say whether it is the end."""
        before, wait.last, wait.unlisted, wait.unseen = wait.last, info, 0, 0
        if not info.status.is_listed and info.status not in self._told:
            self._told.add(info.status)
            _log.warning("status %d is in no document; waits go on as if the version were running", info.status)
        if info.status is JobStatus.LOST:
            # A lost version can return: it counts when it is seen lost again after a pause.
            return before is not None and before.status is JobStatus.LOST
        return info.status.is_final


def _may_heal(error: ModelArtsError) -> bool:
    """Whether the same question can have a better answer later."""
    return error.retryable or isinstance(error, DecodeError)


def _fail(wait: _Wait, error: Exception) -> None:
    if not wait.future.done():
        wait.future.set_exception(error)


def _fail_all(group: _Group, error: Exception) -> None:
    for waits in group.values():
        for wait in waits:
            _fail(wait, error)
