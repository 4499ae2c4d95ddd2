"""Viewers of training results, which run until they are stopped or their hours are over."""

from typing import Any

from attrs import field, frozen

from ..errors import InvalidArgument, nearest
from ..hyperparameters import sendable
from ..status import JobStatus
from ._text import Raw

_KINDS = ("tensorboard", "mindinsight")
_MAX_HOURS = 24


@frozen(kw_only=True)
class VisualizationInfo:
    """One visualization job. It can have an address in any status, and have none in any."""

    job_id: int
    job_name: str | None = None
    job_desc: str | None = None
    status: JobStatus = JobStatus.UNKNOWN
    create_time: int | None = None
    duration: int | None = None
    service_url: str | None = None
    train_url: str | None = None
    resource_id: str | None = None
    remaining_duration: float | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)

    @property
    def visualization_id(self) -> int:
        """The official SDK's name for ``job_id``."""
        return self.job_id


@frozen(kw_only=True)
class VisualizationPage:
    """Some visualization jobs. The counts are hints."""

    jobs: tuple[VisualizationInfo, ...]
    job_total_count: int | None = None
    job_count_limit: int | None = None
    quotas: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


def _lower(kind: str | None) -> str | None:
    # The documents write it in three ways.
    return kind.lower() if isinstance(kind, str) else None


@frozen(kw_only=True)
class VisualizationSpec:
    """What a visualization job is to be.

    Args:
        job_name: 1 to 20 letters, digits, underscores and hyphens.
        train_url: directory of the event files.
        job_desc: description.
        job_type: ``tensorboard`` or ``mindinsight``, in any case; None leaves it to the service.
        flavor: code of the flavour; None leaves it to the service.
        stop_after_h: whole hours from 1 to 24 after which it stops by itself; None is never.
    """

    job_name: str
    train_url: str
    job_desc: str = ""
    job_type: str | None = field(default=None, converter=_lower)
    flavor: str | None = None
    stop_after_h: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.job_type is not None and self.job_type not in _KINDS:
            near = nearest(self.job_type, _KINDS)
            raise InvalidArgument("job_type", self.job_type, f"it is one of {', '.join(_KINDS)}", nearest=near)
        given: object = self.flavor
        if given is not None and (not isinstance(given, str) or not given or not sendable(given)):
            raise InvalidArgument("flavor", self.flavor, "it is the code of a flavour")
        hours = self.stop_after_h
        if hours is not None and (type(hours) is not int or not 1 <= hours <= _MAX_HOURS):
            raise InvalidArgument("stop_after_h", hours, f"it is a whole number of hours from 1 to {_MAX_HOURS}")

    def is_echo(self, row: VisualizationInfo) -> bool:
        """Whether a row is what this asks for; members that a row leaves out do not speak against it."""
        place = (row.train_url or self.train_url).rstrip("/")
        told = (row.job_name, place, row.job_desc or "")
        return told == (self.job_name, self.train_url.rstrip("/"), self.job_desc)

    def as_wire(self) -> dict[str, Any]:
        """The body of the request."""
        body: dict[str, Any] = {"job_name": self.job_name, "job_desc": self.job_desc, "train_url": self.train_url}
        if self.job_type is not None:
            body["job_type"] = self.job_type
        if self.flavor is not None:
            body["flavor"] = {"code": self.flavor}
        if self.stop_after_h is not None:
            body["schedule"] = {"type": "stop", "time_unit": "HOURS", "duration": self.stop_after_h}
        return body
