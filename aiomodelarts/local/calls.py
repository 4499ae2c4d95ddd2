"""One call as an operation sees it, and the platform around it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from aiomodelarts._wire.message import JsonObject, Request

from . import bodies

if TYPE_CHECKING:
    from .answers import Style
    from .board import Board
    from .gatekeeper import Gatekeeper
    from .lifecycle import Lifecycle
    from .ports import Ports


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

    def body(self) -> JsonObject:
        """The JSON object of the body, or a refusal."""
        return bodies.parse(self.request.body)


@frozen
class Platform:
    """What operations work on."""

    board: "Board"
    lifecycle: "Lifecycle"
    gatekeeper: "Gatekeeper"
    style: "Style"
    ports: "Ports"
    quota: int

    def now_ms(self) -> int:
        return int(self.ports.now() * 1000)
