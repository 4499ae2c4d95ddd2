"""One call as an operation sees it, and the platform around it."""

from collections.abc import Mapping

from attrs import frozen

from aiomodelarts._wire.message import JsonObject, Request
from aiomodelarts.local import bodies
from aiomodelarts.local.answers import Style
from aiomodelarts.local.board import Board
from aiomodelarts.local.gatekeeper import Gatekeeper
from aiomodelarts.local.lifecycle import Lifecycle
from aiomodelarts.local.ports import Ports


@frozen
class Call:
    """A routed request.

    Args:
        request: as it arrived.
        path: the variable segments of the path, decoded.
        query: decoded; of a repeated name the last value.
        lag_s: how far the lists of this call lie behind.
    """

    request: Request
    path: Mapping[str, str]
    query: Mapping[str, str]
    lag_s: float = 0.0

    def shows(self, create_ms: int, now_ms: int) -> bool:
        """Whether a list of this call has what was made then."""
        return not self.lag_s or create_ms <= now_ms - self.lag_s * 1000

    def body(self) -> JsonObject:
        """The JSON object of the body, or a refusal."""
        return bodies.parse(self.request.body)


@frozen
class Platform:
    """What operations work on."""

    board: Board
    lifecycle: Lifecycle
    gatekeeper: Gatekeeper
    style: Style
    ports: Ports
    quota: int

    def now_ms(self) -> int:
        return int(self.ports.now() * 1000)
