"""Asks the metadata service of the instance that this program runs on."""

from typing import TypeVar

from .._wire import metadata
from .._wire.call import Call
from .._wire.iam import TemporaryKeys
from .._wire.metadata import InstancePlace
from ..errors import NotAllowed, TokenExpired
from .transport import Transport

T = TypeVar("T")


class InstanceMetadata:
    """The service as one instance sees it.

    Args:
        transport: carries the questions; not closed here.
        endpoint: of the service.
    """

    def __init__(self, transport: Transport, endpoint: str) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._token: str | None = None
        self._opened = False

    async def keys(self) -> TemporaryKeys:
        """The keys of the instance's agency.

        Raises:
            ApiError: it has none.
            TransportError: this is no instance in the cloud.
        """
        await self._open()
        try:
            return await self._ask(metadata.security_key(self._endpoint, self._token))
        except (NotAllowed, TokenExpired):
            # The token of the service lasts for hours only.
            self._opened = False
            await self._open()
            return await self._ask(metadata.security_key(self._endpoint, self._token))

    async def place(self) -> InstancePlace:
        """The project and the region; raises as ``keys`` does."""
        await self._open()
        return await self._ask(metadata.instance_place(self._endpoint, self._token))

    async def _open(self) -> None:
        if not self._opened:
            self._token = await self._ask(metadata.open_metadata(self._endpoint))
            self._opened = True

    async def _ask(self, call: Call[T]) -> T:
        return call.read(await self._transport.send(call.request))
