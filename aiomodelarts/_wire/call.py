"""One operation as a value: what is sent, how the answer is read, and what may be done when no answer comes."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import orjson
from attrs import field, frozen

from ..errors import Where
from .message import Request, Response, json_headers

T = TypeVar("T")


class Kind(Enum):
    """What sending the same call twice would do."""

    READ = "read"
    """Nothing: it may be repeated."""
    CHANGE = "change"
    """The same as once: stops, deletions, descriptions."""
    CREATE = "create"
    """Make a second one: it is never repeated after an unclear outcome."""


class Share(Enum):
    """Whose places and whose rate a call uses, so that none of the three waits for another."""

    CREATE = "create"
    READ = "read"
    """Also stops, deletions and changes."""
    LOG = "log"


@frozen
class Call(Generic[T]):
    """A build/read pair."""

    where: Where
    kind: Kind
    request: Request
    read: Callable[[Response], T]
    share: Share = field()

    @share.default
    def _share_of_its_kind(self) -> Share:
        return Share.CREATE if self.kind is Kind.CREATE else Share.READ


@frozen
class Site:
    """Where the calls of one project go.

    Args:
        endpoint: scheme and host of ModelArts, with a path where a proxy demands one.
        project_id: the project.
        workspace_id: the workspace that new jobs go to and lists are about; None leaves both to the service.
    """

    endpoint: str
    project_id: str
    workspace_id: str | None = None
    _origin: str = field(init=False, repr=False)
    _prefix: str = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        origin, base = split_endpoint(self.endpoint)
        object.__setattr__(self, "_origin", origin)
        object.__setattr__(self, "_prefix", f"{base}/v1/{self.project_id}")

    def request(
        self,
        method: str,
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        body: Mapping[str, Any] | None = None,
    ) -> Request:
        """The request for a path below the project.

        Args:
            method: upper case.
            path: percent-encoded, from the slash after the project on.
            query: decoded pairs.
            body: becomes JSON; None is no body at all.
        """
        headers = json_headers()
        headers["X-Project-Id"] = self.project_id
        return Request(
            method,
            self._origin,
            self._prefix + path,
            query,
            headers,
            b"" if body is None else orjson.dumps(body),
        )


def split_endpoint(endpoint: str) -> tuple[str, str]:
    """The origin, and the path without its last slash."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
