"""What carries a request to the service and brings the answer back."""

from typing import Protocol

from attrs import field, frozen

from .._checks import above_zero_or_none
from .._wire.message import Request, Response


@frozen(kw_only=True)
class Timeouts:
    """Limits on one exchange, in seconds; None is no limit.

    Args:
        connect_s: until the connection stands, name look-up and TLS included.
        read_s: without a byte of the answer; none by default, since answers are small and the total holds anyway.
        total_s: from the first moment to the last byte.
    """

    connect_s: float | None = field(default=10.0, validator=above_zero_or_none)
    read_s: float | None = field(default=None, validator=above_zero_or_none)
    total_s: float | None = field(default=60.0, validator=above_zero_or_none)


class Transport(Protocol):
    """Sends one request once; it neither retries nor follows redirects."""

    async def send(self, request: Request) -> Response:
        """The answer, whatever its status.

        Raises:
            NotSent: when the service certainly never saw the request.
            ConnectionBroken: when the connection was lost after that.
            AnswerTimeout: when a limit was reached after that.
            DecodeError: when the answer is so long that nobody would want it in memory.
            SessionClosed: after ``close``.
        """
        ...

    async def close(self) -> None:
        """Let go of what this transport opened itself."""
        ...
