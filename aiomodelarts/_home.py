"""Where a session's settings come from: what it was told, or a local platform of its own."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import config
from .credentials import AccessKey
from .errors import ConfigurationError

if TYPE_CHECKING:
    from .local import LocalPlatform


class Configured:
    """Settings from arguments, environment and profile file; what can be told at once is told at once."""

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
            profile = await asyncio.to_thread(config.read_profile, os.environ, self._given.profile)
            self._settings = self._read(profile)
        return self._settings

    def _read(self, profile: Mapping[str, str]) -> config.Settings:
        return config.settings(self._given, os.environ, self._endpoints, self._region_name, profile)

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
            obs_endpoint=None,
        )

    async def close(self) -> None:
        """Stop the platform, if it was started."""
        if self._started:
            await self.platform.__aexit__(None, None, None)


Home = Configured | AtHome
