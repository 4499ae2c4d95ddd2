"""What a create's answer, or the lack of one, says about the version: one table."""

from enum import Enum

from ..errors import (
    AlreadyExists,
    AnswerTimeout,
    ConfigurationError,
    ConnectionBroken,
    DecodeError,
    InvalidArgument,
    InvalidRequest,
    LogGone,
    LogNotReady,
    ModelArtsError,
    NoCapacity,
    NotAllowed,
    NotFound,
    NotSent,
    QuotaExceeded,
    ServiceTrouble,
    SessionClosed,
    StateChanged,
    Throttled,
    TokenExpired,
    TooLarge,
    WrongState,
)


class Outcome(Enum):
    """What became of a create."""

    MADE = "made"
    """The answer names the version."""
    REFUSED = "refused"
    """The service read the request and declined it; sending it again would be declined again."""
    NOT_HANDLED = "not handled"
    """The service did nothing with it; it may be sent again after the asked pause."""
    UNKNOWN = "unknown"
    """There may be a version: find out before anything else."""


_TABLE: dict[type[ModelArtsError], Outcome] = {
    # Nothing left this machine, or nobody there took it.
    NotSent: Outcome.NOT_HANDLED,
    SessionClosed: Outcome.NOT_HANDLED,
    ConfigurationError: Outcome.NOT_HANDLED,
    InvalidArgument: Outcome.REFUSED,
    # 429 and its codes: the work was not begun.
    Throttled: Outcome.NOT_HANDLED,
    # Bytes left, and no usable answer came back.
    ConnectionBroken: Outcome.UNKNOWN,
    AnswerTimeout: Outcome.UNKNOWN,
    DecodeError: Outcome.UNKNOWN,
    # 500, 502, 503, 504, 408 and their codes: the service or a gateway gave up, at a point that it does not tell.
    ServiceTrouble: Outcome.UNKNOWN,
    NoCapacity: Outcome.UNKNOWN,
    # A 204 on a create is no refusal, and names no version.
    LogNotReady: Outcome.UNKNOWN,
    # A parsed refusal.
    AlreadyExists: Outcome.REFUSED,
    InvalidRequest: Outcome.REFUSED,
    LogGone: Outcome.REFUSED,
    NotAllowed: Outcome.REFUSED,
    NotFound: Outcome.REFUSED,
    QuotaExceeded: Outcome.REFUSED,
    StateChanged: Outcome.REFUSED,
    TokenExpired: Outcome.REFUSED,
    TooLarge: Outcome.REFUSED,
    WrongState: Outcome.REFUSED,
}


def outcome_of(error: ModelArtsError) -> Outcome:
    """What this error says about the version; whatever the table does not know may have made one."""
    return _TABLE.get(type(error), Outcome.UNKNOWN)
