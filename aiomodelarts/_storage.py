"""Which object storage a session has."""

from ._home import Home
from ._line import Line
from ._net.retry import Retry
from ._net.transport import Transport
from ._seams import Seams
from .credentials import AccessKey
from .errors import ConfigurationError
from .obs.folder import FolderStore
from .obs.keys import Lease
from .obs.store import Store


class Storage:
    """Opens the object storage of a session.

    Args:
        home: may have a local platform, whose buckets are folders.
        line: is opened for the settings.
        seams: its clock dates the signatures.
        transport: carries the small requests.
        retry: decides on another try of them.
    """

    def __init__(self, home: Home, line: Line, seams: Seams, transport: Transport, retry: Retry) -> None:
        self._home = home
        self._line = line
        self._seams = seams
        self._transport = transport
        self._retry = retry

    async def __call__(self) -> Store:
        """The storage.

        Raises:
            ConfigurationError: its address or its keys are not known, or obstore is not installed.
        """
        settings = await self._line.settings()
        if settings.obs_endpoint is None:
            if self._home.platform is not None:
                # A run of the platform makes the bucket of its outputs as well.
                return FolderStore(self._home.platform.obs_root, makes_buckets=True)
            raise ConfigurationError(
                "the endpoint of object storage is not known; pass region_name or endpoints={'obs': ...} to "
                "AsyncSession, or set AIOMODELARTS_OBS_ENDPOINT"
            )
        from .obs.s3 import S3Store

        clock = self._seams.clock
        return S3Store(settings.obs_endpoint, settings.region_name, self._keys, self._transport, self._retry, clock)

    async def _keys(self, renew: bool) -> Lease:
        keys = await self._line.keys(renew)
        return Lease(keys) if isinstance(keys, AccessKey) else Lease(keys.keys, keys.expires_at)
