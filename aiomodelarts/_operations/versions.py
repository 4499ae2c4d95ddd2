"""Verbs on the versions of a job."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from attrs import evolve

from .._checks import check_timeout
from .._paging import all_rows
from .._wire import training
from ..errors import DeletionFailed, NotFound, VersionGone, Where, WrongState
from ..models.job import JobDetail, VersionInfo, VersionPage
from ..models.listing import check_limit
from ..status import JobStatus
from .pointers import PointsAtJob, PointsAtVersion, job_of, version_of
from .polling import until


async def get_job_info(self: PointsAtVersion) -> JobDetail:
    """The version whole, with the job that it belongs to (getTrainingJobVersion)."""
    job_id, version_id = version_of(self)
    return await self.session.perform(training.get_training_job_version, job_id, version_id)


async def get_job_version_info(self: PointsAtJob) -> VersionPage:
    """All versions of the job, newest first, and the job itself (listTrainingJobVersions, page after page)."""
    pages: list[VersionPage] = []
    rows = tuple([row async for row in _rows(self, pages, None)])
    return evolve(pages[-1], versions=rows)


def iter_job_versions(self: PointsAtJob, *, limit: int | None = None) -> AsyncIterator[VersionInfo]:
    """The versions of the job, newest first, page after page; only their ids are kept.

    No version comes twice, and none is left out that was there throughout, whatever is made or deleted meanwhile.

    Args:
        limit: how many are wanted at most; None is all.
    """
    return _rows(self, None, check_limit(limit))


async def stop_job_version(self: PointsAtVersion, *, wait: bool = False, timeout_s: float | None = None) -> None:
    """Ask the platform to stop the version; one that has ended is left as it is (stopTrainingJobVersion).

    Args:
        wait: return when the version is down, not when the platform has accepted to stop it.
        timeout_s: limit of the wait, in seconds; None is no limit.

    Raises:
        ApiError: when the platform refuses for another reason than that it has ended.
        WaitTimeout: with ``wait``, after ``timeout_s``.
    """
    check_timeout(timeout_s)
    job_id, version_id = version_of(self)
    try:
        await self.session.perform(training.stop_training_job_version, job_id, version_id)
    except WrongState:
        detail = await get_job_info(self)
        if not detail.status.is_final and detail.status is not JobStatus.KILLING:
            raise
    if wait:
        # A version that somebody deleted meanwhile is down as well.
        with contextlib.suppress(VersionGone):
            await self.session.until_final(job_id, version_id, timeout_s)


async def delete_job_version(self: PointsAtVersion, *, wait: bool = False, timeout_s: float | None = None) -> None:
    """Ask the platform to remove the version (deleteTrainingJobVersion).

    Args:
        wait: return when the version is gone, not when the platform has accepted to remove it; one that is not there
            is gone.
        timeout_s: limit of the wait, in seconds; None is no limit.

    Raises:
        NotFound: without ``wait``, when there is no such version.
        DeletionFailed: with ``wait``, when the version stays.
        WaitTimeout: with ``wait``, after ``timeout_s``.
    """
    check_timeout(timeout_s)
    job_id, version_id = version_of(self)
    try:
        await self.session.perform(training.delete_training_job_version, job_id, version_id)
    except NotFound as error:
        if not wait and not error.after_unclear:
            raise
        return
    if wait:
        where = Where("deleteTrainingJobVersion", job_id, version_id)
        await until(self.session, _GoneVersion(self, where), where, timeout_s)


class _GoneVersion:
    """Looks whether a version is gone."""

    def __init__(self, pointer: PointsAtVersion, where: Where) -> None:
        self._pointer = pointer
        self._where = where
        self._failed_before = False

    async def __call__(self) -> bool | None:
        try:
            detail = await get_job_info(self._pointer)
        except NotFound:
            return True
        failed = detail.status is JobStatus.DELETE_FAILED
        # The first sight can be what an earlier deletion left.
        if failed and self._failed_before:
            raise DeletionFailed("the version is still there, as DELETE_FAILED", where=self._where, detail=detail)
        self._failed_before = failed
        return None


def _rows(pointer: PointsAtJob, pages: list[VersionPage] | None, limit: int | None) -> AsyncIterator[VersionInfo]:
    job_id, session = job_of(pointer), pointer.session

    async def read(page: int, per_page: int) -> Sequence[VersionInfo]:
        answer = await session.perform(training.list_training_job_versions, job_id, page, per_page)
        if pages is not None:
            pages[:] = [answer]
        return answer.versions

    return all_rows(read, lambda row: row.version_id, training.MAX_PAGE, limit)
