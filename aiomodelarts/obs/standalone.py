"""Object storage without a session: an endpoint and a key pair."""

import random

from .._clock import SystemClock
from .._net.aiohttp_transport import AiohttpTransport
from .._net.retry import Retry, RetryPolicy
from .._net.transport import Timeouts
from ..credentials import AccessKey
from ..errors import ModelArtsError
from .keys import FixedKeys
from .obs import Obs
from .s3 import S3Store
from .store import Store

StorageError = ModelArtsError
"""Whatever a storage raises: an ``ObsError``, or that it cannot be reached."""


class _OwnLine(S3Store):
    """A store that closes the line it was given."""

    def __init__(self, endpoint: str, region: str | None, keys: AccessKey) -> None:
        clock = SystemClock()
        self._line = AiohttpTransport(Timeouts())
        super().__init__(
            endpoint, region, FixedKeys(keys), self._line, Retry(RetryPolicy(), clock, random.SystemRandom()), clock
        )

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            await self._line.close()


def obs_at(endpoint: str, region: str | None, access_key: str, secret_key: str) -> Obs:
    """Object storage behind an endpoint; close it when it is not needed any more.

    Args:
        endpoint: with scheme.
        region: part of the scope of signatures; None where the storage has no regions.
        access_key: public half of the key pair.
        secret_key: secret half.
    """

    async def opened() -> Store:
        return _OwnLine(endpoint, region, AccessKey(access_key, secret_key))

    return Obs(opened)
