"""Everything that can go wrong, as one tree.

::

    ModelArtsError
    ├── InvalidArgument          also ValueError: told before anything is sent
    ├── ConfigurationError       no credentials, no endpoint, no project
    ├── SessionClosed            also RuntimeError
    ├── TransportError           no usable answer came back
    │   ├── NotSent              refused, unknown host, TLS: the service never saw the request
    │   ├── ConnectionBroken     lost after bytes had left
    │   └── AnswerTimeout        also TimeoutError
    ├── DecodeError              an answer that is not what the contract says, with the path to the place
    ├── ApiError                 the service answered, and refused
    │   ├── Throttled            work not begun; ask again after a pause
    │   ├── ServiceTrouble       failed inside; what became of the request is unclear
    │   │   └── NoCapacity       no room for the flavour now
    │   ├── StateChanged         changed meanwhile; read again
    │   ├── TokenExpired         the token has to be renewed
    │   ├── NotAllowed           credentials, scope, account or permission
    │   ├── AlreadyExists
    │   ├── QuotaExceeded
    │   ├── NotFound
    │   ├── WrongState           the object's state forbids the operation
    │   ├── InvalidRequest
    │   ├── TooLarge
    │   ├── LogNotReady
    │   └── LogGone
    ├── CreateOutcomeUnknown     a create whose answer was lost
    ├── BatchFailed              some creates of a batch failed; holds an outcome for each
    ├── TrainingFailed           the run ended, but not well; holds the last log lines
    │   └── TrainingCancelled    it was stopped
    ├── WaitTimeout              also TimeoutError; the version goes on
    │   └── StateUnclear         for too long in a status that does not say how it stands
    ├── VersionGone              deleted while somebody waited for it
    ├── DeletionFailed           the deletion was accepted, but what was to go is still there
    ├── VisualizationFailed      a viewer ended before it had an address
    └── SweepError               a sweep that cannot begin or go on
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from .batch import BatchOutcome
    from .models.job import JobDetail
    from .models.visualization import VisualizationInfo


@frozen
class Where:
    """Which operation an error belongs to, and on what."""

    operation: str
    job_id: int | None = None
    version_id: int | None = None

    def __str__(self) -> str:
        ids = [
            f"{name} {number}"
            for name, number in (("job", self.job_id), ("version", self.version_id))
            if number is not None
        ]
        return f"{self.operation} ({', '.join(ids)})" if ids else self.operation


class ModelArtsError(Exception):
    """Root of all errors of this library.

    Attributes:
        where: operation, job and version, as far as known.
        retryable: whether the same request can succeed later without being changed.
        after_unclear: whether an earlier try of the same call may have done the work already.
        retry_after_s: pause in seconds that the service asked for, or None.
    """

    retryable = False
    after_unclear = False
    retry_after_s: float | None = None

    def __init__(self, message: str, *, where: Where | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied by calling their class with the message alone, which most of these do not take.
        return _again, (type(self), self.args), self.__dict__


class InvalidArgument(ModelArtsError, ValueError):
    """An argument that would be refused; nothing was sent."""

    def __init__(self, argument: str, given: object, allowed: str, *, nearest: str | None = None) -> None:
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{argument}: got {_brief(given)}, but {allowed}{hint}")
        self.argument = argument
        self.given = given
        self.allowed = allowed
        self.nearest = nearest


class ConfigurationError(ModelArtsError):
    """The session lacks something that it needs before it can ask anything."""


class SessionClosed(ModelArtsError, RuntimeError):
    """The session was closed; open a new one."""


class TransportError(ModelArtsError):
    """No usable answer came back."""

    retryable = True


class NotSent(TransportError):
    """The service never saw the request: refused connection, unknown host, TLS failure."""


class ConnectionBroken(TransportError):
    """The connection was lost after bytes had left."""


class AnswerTimeout(TransportError, TimeoutError):
    """No complete answer within the limit."""


class DecodeError(ModelArtsError):
    """An answer that is not what the contract says.

    Attributes:
        path: where in the answer, for instance ``versions[3].status``; empty for the whole.
        status: HTTP status of the answer, or None outside an exchange.
        request_id: what the service calls this exchange, or None.
        excerpt: first 200 characters of the answer, without secrets.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        where: Where | None = None,
        status: int | None = None,
        request_id: str | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message, where=where)
        self.path = path
        self.status = status
        self.request_id = request_id
        self.excerpt = excerpt

    def __str__(self) -> str:
        details = [
            f"at {self.path}" if self.path else "",
            f"status {self.status}" if self.status is not None else "",
            f"request {self.request_id}" if self.request_id else "",
            f"answer begins {self.excerpt!r}" if self.excerpt else "",
        ]
        return "; ".join([super().__str__(), *filter(None, details)])


