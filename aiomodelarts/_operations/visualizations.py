"""Verbs on visualization jobs."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial

from attrs import evolve

from .._checks import check_timeout
from .._create.outcomes import Outcome, outcome_of
from .._paging import all_rows
from .._wire import visualization as wire
from .._wire.call import Call, Site
from ..errors import (
    CreateOutcomeUnknown,
    ModelArtsError,
    NoCapacity,
    NotFound,
    VisualizationFailed,
    Where,
    WrongState,
)
from ..models.listing import VISUALIZATIONS, ListQuery, check_limit
from ..models.spec import check_description
from ..models.visualization import VisualizationInfo, VisualizationPage, VisualizationSpec
from ..session import AsyncSession
from ..status import JobStatus
from .pointers import PointsAtVisualization, visualization_of
from .polling import until

_CREATE = Where("createVisualizationJob")


async def get_visualization_job_list(
    modelarts_session: AsyncSession,
    *,
    status: JobStatus | int | str | None = None,
    per_page: int = 10,
    page: int = 1,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    sortBy: str | None = None,  # noqa: N803
) -> VisualizationPage:
    """One page of the visualization jobs (listVisualizationJobs).

    Args:
        modelarts_session: asks the platform.
        status: only jobs in this status; None is all.
        per_page: 1 to 100.
        page: 1 to 65535.
        sort_by: ``job_name`` (as when None), ``job_desc``, ``create_time`` or ``status``.
        order: ``asc`` (as when None) or ``desc``.
        search_content: only jobs whose name holds this text of at most 64 characters.
        sortBy: another name of ``sort_by``.

    Raises:
        InvalidArgument: before anything is sent.
    """
    query = ListQuery.of(
        VISUALIZATIONS,
        status=status,
        per_page=per_page,
        page=page,
        sort_by=sort_by,
        order=order,
        search_content=search_content,
        sortBy=sortBy,
    )
    return await modelarts_session.perform(wire.list_visualization_jobs, query)


def iter_visualization_jobs(
    modelarts_session: AsyncSession,
    *,
    status: JobStatus | int | str | None = None,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    limit: int | None = None,
) -> AsyncIterator[VisualizationInfo]:
    """The visualization jobs, all pages of them.

    None comes twice. None is left out that was there throughout, unless ``sort_by`` or ``status`` names something that
    changed meanwhile.

    Args:
        modelarts_session: asks the platform.
        status: as for ``get_visualization_job_list``.
        sort_by: as for ``get_visualization_job_list``.
        order: as for ``get_visualization_job_list``.
        search_content: as for ``get_visualization_job_list``.
        limit: how many are wanted at most; None is all.
    """

    def query(page: int, per_page: int) -> ListQuery:
        return ListQuery.of(
            VISUALIZATIONS,
            status=status,
            per_page=per_page,
            page=page,
            sort_by=sort_by,
            order=order,
            search_content=search_content,
        )

    async def read(page: int, per_page: int) -> Sequence[VisualizationInfo]:
        return (await modelarts_session.perform(wire.list_visualization_jobs, query(page, per_page))).jobs

    query(1, 1)  # tells of a mistake at once, not when the first row is asked for
    return all_rows(read, lambda row: row.job_id, VISUALIZATIONS.max_per_page, check_limit(limit))


async def create(session: AsyncSession, spec: VisualizationSpec) -> VisualizationInfo:
    """A new visualization job, as it was accepted (createVisualizationJob).

    After a lost answer it is looked for by its name, for as long as a version would be; it is never sent again, since
    no document says that names are kept apart.

    Raises:
        AlreadyExists: the name is taken.
        NoCapacity: there is no room for it, and no such job showed up.
        CreateOutcomeUnknown: the answer was lost, and no such job showed up.
    """
    try:
        return await session.perform(wire.create_visualization_job, spec)
    except ModelArtsError as error:
        if outcome_of(error) is not Outcome.UNKNOWN:
            raise
        with contextlib.suppress(ModelArtsError):
            return await until(session, partial(_shown, session, spec), _CREATE, session.settle_policy.quiet_window_s)
        if isinstance(error, NoCapacity):
            # It said why, and nothing has come of it.
            raise
        message = f"whether visualization job {spec.job_name} was made is not known: {error.message}"
        raise CreateOutcomeUnknown(message, where=error.where, intent=spec) from error


async def _shown(session: AsyncSession, spec: VisualizationSpec) -> VisualizationInfo | None:
    """The newest living job that is what was asked for, or None."""
    query = ListQuery.of(
        VISUALIZATIONS, per_page=100, search_content=spec.job_name, sort_by="create_time", order="desc"
    )

    def everywhere(site: Site) -> Call[VisualizationPage]:
        # A creation names no workspace, whichever the session's is.
        return wire.list_visualization_jobs(evolve(site, workspace_id=None), query)

    rows = (await session.perform(everywhere)).jobs
    return next((row for row in rows if not row.status.is_final and spec.is_echo(row)), None)


async def get_visualization_job_info(self: PointsAtVisualization) -> VisualizationInfo:
    """The visualization job whole (getVisualizationJob)."""
    return await self.session.perform(wire.get_visualization_job, visualization_of(self))


async def update_visualization_job(self: PointsAtVisualization, job_desc: str) -> None:
    """Change the description (updateVisualizationJobDescription).

    Args:
        job_desc: up to 256 characters; an empty text clears it.
    """
    text = check_description(job_desc, "job_desc")
    await self.session.perform(wire.update_visualization_job_description, visualization_of(self), text)


async def stop_visualization_job(
    self: PointsAtVisualization, *, wait: bool = False, timeout_s: float | None = None
) -> None:
    """Ask the platform to stop the job; one that has ended is left as it is (stopVisualizationJob).

    Args:
        wait: return when it is down, not when the platform has accepted to stop it.
        timeout_s: limit of the wait, in seconds; None is no limit.

    Raises:
        ApiError: when the platform refuses for another reason than that it has ended.
        WaitTimeout: with ``wait``, after ``timeout_s``.
    """
    check_timeout(timeout_s)
    job_id = visualization_of(self)

    async def down() -> bool | None:
        return True if (await get_visualization_job_info(self)).status.is_final else None

    try:
        await self.session.perform(wire.stop_visualization_job, job_id)
    except WrongState:
        status = (await get_visualization_job_info(self)).status
        if not status.is_final and status is not JobStatus.KILLING:
            raise
    if wait:
        await until(self.session, down, Where("stopVisualizationJob", job_id), timeout_s)


async def restart_visualization_job(self: PointsAtVisualization) -> None:
    """Start a job that has ended once more; its address can be another one then (restartVisualizationJob).

    Raises:
        WrongState: while it runs.
    """
    try:
        await self.session.perform(wire.restart_visualization_job, visualization_of(self))
    except WrongState as error:
        # Where an earlier try lost its answer, this refusal can be the sign that it was done.
        if not error.after_unclear or (await get_visualization_job_info(self)).status.is_final:
            raise


async def delete_visualization_job(
    self: PointsAtVisualization, *, wait: bool = False, timeout_s: float | None = None
) -> None:
    """Ask the platform to remove the job (deleteVisualizationJob).

    Args:
        wait: return when it is gone, not when the platform has accepted to remove it; one that is not there is gone.
        timeout_s: limit of the wait, in seconds; None is no limit.

    Raises:
        NotFound: without ``wait``, when there is no such job.
        WrongState: while it is being stopped.
        WaitTimeout: with ``wait``, after ``timeout_s``.
    """
    check_timeout(timeout_s)
    job_id = visualization_of(self)

    async def gone() -> bool | None:
        try:
            await get_visualization_job_info(self)
        except NotFound:
            return True
        return None

    try:
        await self.session.perform(wire.delete_visualization_job, job_id)
    except NotFound as error:
        if not wait and not error.after_unclear:
            raise
        return
    if wait:
        await until(self.session, gone, Where("deleteVisualizationJob", job_id), timeout_s)


async def ready(self: PointsAtVisualization, timeout_s: float | None = None) -> VisualizationInfo:
    """The visualization job once it runs and has an address, which is ``service_url``.

    Args:
        timeout_s: limit in seconds; None is no limit.

    Raises:
        VisualizationFailed: when it ends before.
        WaitTimeout: after ``timeout_s``.
    """
    where = Where("wait", visualization_of(self))

    async def look() -> VisualizationInfo | None:
        info = await get_visualization_job_info(self)
        if info.status.is_final:
            message = f"it ended as {info.status.name} before it had an address"
            raise VisualizationFailed(message, where=where, info=info)
        # A queuing job can bear an address already, where nothing answers yet.
        return info if info.service_url and info.status is JobStatus.RUNNING else None

    return await until(self.session, look, where, timeout_s)
