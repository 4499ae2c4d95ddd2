"""Where a session's settings come from: what it was told, or a local platform of its own."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import config
from ._clouds import read_cloud
from ._net.aiohttp_transport import AiohttpTransport
from ._net.metadata import InstanceMetadata
from ._net.transport import Timeouts
from .credentials import AccessKey
from .errors import ConfigurationError, ModelArtsError

if TYPE_CHECKING:
    from .local import LocalPlatform

_log = logging.getLogger("aiomodelarts")
# The service is next door, or not there at all.
_NEXT_DOOR = Timeouts(total_s=5.0, connect_s=1.0, read_s=3.0)


class Configured:
    """Settings from arguments, environment, files and instance; what can be told at once is told at once."""

    platform = None

    def __init__(self, given: config.Given, endpoints: config.Endpoints | None, region_name: str | None) -> None:
        self._given, self._endpoints, self._region_name = given, endpoints, region_name
        self._settings: config.Settings | None = None
        config.given_credentials(given)
        if given.profile is None:
            # What is still missing may stand in the profile file, which is not read here.
            with contextlib.suppress(ConfigurationError):
                self._settings = self._read({})

    async def settings(self) -> config.Settings:
        """The settings, complete."""
        if self._settings is None:
            profile = await asyncio.to_thread(self._files)
            instance = None
            if self._given.profile is None and not config.has_credentials(self._given, os.environ, profile):
                instance = await _instance(config.metadata_endpoint(os.environ))
            self._settings = self._read(profile, instance)
        return self._settings

    def _files(self) -> Mapping[str, str]:
        """The profile, or where there is none the cloud of ``clouds.yaml``."""
        asked = self._given.profile
        try:
            if asked is None and os.environ.get("OS_CLOUD"):
                # Whoever names a cloud means it.
                return read_cloud(os.environ, None)
            return config.read_profile(os.environ, asked) or read_cloud(os.environ, None)
        except ConfigurationError as missing:
            if asked is None:
                raise
            try:
                return read_cloud(os.environ, asked)
            except ConfigurationError as error:
                raise ConfigurationError(f"{missing}; {error}") from None

    def _read(self, profile: Mapping[str, str], instance: Mapping[str, str] | None = None) -> config.Settings:
        return config.settings(self._given, os.environ, self._endpoints, self._region_name, profile, instance)

    async def close(self) -> None:
        """Nothing was opened."""


class AtHome:
    """Settings of a local platform that lives as long as the session."""

    def __init__(self, platform: "LocalPlatform") -> None:
        self.platform = platform
        self._started = False

    async def settings(self) -> config.Settings:
        """The settings of the platform, which is started for them."""
        platform = self.platform
        await platform.__aenter__()
        self._started = True
        return config.Settings(
            credentials=AccessKey(platform.access_key, platform.secret_key),
            project_id=platform.project_id,
            region_name=platform.region_name,
            modelarts_endpoint=platform.modelarts_endpoint,
            iam_endpoint=platform.iam_endpoint,
            obs_endpoint=platform.obs_endpoint,
        )

    async def close(self) -> None:
        """Stop the platform, if it was started."""
        if self._started:
            await self.platform.__aexit__(None, None, None)


async def _instance(endpoint: str | None) -> dict[str, str] | None:
    """Where the server is that this runs on, if it is one in the cloud and has keys."""
    if endpoint is None:
        return None
    transport = AiohttpTransport(_NEXT_DOOR)
    try:
        metadata = InstanceMetadata(transport, endpoint)
        await metadata.keys()
        place = await metadata.place()
    except ModelArtsError as error:
        _log.debug("the metadata service has no keys: %s", error)
        return None
    finally:
        await transport.close()
    told = {"metadata_endpoint": endpoint, "project_id": place.project_id, "region_name": place.region_name}
    return {name: value for name, value in told.items() if value}


Home = Configured | AtHome