class ApiError(ModelArtsError):
    """The service answered, and refused.

    Attributes:
        status: HTTP status; a refusal can come under 200.
        code: for instance ``ModelArts.0104``; empty when the answer had none.
        request_id: what the service calls this exchange, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        where: Where | None = None,
        status: int,
        code: str = "",
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, where=where)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        request = f", request {self.request_id}" if self.request_id else ""
        code = f"{self.code}: " if self.code else ""
        return f"{self.where or 'request'}: {code}{self.message} (status {self.status}{request})"


class Throttled(ApiError):
    """Too many requests; the work was not begun."""

    retryable = True


class ServiceTrouble(ApiError):
    """The service or its gateway failed; what became of the request is unclear."""

    retryable = True


class NoCapacity(ServiceTrouble):
    """There is no room for this flavour at the moment."""


class StateChanged(ApiError):
    """The object changed meanwhile; read it again, then decide."""

    retryable = True


class TokenExpired(ApiError):
    """The token is no longer accepted; the session renews it once by itself."""


class NotAllowed(ApiError):
    """Credentials, scope, account or permission do not suffice."""


class AlreadyExists(ApiError):
    """The name is taken."""


class QuotaExceeded(ApiError):
    """The account may not have more of this."""


class NotFound(ApiError):
    """There is no such job, version, engine, flavour or path."""


class WrongState(ApiError):
    """The object's state forbids the operation."""


class InvalidRequest(ApiError):
    """The service calls a value of the request invalid."""


class TooLarge(ApiError):
    """The request is larger than the service takes."""


class LogNotReady(ApiError):
    """There is no log yet."""


class LogGone(ApiError):
    """The log was cleared."""


class CreateOutcomeUnknown(ModelArtsError):
    """A create whose answer was lost: a version may exist that nobody was told of.

    Attributes:
        intent: what was asked for, as a value that can be kept.
    """

    def __init__(self, message: str, *, where: Where | None = None, intent: Any = None) -> None:
        super().__init__(message, where=where)
        self.intent = intent


class BatchFailed(ModelArtsError):
    """Some creates of a batch failed.

    Attributes:
        outcomes: one for each element, in order: made with its handle, refused with the reason, unknown, or not sent.
    """

    def __init__(self, message: str, outcomes: "Sequence[BatchOutcome]") -> None:
        super().__init__(message)
        self.outcomes = tuple(outcomes)


class TrainingFailed(ModelArtsError):
    """The run ended, but not well.

    Attributes:
        detail: the last snapshot of the version.
        log_tail: at most the last 50 lines of its log.
        log_url: where the whole log is, or None when the version has no log path.
    """

    def __init__(
        self,
        message: str,
        *,
        where: Where | None = None,
        detail: "JobDetail | None" = None,
        log_tail: Sequence[str] = (),
        log_url: str | None = None,
    ) -> None:
        super().__init__(message, where=where)
        self.detail = detail
        self.log_tail = tuple(log_tail)
        self.log_url = log_url

    def __str__(self) -> str:
        lines = [super().__str__()]
        if self.log_tail:
            count = len(self.log_tail)
            lines += [
                f"last {count} log lines:" if count > 1 else "last log line:",
                *(f"  {line}" for line in self.log_tail),
            ]
        if self.log_url:
            lines.append(f"whole log: {self.log_url}")
        return "\n".join(lines)


class TrainingCancelled(TrainingFailed):
    """The run was stopped before it ended."""


class WaitTimeout(ModelArtsError, TimeoutError):
    """The wait ended before the training; the version goes on.

    Attributes:
        detail: the last snapshot, or None when there was none.
    """

    def __init__(self, message: str, *, where: Where | None = None, detail: "JobDetail | None" = None) -> None:
        super().__init__(message, where=where)
        self.detail = detail


class StateUnclear(WaitTimeout):
    """The version stayed for too long in a status that does not say how it stands; ``Patience`` says for how long."""


class VersionGone(ModelArtsError):
    """The version was deleted while somebody waited for it."""


class DeletionFailed(ModelArtsError):
    """The deletion was accepted, but the platform says that it did not work.

    Attributes:
        detail: the last snapshot.
    """

    def __init__(self, message: str, *, where: Where | None = None, detail: "JobDetail | None" = None) -> None:
        super().__init__(message, where=where)
        self.detail = detail


class VisualizationFailed(ModelArtsError):
    """The visualization job ended before it had an address.

    Attributes:
        info: the last snapshot.
    """

    def __init__(self, message: str, *, where: Where | None = None, info: "VisualizationInfo | None" = None) -> None:
        super().__init__(message, where=where)
        self.info = info


class SweepError(ModelArtsError):
    """A sweep that cannot begin or go on."""


def may_heal(error: ModelArtsError) -> bool:
    """Whether the same question can have a better answer later. For those who ask for hours, what cannot be read is one
    of these: a gateway can answer in the service's place for a while."""
    return error.retryable or isinstance(error, DecodeError)


def _again(kind: type[ModelArtsError], args: tuple[Any, ...]) -> ModelArtsError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def nearest(given: object, allowed: Iterable[str]) -> str | None:
    """The allowed name that looks most like the given one, or None."""
    import difflib

    found = difflib.get_close_matches(str(given), list(allowed), n=1)
    return found[0] if found else None


def _brief(given: object) -> str:
    try:
        text = repr(given)
    except ValueError:
        # A number of thousands of digits.
        text = f"a very long {type(given).__name__}"
    return text if len(text) <= 120 else f"{text[:117]}..."
