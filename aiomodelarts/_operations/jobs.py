"""Verbs on training jobs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from attrs import frozen

from .._checks import check_timeout
from .._paging import all_rows
from .._wire import training
from ..errors import NotFound, VersionGone, Where
from ..models.job import JobPage, JobSummary
from ..models.listing import JOBS, ListQuery, check_limit
from ..models.spec import check_description, check_id
from ..session import AsyncSession
from ..status import JobStatus
from .pointers import PointsAtJob, job_of
from .polling import until
from .versions import get_job_version_info, stop_job_version


async def get_job_list(
    modelarts_session: AsyncSession,
    *,
    status: JobStatus | int | str | None = None,
    per_page: int = 10,
    page: int = 1,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    sortBy: str | None = None,  # noqa: N803
) -> JobPage:
    """One page of the jobs (listTrainingJobs).

    Args:
        modelarts_session: asks the platform.
        status: only jobs in this status; None is all.
        per_page: 1 to 1000.
        page: 1 to 65535.
        sort_by: ``job_name`` (as when None), ``job_desc``, ``status``, ``duration`` or ``create_time``.
        order: ``desc`` (as when None) or ``asc``.
        search_content: only jobs whose name holds this text of at most 64 characters.
        sortBy: another name of ``sort_by``.

    Raises:
        InvalidArgument: before anything is sent.
    """
    query = ListQuery.of(
        JOBS,
        status=status,
        per_page=per_page,
        page=page,
        sort_by=sort_by,
        order=order,
        search_content=search_content,
        sortBy=sortBy,
    )
    return await modelarts_session.perform(training.list_training_jobs, query)


def iter_jobs(
    modelarts_session: AsyncSession,
    *,
    status: JobStatus | int | str | None = None,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    limit: int | None = None,
) -> AsyncIterator[JobSummary]:
    """The jobs, page after page; only their ids are kept.

    No job comes twice. None is left out that was there throughout, unless ``sort_by`` or ``status`` names something
    that changed meanwhile.

    Args:
        modelarts_session: asks the platform.
        status: as for ``get_job_list``.
        sort_by: as for ``get_job_list``.
        order: as for ``get_job_list``.
        search_content: as for ``get_job_list``.
        limit: how many are wanted at most; None is all.
    """

    def query(page: int, per_page: int) -> ListQuery:
        return ListQuery.of(
            JOBS,
            status=status,
            per_page=per_page,
            page=page,
            sort_by=sort_by,
            order=order,
            search_content=search_content,
        )

    async def read(page: int, per_page: int) -> Sequence[JobSummary]:
        return (await modelarts_session.perform(training.list_training_jobs, query(page, per_page))).jobs

    query(1, 1)  # tells of a mistake at once, not when the first row is asked for
    return all_rows(read, lambda row: row.job_id, JOBS.max_per_page, check_limit(limit))


async def update_job_description(self: PointsAtJob, description: str) -> None:
    """Change the description of the job (updateTrainingJobDescription).

    Args:
        description: up to 256 characters; an empty text clears it.
    """
    text = check_description(description, "description")
    await self.session.perform(training.update_training_job_description, job_of(self), text)


async def delete_job(
    self: PointsAtJob, *, stop_running: bool = False, wait: bool = False, timeout_s: float | None = None
) -> None:
    """Ask the platform to remove the job with all its versions (deleteTrainingJob).

    Args:
        stop_running: stop the versions that go on first, and wait until they are down; what the platform does with
            them otherwise is not documented.
        wait: return when the job is gone, not when the platform has accepted to remove it; one that is not there is
            gone.
        timeout_s: limit of all waits together, in seconds; None is no limit.

    Raises:
        NotFound: without ``wait``, when there is no such job.
        WaitTimeout: after ``timeout_s``.
    """
    await delete_job_by_id(self.session, job_of(self), stop_running=stop_running, wait=wait, timeout_s=timeout_s)


async def delete_job_by_id(
    modelarts_session: AsyncSession,
    job_id: int | str,
    *,
    stop_running: bool = False,
    wait: bool = False,
    timeout_s: float | None = None,
) -> None:
    """Ask the platform to remove a job with all its versions (deleteTrainingJob).

    Args:
        modelarts_session: asks the platform.
        job_id: the job.
        stop_running: as for ``delete_job``.
        wait: as for ``delete_job``.
        timeout_s: as for ``delete_job``.

    Raises:
        NotFound: without ``wait``, when there is no such job.
        WaitTimeout: after ``timeout_s``.
    """
    job = check_id(job_id, "job_id")
    check_timeout(timeout_s)
    clock = modelarts_session.seams.clock
    deadline = None if timeout_s is None else clock.monotonic() + timeout_s
    try:
        if stop_running:
            await _stop_versions(modelarts_session, job, timeout_s)
        await modelarts_session.perform(training.delete_training_job, job)
    except NotFound as error:
        if not wait and not error.after_unclear:
            raise
        return
    if wait:
        left = None if deadline is None else max(0.0, deadline - clock.monotonic())
        where = Where("deleteTrainingJob", job)
        await until(modelarts_session, lambda: _is_gone(modelarts_session, job), where, left)


@frozen
class _Version:
    session: AsyncSession
    job_id: int
    version_id: int | None = None


async def _stop_versions(session: AsyncSession, job_id: int, timeout_s: float | None) -> None:
    listed = await get_job_version_info(_Version(session, job_id))
    running = [row.version_id for row in listed.versions if not row.status.is_final]

    async def stopped(version_id: int) -> None:
        with contextlib.suppress(NotFound, VersionGone):
            await stop_job_version(_Version(session, job_id, version_id), wait=True, timeout_s=timeout_s)

    try:
        async with asyncio.TaskGroup() as group:
            for version_id in running:
                group.create_task(stopped(version_id))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _is_gone(session: AsyncSession, job_id: int) -> bool | None:
    """There is no call that reads one job, and an empty list of versions can be a job that has none."""
    try:
        page = await session.perform(training.list_training_job_versions, job_id, 1, 1)
    except NotFound:
        return True
    if page.versions:
        return None
    name = (page.job_name or "")[:64]
    listed = iter_jobs(session, search_content=name)
    return None if job_id in [row.job_id async for row in listed] else True
