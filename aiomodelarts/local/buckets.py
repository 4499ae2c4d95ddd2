"""OBS as another server: what a run reads is fetched before it, and what it wrote is put there after it."""

import asyncio
from pathlib import Path

from aiomodelarts.local.settings import RunSettings
from aiomodelarts.local.storage import Folder
from aiomodelarts.obs import ObsPath
from aiomodelarts.obs.errors import ObsNotFound
from aiomodelarts.obs.standalone import StorageError, obs_at


class BucketError(Exception):
    """Object storage did not play along; the message is for the log of a run."""


class RemoteBuckets:
    """Moves the files of runs between object storage and this machine.

    Args:
        endpoint: of the storage.
        region: part of the scope of signatures.
        access_key: public half of the platform's key pair, which the storage has to know.
        secret_key: secret half.
    """

    def __init__(self, endpoint: str, region: str, access_key: str, secret_key: str) -> None:
        self._obs = obs_at(endpoint, region, access_key, secret_key)

    async def fetch(self, settings: RunSettings, mirror: Folder) -> None:
        """Bring code and data of a run into its mirror of the buckets.

        Raises:
            BucketError: something is not there, or cannot be had.
        """
        data = [path for name, path in settings.paths().items() if name.endswith("data_url")]
        try:
            for path in [*([settings.app_url] if settings.app_url else []), *data]:
                await self._fetch(ObsPath.parse(path), await asyncio.to_thread(mirror.resolve, path))
        except StorageError as error:
            raise BucketError(f"object storage: {error}") from None

    async def put_back(self, settings: RunSettings, mirror: Folder) -> None:
        """Put what a run left in its output folder, and its logs, where its settings say.

        Raises:
            BucketError: it cannot be put there.
        """
        try:
            for path in filter(None, (settings.train_url, settings.log_url)):
                place = await asyncio.to_thread(mirror.resolve, path)
                if await asyncio.to_thread(place.is_dir):
                    await self._obs.sync_up(place, path)
        except StorageError as error:
            raise BucketError(f"object storage: {error}") from None

    async def close(self) -> None:
        """Let go of the connections."""
        await self._obs.close()

    async def _fetch(self, path: ObsPath, place: Path) -> None:
        if not path.is_folder:
            try:
                await self._obs.get_file(path, place)
                return
            except ObsNotFound:
                path = path.folder()
        await self._obs.sync_down(path, place)
