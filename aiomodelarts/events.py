"""Events of a job: what ``session.events`` gives, and what a receiver of webhooks needs.

::

    Event
    ├── Overflowed            this consumer was too slow: changes in between may have been merged
    └── VersionEvent
        ├── Appeared          a version that was not there before
        ├── StateChanged      another status than before
        ├── Finished          its end, with the outcome
        ├── Disappeared       it was deleted
        ├── LogStalled        it runs, and its log has not grown for a while
        └── TwinStopped       a second version for one intent landed late and was stopped
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from ._cursor import BEGINNING, Mark
from .errors import ConfigurationError, InvalidArgument, ModelArtsError
from .status import JobStatus, Outcome

__all__ = [
    "BEGINNING",
    "Appeared",
    "Disappeared",
    "Event",
    "Finished",
    "LogStalled",
    "Overflowed",
    "StateChanged",
    "TwinStopped",
    "VersionEvent",
    "WebhookRefused",
    "verify",
]

_SHORTEST_SECRET = 24


@frozen(kw_only=True)
class Event:
    """Something that happened.

    Args:
        id: the same for the same happening, also when it is told again after a restart from an older cursor.
        time: when it was seen here, in UTC.
    """

    kind: ClassVar[str] = "event"

    id: str
    time: datetime
    mark: Mark = field(repr=False, eq=False)

    @property
    def cursor(self) -> str:
        """What ``events(after=...)`` takes to go on behind this event."""
        return self.mark.as_text()

    def data(self) -> dict[str, Any]:
        """What happened, as JSON can hold it."""
        return {}


@frozen(kw_only=True)
class Overflowed(Event):
    """The consumer was too slow for the buffer. No version is missing from what follows, but changes may be merged."""

    kind: ClassVar[str] = "overflowed"


@frozen(kw_only=True)
class VersionEvent(Event):
    """Something that happened to a version.

    Args:
        job_id: its job.
        version_id: the version.
        status: the last one that was seen.
    """

    job_id: int
    version_id: int
    status: JobStatus

    def data(self) -> dict[str, Any]:
        return {
            "job_id": self.job_id,
            "version_id": self.version_id,
            "status": int(self.status),
            "status_name": self.status.name,
        }


@frozen(kw_only=True)
class Appeared(VersionEvent):
    """A version that was not there before."""

    kind: ClassVar[str] = "version.appeared"


@frozen(kw_only=True)
class StateChanged(VersionEvent):
    """Another status than ``before``; the last change of a version is ``Finished`` instead."""

    kind: ClassVar[str] = "version.state_changed"

    before: JobStatus

    def data(self) -> dict[str, Any]:
        return {**super().data(), "before": int(self.before), "before_name": self.before.name}


@frozen(kw_only=True)
class Finished(VersionEvent):
    """The end of a version."""

    kind: ClassVar[str] = "version.finished"

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.status.outcome

    def data(self) -> dict[str, Any]:
        return {**super().data(), "outcome": self.outcome.value}


@frozen(kw_only=True)
class Disappeared(VersionEvent):
    """The version was deleted."""

    kind: ClassVar[str] = "version.disappeared"


@frozen(kw_only=True)
class LogStalled(VersionEvent):
    """A running version whose log has not grown for ``still_s`` seconds. Nothing is done about it."""

    kind: ClassVar[str] = "version.log_stalled"

    still_s: float

    def data(self) -> dict[str, Any]:
        return {**super().data(), "still_s": round(self.still_s, 1)}


@frozen(kw_only=True)
class TwinStopped(VersionEvent):
    """A second version for one intent of this session, which landed late; it was stopped."""

    kind: ClassVar[str] = "version.twin_stopped"


class WebhookRefused(ModelArtsError):
    """A delivery that does not bear the signature of its sender, or is too old or too new."""


def verify(body: bytes | str, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    """The CloudEvent of a delivery, as a mapping, once its signature was checked. Needs the extra ``events``.

    Args:
        body: as it was received, byte for byte.
        headers: of the delivery; it is read what begins with ``webhook-``.
        secret: what sender and receiver share: base64, with or without ``whsec_``.

    Raises:
        WebhookRefused: the delivery is not to be trusted.
        InvalidArgument: the secret is none.
        ConfigurationError: the extra is not installed.
    """
    hook = webhook(secret)
    from standardwebhooks import WebhookVerificationError

    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    try:
        event = hook.verify(body, lowered)
    except WebhookVerificationError as error:
        raise WebhookRefused(f"{error}; check the secret, the clock, and that the body is as it arrived") from error
    except ValueError as error:
        raise WebhookRefused("the signature or the body cannot be read") from error
    if not isinstance(event, dict):
        raise WebhookRefused("the body is signed, but is no event")
    return event


def webhook(secret: str) -> Any:
    """Signs and verifies with a secret, as Standard Webhooks do.

    Raises:
        InvalidArgument: the secret is none; it is not repeated.
        ConfigurationError: the extra ``events`` is not installed.
    """
    try:
        from standardwebhooks import Webhook
    except ModuleNotFoundError as error:
        raise missing_extra(error) from error

    allowed = "it is base64 text, with or without whsec_ in front, of 24 bytes or more"
    body = secret.strip().removeprefix("whsec_")
    try:
        key = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except ValueError:
        key = b""
    if len(key) < _SHORTEST_SECRET:
        raise InvalidArgument("secret", "***", allowed)
    return Webhook(key)


def missing_extra(error: ModuleNotFoundError) -> ConfigurationError:
    """What says how to install what is missing."""
    library = (error.name or "").partition(".")[0]
    return ConfigurationError(f"{library} is not installed; run: pip install 'aiomodelarts[events]'")
