"""The handle of a visualization job."""

import logging

from ._operations import visualizations
from .models.spec import check_description, check_id, check_name, obs_path
from .models.visualization import VisualizationInfo, VisualizationSpec
from .session import AsyncSession
from .status import JobStatus

_log = logging.getLogger("aiomodelarts.lists")
_LONGEST_NAME = 20


class AsyncVisualizationJob:
    """A viewer of training results, under the official SDK's argument names.

    Args:
        modelarts_session: asks the platform.
        visualization_id: the job; None for a handle that only makes jobs.
    """

    __slots__ = ("_info", "_session", "_visualization_id")

    def __init__(self, modelarts_session: AsyncSession, visualization_id: int | str | None = None) -> None:
        self._session = modelarts_session
        self._visualization_id = None if visualization_id is None else check_id(visualization_id, "visualization_id")
        self._info: VisualizationInfo | None = None

    @property
    def session(self) -> AsyncSession:
        """The session that this handle asks through."""
        return self._session

    @property
    def visualization_id(self) -> int | None:
        """The job, or None."""
        return self._visualization_id

    @property
    def job_id(self) -> int | None:
        """Another name of ``visualization_id``, which the documents use as well."""
        return self._visualization_id

    @property
    def last_info(self) -> VisualizationInfo | None:
        """The answer that this handle was made from, or None."""
        return self._info

    def __repr__(self) -> str:
        return f"<AsyncVisualizationJob visualization_id={self._visualization_id}>"

    async def create_visualization_job(
        self,
        train_url: str,
        job_name: str | None = None,
        job_desc: str = "",
        *,
        job_type: str | None = None,
        flavor: str | None = None,
        stop_after_h: int | None = None,
    ) -> "AsyncVisualizationJob":
        """The handle of a new job, which starts in the background (createVisualizationJob).

        Args:
            train_url: OBS directory of the event files.
            job_name: 1 to 20 letters, digits, underscores and hyphens; made up when None.
            job_desc: up to 256 characters.
            job_type: ``tensorboard`` or ``mindinsight``; None leaves it to the platform.
            flavor: code of a flavour; None leaves it to the platform.
            stop_after_h: whole hours from 1 to 24 after which it stops by itself; None is never.

        Raises:
            InvalidArgument: before anything is sent.
            AlreadyExists: the name is taken.
            CreateOutcomeUnknown: the answer was lost, and the job did not show up.
        """
        name = self._made_up_name() if job_name is None else check_name(job_name, "job_name", _LONGEST_NAME)
        spec = VisualizationSpec(
            job_name=name,
            train_url=obs_path(train_url, "train_url", directory=True),
            job_desc=check_description(job_desc, "job_desc"),
            job_type=job_type,
            flavor=flavor,
            stop_after_h=stop_after_h,
        )
        return self._handle(self._session, await visualizations.create(self._session, spec))

    @classmethod
    async def get_visualization_job_object_list(
        cls,
        modelarts_session: AsyncSession,
        *,
        status: JobStatus | int | str | None = None,
        per_page: int = 10,
        page: int = 1,
        sort_by: str | None = None,
        order: str | None = None,
        search_content: str = "",
        is_show: bool = True,
        sortBy: str | None = None,  # noqa: N803
    ) -> "list[AsyncVisualizationJob]":
        """The handles of one page of the jobs; the arguments are those of ``get_visualization_job_list``.

        Args:
            modelarts_session: asks the platform.
            status: only jobs in this status; None is all.
            per_page: 1 to 100.
            page: 1 to 65535.
            sort_by: sort key.
            order: ``asc`` or ``desc``.
            search_content: only jobs whose name holds this text.
            is_show: tell the log of each, at level INFO; nothing is printed.
            sortBy: another name of ``sort_by``.
        """
        listed = await visualizations.get_visualization_job_list(
            modelarts_session,
            status=status,
            per_page=per_page,
            page=page,
            sort_by=sort_by,
            order=order,
            search_content=search_content,
            sortBy=sortBy,
        )
        if is_show:
            for info in listed.jobs:
                _log.info("visualization job %s %s %s", info.job_id, info.job_name, info.status.name)
        return [cls._handle(modelarts_session, info) for info in listed.jobs]

    get_visualization_job_list = staticmethod(visualizations.get_visualization_job_list)
    iter_visualization_jobs = staticmethod(visualizations.iter_visualization_jobs)
    get_visualization_job_info = visualizations.get_visualization_job_info
    update_visualization_job = visualizations.update_visualization_job
    stop_visualization_job = visualizations.stop_visualization_job
    restart_visualization_job = visualizations.restart_visualization_job
    delete_visualization_job = visualizations.delete_visualization_job
    ready = visualizations.ready

    @classmethod
    def _handle(cls, session: AsyncSession, info: VisualizationInfo) -> "AsyncVisualizationJob":
        handle = cls(session, info.job_id)
        handle._info = info
        return handle

    def _made_up_name(self) -> str:
        return f"board-{self._session.seams.rng.getrandbits(48):012x}"
