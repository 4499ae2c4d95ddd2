"""Whose keys sign the requests to object storage."""

from collections.abc import Awaitable, Callable

from attrs import frozen

from ..credentials import AccessKey


@frozen
class Lease:
    """Keys, and how long they can be used.

    Args:
        keys: the pair, with a security token where they are temporary.
        expires_at: seconds since the epoch, or None for keys that last.
    """

    keys: AccessKey
    expires_at: float | None = None


KeySource = Callable[[bool], Awaitable[Lease]]
"""The keys to sign with now; called with True when those it gave were refused and others are wanted."""


class FixedKeys:
    """Keys that were given once."""

    def __init__(self, keys: AccessKey) -> None:
        self._lease = Lease(keys)

    async def __call__(self, renew: bool) -> Lease:  # noqa: ARG002  (there are no others)
        return self._lease
