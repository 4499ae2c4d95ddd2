"""What versions and configurations tell alike: the settings of a run, as the service echoes them."""

from attrs import field, frozen

from ..hyperparameters import Hyperparameters
from ._text import JsonText, Measured, Raw, ScalarText


@frozen(kw_only=True)
class DataSourceInfo:
    """One input of a run."""

    type: str | None = None
    data_url: str | None = None
    dataset_id: str | None = None
    dataset_version: str | None = None


@frozen(kw_only=True)
class RunInfo(Measured):
    """Settings of a run. Members that exclude each other in a request can stand side by side here."""

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
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What the run is told; equal to what was sent."""
        return self.parameter if self.parameter is not None else Hyperparameters()
