"""One HTTP exchange as two values. Both sides use them: the client to ask, the local platform to answer."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

SECRET_HEADERS = frozenset(
    {"authorization", "x-auth-token", "x-subject-token", "x-security-token", "x-amz-security-token", "cookie"}
)


def _shown(headers: Mapping[str, str]) -> str:
    return repr({name: "***" if name.lower() in SECRET_HEADERS else value for name, value in headers.items()})


def _size(body: bytes) -> str:
    # A body can hold a password (the token request), so only its length is ever shown.
    return f"<{len(body)} bytes>"


@frozen
class Request:
    """One request, complete but for what authentication adds.

    Args:
        method: upper case.
        origin: scheme, host and port, for instance ``https://modelarts.region.example.com``.
        path: absolute and percent-encoded, as it is sent.
        query: decoded pairs; they are sent in the canonical form of the signature.
        headers: names in any case.
        body: the exact bytes that are sent.
    """

    method: str
    origin: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(factory=dict, repr=_shown)
    body: bytes = field(default=b"", repr=_size)

    @property
    def host(self) -> str:
        """What the Host header carries: the host, with the port where the origin names one."""
        return self.origin.partition("://")[2]


@frozen
class Response:
    """One answer; its headers are found by their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(factory=dict, repr=_shown)
    body: bytes = field(default=b"", repr=_size)

    def header(self, name: str) -> str | None:
        """The value of a header, asked in lower case, or None."""
        return self.headers.get(name)


def json_headers() -> dict[str, str]:
    """A fresh mapping with the content type that every ModelArts call carries."""
    return {"Content-Type": "application/json"}


JsonObject = dict[str, Any]
