"""What can be chosen: resource specifications (flavours) and engines."""

from attrs import field, frozen

from ._text import Raw, ScalarText


@frozen(kw_only=True)
class ResourceSpec:
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


@frozen(kw_only=True)
class EngineList:
    engines: tuple[Engine, ...]
