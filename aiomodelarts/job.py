"""The handle of one version: ids and a session. Properties never ask; verbs do."""

from collections.abc import AsyncIterator
from typing import Literal

from ._create.made import Made, Twin
from ._log_reader import ReadPage, read_lines
from ._wire import logs as log_calls
from ._wire import training
from .errors import LogNotReady, ModelArtsError, TrainingCancelled, TrainingFailed, Where, WrongState
from .models.job import CreatedVersion, JobDetail
from .models.logs import LogLine, LogPage
from .models.spec import TrainingSpec, check_id
from .session import AsyncSession
from .status import JobStatus, Outcome

Origin = Literal["created", "adopted", "attached"]
_TAIL = 50


class TrainingJob:
    """One version of a training job.

    Args:
        session: asks for it.
        job_id: the job.
        version_id: the version.
        origin: how the handle came about.
        created: the answer to the creation, where there was one.
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
        spec: TrainingSpec | None = None,
    ) -> None:
        self._session = session
        self._job_id = job_id
        self._version_id = version_id
        self._origin: Origin = origin
        self._created = created
        self._spec = spec
        self._detail: JobDetail | None = None

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
        """A fresh snapshot of the version (getTrainingJobVersion)."""
        self._detail = await self._session.perform(training.get_training_job_version, self._job_id, self._version_id)
        return self._detail

    async def ended(self, timeout_s: float | None = None) -> JobDetail:
        """The snapshot of the version once it has ended, however it ended.

        Args:
            timeout_s: limit in seconds; None is no limit.

        Raises:
            WaitTimeout: after ``timeout_s``; the version goes on.
            VersionGone: when it was deleted meanwhile.
        """
        self._detail = await self._session.until_final(self._job_id, self._version_id, timeout_s)
        return self._detail

    async def wait(self, timeout_s: float | None = None) -> JobDetail:
        """The snapshot of the version once it has succeeded. Cancelling the wait leaves the version alone.

        Args:
            timeout_s: limit in seconds; None is no limit.

        Raises:
            TrainingFailed: when the run failed, with its last log lines; TrainingCancelled when it was stopped.
            WaitTimeout: after ``timeout_s``; the version goes on.
            VersionGone: when it was deleted meanwhile.
        """
        detail = await self.ended(timeout_s)
        outcome = detail.status.outcome
        if outcome is Outcome.SUCCEEDED:
            return detail
        kind = TrainingCancelled if outcome is Outcome.CANCELLED else TrainingFailed
        raise kind(
            f"the version ended as {detail.status.name} ({int(detail.status)})",
            where=Where("wait", self._job_id, self._version_id),
            detail=detail,
            log_tail=await self._tail(),
            log_url=detail.log_url or None,
        )

    async def stop(self) -> None:
        """Ask the platform to stop the version; a version that has ended is left as it is (stopTrainingJobVersion).

        Raises:
            ApiError: when the platform refuses for another reason.
        """
        try:
            await self._session.perform(training.stop_training_job_version, self._job_id, self._version_id)
        except WrongState:
            detail = await self.refresh()
            if not detail.status.is_final and detail.status is not JobStatus.KILLING:
                raise

    async def log_files(self) -> tuple[str, ...]:
        """The names of the log files, one for each node; empty while there is none (listTrainingJobLogFiles)."""
        try:
            listed = await self._session.perform(log_calls.list_training_job_log_files, self._job_id, self._version_id)
        except LogNotReady:
            return ()
        return listed.names

    async def logs(self) -> AsyncIterator[LogLine]:
        """The lines that are there now, from the first to the last, each once; file after file where there are several.

        Raises:
            LogGone: when the platform has cleared the log.
        """
        for log_file in await self.log_files():
            async for line in read_lines(self._reader(log_file), log_file):
                yield line

    async def _tail(self) -> list[str]:
        """At most the last 50 lines; a log that cannot be read does not hide how the training ended."""
        tail: list[str] = []
        try:
            for log_file in await self.log_files():
                tail += (await self._reader(log_file, _TAIL)(None, forward=True)).lines
        except ModelArtsError:
            pass
        return tail[-_TAIL:]

    def _reader(self, log_file: str, lines: int = log_calls.MAX_LINES) -> ReadPage:
        async def read(base_line: str | None, *, forward: bool) -> LogPage:
            try:
                return await self._session.perform(
                    log_calls.get_training_job_log,
                    self._job_id,
                    self._version_id,
                    log_file,
                    base_line=base_line,
                    lines=lines,
                    forward=forward,
                )
            except LogNotReady:
                return LogPage()

        return read
