"""Versions of training jobs, as creations, lists and details tell of them."""

from attrs import asdict, field, frozen

from ..status import JobStatus
from ._text import JsonText, Raw
from .run import RunInfo


@frozen(kw_only=True)
class CreatedVersion:
    """The answer to a creation: accepted, and starting in the background. ``request_id`` is the service's for it."""

    job_id: int
    version_id: int | None = None
    job_name: str | None = None
    version_name: str | None = None
    status: JobStatus | None = None
    create_time: int | None = None
    resource_id: str | None = None
    request_id: str | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class VersionInfo(RunInfo):
    """One version as a list row tells it. Times and durations are in milliseconds."""

    version_id: int
    version_name: str | None = None
    pre_version_id: int | None = None
    status: JobStatus = JobStatus.UNKNOWN
    create_time: int | None = None
    start_time: int | None = None
    duration: int | None = None
    resource_id: str | None = None
    gpu: bool | None = None
    model_metric_list: JsonText | None = field(default=None, repr=False)
    system_metric_list: JsonText | None = field(default=None, repr=False)


@frozen(kw_only=True)
class JobDetail(VersionInfo):
    """One version with the job it belongs to.

    Lists leave out what only a single read tells (``spec_code`` among others); it is None then.
    """

    job_id: int
    job_name: str | None = None
    job_desc: str | None = None

    @classmethod
    def of(cls, row: VersionInfo, job_id: int, page: "VersionPage") -> "JobDetail":
        """A row of a page as a detail; members that only a detail has stay None."""
        members = asdict(row, recurse=False)
        return cls(**members, job_id=job_id, job_name=page.job_name, job_desc=page.job_desc)


@frozen(kw_only=True)
class VersionPage:
    """Some versions of a job, newest first. ``version_count`` is a hint: pages can be out of step with it."""

    versions: tuple[VersionInfo, ...]
    job_id: int | None = None
    job_name: str | None = None
    job_desc: str | None = None
    version_count: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class JobSummary:
    """One job as a list row tells it; which of its versions speaks for it is not said, presumably the newest."""

    job_id: int
    job_name: str | None = None
    version_id: int | None = None
    status: JobStatus = JobStatus.UNKNOWN
    create_time: int | None = None
    duration: int | None = None
    job_desc: str | None = None
    version_count: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class JobPage:
    """Some jobs. The counts are hints: what they count differs from page to page of the documents."""

    jobs: tuple[JobSummary, ...]
    job_total_count: int | None = None
    job_count_limit: int | None = None
    quotas: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)
