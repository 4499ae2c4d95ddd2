"""The one task that asks for states: a thousand waits on a job cost what one does."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Protocol

from attrs import define, field

from .._clock import Clock
from ..errors import ModelArtsError, NotAllowed, NotFound, SessionClosed, VersionGone, Where
from ..models.job import JobDetail, VersionInfo, VersionPage
from ..status import JobStatus
from .cadence import Cadence, one_by_one

_log = logging.getLogger("aiomodelarts.watch")
_PAGE = 1000
# A list may lag behind a creation, so a version is called gone only after several looks without it.
_LOOKS_BEFORE_GONE = 3
_READS_AT_ONCE = 32


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
    unseen: int = 0


@define(eq=False)
class _Job:
    job_id: int
    due: float
    waits: dict[_Wait, None] = field(factory=dict)
    failures: int = 0


class Watcher:
    """Ends waits when their versions have ended.

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
        self._changed = asyncio.Event()
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
        """End the task and every wait."""
        self._closed = True
        for job in self._jobs.values():
            for wait in job.waits:
                _fail(wait, SessionClosed("the session was closed while this wait went on"))
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

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
        job = self._jobs.get(job_id)
        if job is None:
            return
        job.waits.pop(wait, None)
        if not job.waits:
            del self._jobs[job_id]
            self._changed.set()

    async def _run(self) -> None:
        while self._jobs:
            self._changed.clear()
            now = self._clock.monotonic()
            due = [job for job in self._jobs.values() if job.due <= now]
            if due:
                await asyncio.gather(*(self._look(job) for job in due))
            else:
                await self._sleep(min(job.due for job in self._jobs.values()) - now)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _look(self, job: _Job) -> None:
        waits = list(job.waits)
        wanted = {wait.version_id for wait in waits}
        try:
            if one_by_one(len(wanted)):
                await self._read_each(job, waits)
            else:
                await self._read_pages(job, waits, wanted)
            job.failures = 0
        except (NotAllowed, SessionClosed) as error:
            for wait in waits:
                _fail(wait, error)
        except ModelArtsError as error:
            job.failures += 1
            level = logging.WARNING if job.failures == 1 else logging.DEBUG
            _log.log(level, "a look at job %s failed and will be repeated: %s", job.job_id, error)
        except Exception as error:  # noqa: BLE001  (told to everybody who waits)
            # A fault of ours must neither leave everybody waiting for ever nor end the other jobs' looks.
            _log.exception("looking at job %s failed", job.job_id)
            for wait in waits:
                _fail(wait, error)
        now = self._clock.monotonic()
        youngest = now - max((wait.since for wait in job.waits), default=now)
        job.due = now + self._cadence.pause_s(youngest, job.failures)

    async def _read_each(self, job: _Job, waits: Iterable[_Wait]) -> None:
        for wait in waits:
            try:
                detail = await self._reads.version(job.job_id, wait.version_id)
            except NotFound:
                self._missed(job, wait)
            else:
                _seen(wait, detail)

    async def _read_pages(self, job: _Job, waits: list[_Wait], wanted: set[int]) -> None:
        rows: dict[int, VersionInfo] = {}
        page = 1
        while not wanted <= rows.keys():
            answer = await self._reads.page(job.job_id, page, _PAGE)
            rows |= {row.version_id: row for row in answer.versions}
            if len(answer.versions) < _PAGE:
                break
            page += 1
        ended = []
        for wait in waits:
            row = rows.get(wait.version_id)
            if row is None:
                self._missed(job, wait)
            elif _is_over(wait, row):
                ended.append(wait)
        for start in range(0, len(ended), _READS_AT_ONCE):
            # Members that only the detail has are part of what a wait returns.
            await asyncio.gather(*(self._read_each(job, [wait]) for wait in ended[start : start + _READS_AT_ONCE]))

    def _missed(self, job: _Job, wait: _Wait) -> None:
        wait.unseen += 1
        if wait.unseen >= _LOOKS_BEFORE_GONE:
            where = Where("wait", job.job_id, wait.version_id)
            _fail(wait, VersionGone("the version is no longer there", where=where))


def _is_over(wait: _Wait, info: VersionInfo) -> bool:
    """Note what was seen, and say whether it is the end."""
    before, wait.last, wait.unseen = wait.last, info, 0
    if info.status is JobStatus.LOST:
        # A lost version can return: it counts when it is seen lost again after a pause.
        return before is not None and before.status is JobStatus.LOST
    return info.status.is_final


def _seen(wait: _Wait, detail: JobDetail) -> None:
    if _is_over(wait, detail) and not wait.future.done():
        wait.future.set_result(detail)


def _fail(wait: _Wait, error: Exception) -> None:
    if not wait.future.done():
        wait.future.set_exception(error)
