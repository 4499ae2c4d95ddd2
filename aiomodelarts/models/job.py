"""Versions of training jobs, as creations, lists and details tell of them."""

from attrs import field, frozen

from ..hyperparameters import Hyperparameters
from ..status import JobStatus
from ._text import JsonText, Raw, ScalarText


@frozen(kw_only=True)
class CreatedVersion:
    """The answer to a creation: accepted, and starting in the background."""

    job_id: int
    version_id: int | None = None
    job_name: str | None = None
    version_name: str | None = None
    status: JobStatus | None = None
    create_time: int | None = None
    resource_id: str | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class DataSourceInfo:
    """One input of a version."""

    type: str | None = None
    data_url: str | None = None
    dataset_id: str | None = None
    dataset_version: str | None = None


@frozen(kw_only=True)
class VersionInfo:
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
    app_url: str | None = None
    boot_file_url: str | None = None
    parameter: Hyperparameters | None = None
    spec_id: int | None = None
    spec_code: str | None = None
    core: ScalarText | None = None
    cpu: ScalarText | None = None
    gpu_num: int | None = None
    gpu_type: str | None = None
    worker_server_num: int | None = None
    data_url: str | None = None
    train_url: str | None = None
    log_url: str | None = None
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    dataset_name: str | None = None
    dataset_version_name: str | None = None
    data_source: tuple[DataSourceInfo, ...] | None = None
    model_id: int | None = None
    engine_type: int | None = None
    engine_name: str | None = None
    engine_id: int | None = None
    engine_version: str | None = None
    user_image_url: str | None = None
    user_command: str | None = None
    volumes: JsonText | None = None
    pool_id: str | None = None
    pool_name: str | None = None
    nas_mount_path: str | None = None
    nas_share_addr: str | None = None
    nas_type: str | None = None
    model_metric_list: JsonText | None = field(default=None, repr=False)
    system_metric_list: JsonText | None = field(default=None, repr=False)
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What the version was given; equal to what was sent."""
        return self.parameter if self.parameter is not None else Hyperparameters()


@frozen(kw_only=True)
class JobDetail(VersionInfo):
    """One version with the job it belongs to."""

    job_id: int
    job_name: str | None = None
    job_desc: str | None = None


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
