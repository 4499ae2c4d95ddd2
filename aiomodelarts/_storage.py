"""The object storage of a session: which one it is, and what is offered on it."""

import asyncio
import contextlib
from importlib import import_module
from urllib.parse import unquote

from ._line import Line
from ._net.retry import Retry
from ._net.transport import Transport
from ._seams import Seams
from .credentials import AccessKey
from .errors import ConfigurationError
from .obs import Obs, TransferLimits
from .obs.code.upload import CodeUploads
from .obs.folder import FolderStore
from .obs.keys import Lease
from .obs.store import Store

_FOLDER = "file://"


class Storage:
    """What a session offers on its object storage, which is opened at the first use.

    Args:
        line: is opened for the settings.
        seams: its clock dates the signatures.
        transport: carries the small requests.
        retry: decides on another try of them.
        proxied: whether they go through a proxy that the environment names, so that content has to, too.
        limits: ceilings of what goes up and down; None are the defaults.
    """

    def __init__(
        self,
        line: Line,
        seams: Seams,
        transport: Transport,
        retry: Retry,
        *,
        proxied: bool,
        limits: TransferLimits | None,
    ) -> None:
        self._line = line
        self._seams = seams
        self._transport = transport
        self._retry = retry
        self._proxied = proxied
        self.obs = Obs(self._store, limits)
        self.upload_code = CodeUploads(self.obs, seams.clock)

    async def close(self) -> None:
        """Give up what is under way, and let go of what was opened."""
        # The latter although the former fails or is cancelled.
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.obs.close)
            stack.push_async_callback(self.upload_code.close)

    async def _store(self) -> Store:
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
