"""Which object storage a session has."""

import asyncio
from importlib import import_module
from urllib.parse import unquote

from ._line import Line
from ._net.retry import Retry
from ._net.transport import Transport
from ._seams import Seams
from .credentials import AccessKey
from .errors import ConfigurationError
from .obs.folder import FolderStore
from .obs.keys import Lease
from .obs.store import Store

_FOLDER = "file://"


class Storage:
    """Opens the object storage of a session.

    Args:
        line: is opened for the settings.
        seams: its clock dates the signatures.
        transport: carries the small requests.
        retry: decides on another try of them.
        proxied: whether they go through a proxy that the environment names, so that content has to, too.
    """

    def __init__(self, line: Line, seams: Seams, transport: Transport, retry: Retry, *, proxied: bool) -> None:
        self._line = line
        self._seams = seams
        self._transport = transport
        self._retry = retry
        self._proxied = proxied

    async def __call__(self) -> Store:
        """The storage.

        Raises:
            ConfigurationError: its address or its keys are not known, or obstore is not installed.
        """
        settings = await self._line.settings()
        endpoint = settings.obs_endpoint
        if endpoint is not None and endpoint.startswith(_FOLDER):
            # A run of the local platform makes the bucket of its outputs as well.
            return FolderStore(unquote(endpoint.removeprefix(_FOLDER)), makes_buckets=True)
        if endpoint is None:
            raise ConfigurationError(
                "the endpoint of object storage is not known; pass region_name or endpoints={'obs': ...} to "
                "AsyncSession, or set AIOMODELARTS_OBS_ENDPOINT"
            )
        # The library behind it is large, and not read on the loop.
        await asyncio.to_thread(import_module, "aiomodelarts.obs.s3")
        from .obs.s3 import S3Store

        clock = self._seams.clock
        return S3Store(
            endpoint, settings.region_name, self._keys, self._transport, self._retry, clock, proxied=self._proxied
        )

    async def _keys(self, renew: bool) -> Lease:
        keys = await self._line.keys(renew)
        return Lease(keys) if isinstance(keys, AccessKey) else Lease(keys.keys, keys.expires_at)
