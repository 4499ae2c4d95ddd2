"""What can be chosen: resource specifications (flavours), engines and built-in algorithms."""

from attrs import field, frozen

from ..hyperparameters import Hyperparameters
from ._text import Measured, Raw, ScalarText


@frozen(kw_only=True)
class ResourceSpec(Measured):
    """A flavour. ``spec_code`` is what the SDK calls ``train_instance_type``; ``cpu`` is an amount of memory."""

    spec_id: int
    spec_code: str | None = None
    core: ScalarText | None = None
    cpu: ScalarText | None = None
    gpu_num: int | None = None
    gpu_type: str | None = None
    max_num: int | None = None
    unit_num: int | None = None
    storage: str | None = None
    interface_type: int | None = None
    no_resource: bool | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class Engine:
    """An engine: ``engine_name`` is the SDK's ``framework_type``, ``engine_version`` its ``framework_version``."""

    engine_id: int
    engine_type: int | None = None
    engine_name: str | None = None
    engine_version: str | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def framework_type(self) -> str | None:
        """The official SDK's name for ``engine_name``."""
        return self.engine_name

    @property
    def framework_version(self) -> str | None:
        """The official SDK's name for ``engine_version``."""
        return self.engine_version


@frozen(kw_only=True)
class ResourceSpecList:
    specs: tuple[ResourceSpec, ...]
    spec_total_count: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class EngineList:
    engines: tuple[Engine, ...]
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class BuiltInAlgorithm:
    """An algorithm that brings its own code. ``model_usage`` is an open number: 1 classifies, 2 detects objects."""

    model_id: int
    model_name: str | None = None
    model_usage: int | None = None
    model_precision: str | None = None
    model_size: int | None = None
    model_train_dataset: str | None = None
    model_dataset_format: str | None = None
    model_description_url: str | None = None
    parameter: Hyperparameters | None = None
    create_time: int | None = None
    engine_id: int | None = None
    engine_name: str | None = None
    engine_version: str | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The parameters with the values that the algorithm proposes."""
        return self.parameter if self.parameter is not None else Hyperparameters()


@frozen(kw_only=True)
class BuiltInAlgorithmPage:
    """Some algorithms; ``model_total_count`` is a hint."""

    models: tuple[BuiltInAlgorithm, ...]
    model_total_count: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)
