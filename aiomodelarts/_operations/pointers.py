"""What points at something: an estimator made with ids, a handle, an item of a list."""

from typing import Protocol

from ..errors import InvalidArgument
from ..models.spec import check_name
from ..session import AsyncSession


class PointsAtJob(Protocol):
    """Knows a job, or None where it was made without one."""

    @property
    def session(self) -> AsyncSession: ...

    @property
    def job_id(self) -> int | None: ...


class PointsAtVersion(PointsAtJob, Protocol):
    """Knows a version as well."""

    @property
    def version_id(self) -> int | None: ...


class PointsAtConfig(Protocol):
    """Knows a configuration."""

    @property
    def session(self) -> AsyncSession: ...

    @property
    def config_name(self) -> str | None: ...


class PointsAtVisualization(Protocol):
    """Knows a visualization job."""

    @property
    def session(self) -> AsyncSession: ...

    @property
    def visualization_id(self) -> int | None: ...


def job_of(pointer: PointsAtJob) -> int:
    """The job.

    Raises:
        InvalidArgument: when there is none.
    """
    return _given("job_id", pointer.job_id, pointer)


def version_of(pointer: PointsAtVersion) -> tuple[int, int]:
    """The job and the version; raises as ``job_of`` does."""
    return job_of(pointer), _given("version_id", pointer.version_id, pointer)


def visualization_of(pointer: PointsAtVisualization) -> int:
    """The visualization job; raises as ``job_of`` does."""
    return _given("visualization_id", pointer.visualization_id, pointer)


def config_of(pointer: PointsAtConfig) -> str:
    """The configuration; raises as ``job_of`` does."""
    name = pointer.config_name
    if name is None:
        _given("config_name", None, pointer)
    return check_config_name(name)


def check_config_name(value: object, longest: int = 64) -> str:
    """The name of a configuration. Own names have at most 20 characters, since one document says so; others 64."""
    return check_name(value, "config_name", longest)


def _given(argument: str, value: int | None, pointer: object) -> int:
    if value is None:
        how = f"{type(pointer).__name__}(session, {argument}=...)"
        raise InvalidArgument(argument, None, f"this needs an object that points at one: {how}")
    return value
