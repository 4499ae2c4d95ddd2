"""The handle of one version: ids and a session. Properties never ask; verbs do."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncGenerator
from typing import Literal

from ._checks import check_timeout
from ._create.made import Made, Twin
from ._operations import jobs, log_follow, versions
from ._operations import logs as log_verbs
from ._operations import outputs as output_verbs
from ._operations.pointers import PointsAtJob, job_of
from ._watch.cadence import PollS
from .errors import ModelArtsError, TrainingCancelled, TrainingFailed, VersionGone, Where
from .models.job import CreatedVersion, JobDetail
from .models.logs import LogLine, LogMarker
from .models.spec import TrainingSpec, check_id
from .session import AsyncSession
from .status import JobStatus, Outcome

Origin = Literal["created", "adopted", "attached"]
_TAIL = 50
# Reading it may take what is left of a wait's time, and a moment more.
_TAIL_AT_LEAST_S, _TAIL_AT_MOST_S = 0.9, 30.0
_log = logging.getLogger("aiomodelarts.lists")


class TrainingJob:
    """One version of a training job.

    Args:
        session: asks for it.
        job_id: the job.
        version_id: the version.
        origin: how the handle came about.
        created: the answer to the creation, where there was one.
        detail: a snapshot, where there is one already.
        spec: what was asked for, where this session asked.
    """

    __slots__ = ("_created", "_detail", "_job_id", "_origin", "_session", "_spec", "_version_id")

    def __init__(
        self,
        session: AsyncSession,
        job_id: int,
        version_id: int,
        *,
        origin: Origin = "attached",
        created: CreatedVersion | None = None,
        detail: JobDetail | None = None,
        spec: TrainingSpec | None = None,
    ) -> None:
        self._session = session
        self._job_id = job_id
        self._version_id = version_id
        self._origin: Origin = origin
        self._created = created
        self._spec = spec
        self._detail = detail

    @classmethod
    def attach(cls, session: AsyncSession, job_id: int | str, version_id: int | str) -> "TrainingJob":
        """A handle from ids alone; nothing is asked.

        Raises:
            InvalidArgument: for ids that are not whole numbers.
        """
        return cls(session, check_id(job_id, "job_id"), check_id(version_id, "version_id"))

    @classmethod
    def of(cls, session: AsyncSession, made: Made, spec: TrainingSpec) -> "TrainingJob":
        """The handle of a version that was just made or adopted."""
        return cls(session, made.job_id, made.version_id, origin=made.origin, created=made.created, spec=spec)

    @property
    def session(self) -> AsyncSession:
        """The session that this handle asks through."""
        return self._session

    @property
    def job_id(self) -> int:
        """The job."""
        return self._job_id

    @property
    def version_id(self) -> int:
        """The version."""
        return self._version_id

    @property
    def origin(self) -> Origin:
        """``created`` by this session, ``adopted`` after a lost answer, or ``attached`` from ids."""
        return self._origin

    @property
    def created(self) -> CreatedVersion | None:
        """The answer to the creation, or None."""
        return self._created

    @property
    def spec(self) -> TrainingSpec | None:
        """What was asked for, or None for a handle from ids."""
        return self._spec

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Second versions for the same intent that landed late; all of them were stopped."""
        return tuple(twin for twin in self._session.twins if twin.spec is self._spec)

    @property
    def detail(self) -> JobDetail | None:
        """The last snapshot, or None while there is none."""
        return self._detail

    @property
    def status(self) -> JobStatus | None:
        """The last status that was seen, or None."""
        if self._detail is not None:
            return self._detail.status
        return self._created.status if self._created is not None else None

    def __repr__(self) -> str:
        status = self.status.name if self.status is not None else "not seen yet"
        return f"<TrainingJob job_id={self._job_id} version_id={self._version_id} {status}>"

    async def refresh(self) -> JobDetail:
        """A fresh snapshot of the version: state, settings and metrics, and its job (getTrainingJobVersion)."""
        self._detail = await versions.get_job_info(self)
        return self._detail

    async def updates(self, *, poll_s: PollS = None) -> AsyncGenerator[JobDetail, None]:
        """A snapshot for every state of the version that is seen: first the one of the last look, the final one last.

        States that come and go between two looks are not seen.

        Args:
            poll_s: bounds of the pause between two looks, in seconds: a pair, or one number for both; None are the
                session's own.

        Raises:
            StateUnclear: after too long in a status that does not say how it stands.
            VersionGone: when it was deleted meanwhile.
        """
        async with contextlib.aclosing(self._session.updates(self._job_id, self._version_id, poll_s=poll_s)) as details:
            async for detail in details:
                self._detail = detail
                yield detail

    async def ended(self, timeout_s: float | None = None, *, poll_s: PollS = None) -> JobDetail:
        """The snapshot of the version once it has ended, however it ended.

        Members that the platform tells in single reads only, like ``spec_code``, are None where the snapshot came
        from a list, as it does when many are awaited; ``refresh`` reads all of them.

        Args:
            timeout_s: limit in seconds; None is no limit.
            poll_s: bounds of the pause between two looks, as ``updates`` takes them.

        Raises:
            WaitTimeout: after ``timeout_s``; the version goes on.
            StateUnclear: after too long in a status that does not say how it stands.
            VersionGone: when it was deleted meanwhile.
        """
        self._detail = await self._session.until_final(self._job_id, self._version_id, timeout_s, poll_s=poll_s)
        return self._detail

    async def wait(
        self, timeout_s: float | None = None, *, poll_s: PollS = None, stop_on_cancel: bool = False
    ) -> JobDetail:
        """The snapshot of the version once it has succeeded. Cancelling the wait leaves the version alone.

        Members that the platform tells in single reads only, like ``spec_code``, are None where the snapshot came
        from a list, as it does when many are awaited; ``refresh`` reads all of them.

        Args:
            timeout_s: limit in seconds; None is no limit.
            poll_s: bounds of the pause between two looks, as ``updates`` takes them.
            stop_on_cancel: cancelling the wait asks the platform to stop the version; the cancelled caller does not
                wait for the answer, and closing the session does.

        Raises:
            TrainingFailed: when the run failed, with its last log lines, as far as these can be read in time;
                TrainingCancelled when it was stopped.
            WaitTimeout: after ``timeout_s``; the version goes on.
            StateUnclear: after too long in a status that does not say how it stands.
            VersionGone: when it was deleted meanwhile.
        """
        began = self._session.seams.clock.monotonic()
        try:
            detail = await self.ended(timeout_s, poll_s=poll_s)
        except asyncio.CancelledError:
            if stop_on_cancel:
                self._session.stop_aside(self._job_id, self._version_id)
            raise
        outcome = detail.status.outcome
        if outcome is Outcome.SUCCEEDED:
            return detail
        kind = TrainingCancelled if outcome is Outcome.CANCELLED else TrainingFailed
        raise kind(
            f"the version ended as {detail.status.name} ({int(detail.status)})",
            where=Where("wait", self._job_id, self._version_id),
            detail=detail,
            log_tail=await self._last_lines(None if timeout_s is None else began + timeout_s),
            log_url=detail.log_url or None,
        )

    async def stop(self, wait: bool = False, timeout_s: float | None = None) -> None:
        """Ask the platform to stop the version; one that has ended is left as it is (stopTrainingJobVersion).

        Args:
            wait: return when the version is down, not when the platform has accepted to stop it.
            timeout_s: limit of the wait, in seconds; None is no limit.

        Raises:
            ApiError: when the platform refuses for another reason than that it has ended.
            WaitTimeout: with ``wait``, after ``timeout_s``.
        """
        check_timeout(timeout_s)
        await versions.stop_job_version(self)
        if wait:
            # A version that somebody deleted meanwhile is down as well.
            with contextlib.suppress(VersionGone):
                await self.ended(timeout_s)

    def logs(
        self, *, follow: bool = False, after: str | None = None, poll_s: PollS = None
    ) -> AsyncGenerator[LogLine, None]:
        """The lines of the log from the first to the last, each once; every line knows its file and its marker.

        Without ``follow`` these are the lines that are there now, file after file. With it they come as they are
        written, from the queue to the last line: it waits until there is a log, and goes on over failures.

        Args:
            follow: stay until the version has ended.
            after: marker of a line, to go on behind it.
            poll_s: with ``follow``, bounds of the pause between two looks, in seconds: a pair, or one number for both.
                Without it, it grows from 0.2 to 5 seconds while no lines come.

        Raises:
            InvalidArgument: for a marker that is none, or bounds.
            LogGone: when the platform has cleared the log, or cut off the place that was read last.
            VersionGone: when the version was deleted while it was followed.
            ModelArtsError: when reading is refused for good; with ``follow`` also when it has failed for five minutes
                and the version has ended.
        """
        if after is not None:
            LogMarker.from_text(after)  # tells of a mistake at once, not when the first line is asked for
        self._session.cadence.within(poll_s)
        return log_follow.follow(self, after, poll_s) if follow else log_verbs.all_lines(self, after=after)

    output_path = output_verbs.output_path
    outputs = output_verbs.outputs
    download_outputs = output_verbs.download_outputs
    log_files = log_verbs.get_job_log_file_list
    log_pages = log_verbs.log_pages
    tail = log_verbs.tail
    download_log = log_verbs.download_log
    info = refresh
    delete = versions.delete_job_version
    iter_job_versions = versions.iter_job_versions

    # The official SDK's names.
    get_job_info = refresh
    get_job_version_info = versions.get_job_version_info
    get_job_log_file_list = log_verbs.get_job_log_file_list
    get_job_log = log_verbs.get_job_log
    update_job_description = jobs.update_job_description
    stop_job_version = stop
    delete_job_version = versions.delete_job_version
    delete_job = jobs.delete_job

    async def _last_lines(self, until: float | None) -> list[str]:
        """The end of the log; one that cannot be read does not hide how the training ended, nor keep that back."""
        left = math.inf if until is None else until - self._session.seams.clock.monotonic()
        try:
            async with asyncio.timeout(min(max(left, _TAIL_AT_LEAST_S), _TAIL_AT_MOST_S)):
                return [*await log_verbs.tail(self, _TAIL)]
        except (ModelArtsError, TimeoutError):
            return []


async def get_job_version_object_list(self: PointsAtJob, *, is_show: bool = True) -> list[TrainingJob]:
    """The handles of all versions of the job, newest first, each with its snapshot (listTrainingJobVersions).

    Args:
        is_show: tell the log of each, at level INFO; nothing is printed.
    """
    listed = await versions.get_job_version_info(self)
    job_id = job_of(self)
    if is_show:
        for row in listed.versions:
            _log.info("version %s of job %s: %s", row.version_id, job_id, row.status.name)
    return [
        TrainingJob(self.session, job_id, row.version_id, detail=JobDetail.of(row, job_id, listed))
        for row in listed.versions
    ]
