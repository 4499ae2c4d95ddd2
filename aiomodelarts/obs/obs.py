"""Object storage as a session offers it."""

import os
from collections.abc import Iterable
from pathlib import Path

from ._arguments import as_folder, as_object
from ._aside import aside
from ._objects import Objects
from ._transfer import bulk as _bulk
from ._transfer.download import download
from ._transfer.flow import Tally
from ._transfer.landing import Ground, known_file
from ._transfer.sync_down import SyncDown
from ._transfer.sync_over import SyncOver
from ._transfer.sync_up import SyncUp
from ._transfer.upload import local_file, upload
from .path import ObsPath
from .selection import Selection
from .values import OnProgress, Step, Transferred

LocalPath = str | os.PathLike[str]


class Obs(Objects):
    """Objects in buckets, and their transfers from and to this machine.

    A path is ``obs://bucket/key`` or ``/bucket/key``, as text or as an ``ObsPath``; one of a folder ends with a slash.
    Patterns are those of a ``.gitignore``. ``docs/obs.md`` says what is guaranteed.

    Args:
        open_store: opens what has the buckets; called at the first question.
        limits: ceilings of all transfers together.
    """

    async def upload_file(
        self, src_local_file: LocalPath, dst_obs_dir: str | ObsPath, *, progress: OnProgress | None = None
    ) -> Transferred:
        """Send one file into a folder of objects, under its own name.

        Args:
            src_local_file: the file.
            dst_obs_dir: the folder; it ends with a slash.
            progress: is called with each step.

        Raises:
            InvalidArgument: the folder does not end with a slash.
            ObsError: see ``obs.errors``.
        """
        folder = as_folder(dst_obs_dir, "dst_obs_dir")
        return await self.put_file(src_local_file, folder / Path(src_local_file).name, progress=progress)

    async def upload_dir(
        self,
        src_local_dir: LocalPath,
        dst_obs_dir: str | ObsPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        progress: OnProgress | None = None,
    ) -> Transferred:
        """Send a folder into a folder of objects, under its own name. Empty folders are not made.

        Files that are there with the same content are not sent again.

        Args:
            src_local_dir: the local folder.
            dst_obs_dir: the folder that it is placed in; it ends with a slash.
            include: patterns; without any, every file belongs to it.
            exclude: patterns of what does not.
            progress: is called with each step.

        Raises:
            TransferIncomplete: some files could not be sent; all others were.
            ObsError: see ``obs.errors``.
        """
        folder = as_folder(dst_obs_dir, "dst_obs_dir")
        root = Path(src_local_dir)
        name = root.name or (await aside(root.resolve)).name
        return await self._up(root, folder / name, Selection(include, exclude), folders=False, progress=progress)

    async def download_file(
        self, src_obs_file: str | ObsPath, dst_local_dir: LocalPath, *, progress: OnProgress | None = None
    ) -> Transferred:
        """Fetch one object into a local folder, under its own name.

        Args:
            src_obs_file: the object.
            dst_local_dir: the folder; it is made where it is missing.
            progress: is called with each step.

        Raises:
            ObsError: see ``obs.errors``.
        """
        source = as_object(src_obs_file, "src_obs_file")
        return await self._fetch(source, Path(dst_local_dir) / source.name, Path(dst_local_dir), progress)

    async def download_dir(
        self,
        src_obs_dir: str | ObsPath,
        dst_local_dir: LocalPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        progress: OnProgress | None = None,
    ) -> Transferred:
        """Fetch a folder of objects into a local folder, under its own name. Empty folders are not made.

        Files that are here with the same content are not fetched again.

        Args:
            src_obs_dir: the folder; it ends with a slash.
            dst_local_dir: the local folder that it is placed in; it is made where it is missing.
            include: patterns; without any, every object belongs to it.
            exclude: patterns of what does not.
            progress: is called with each step.

        Raises:
            TransferIncomplete: some objects could not be fetched; all others were.
            ObsError: see ``obs.errors``.
        """
        source = as_folder(src_obs_dir, "src_obs_dir")
        root = Path(dst_local_dir) / source.name
        return await self._down(source, root, Selection(include, exclude), folders=False, progress=progress)

    async def put_file(
        self, src_local_file: LocalPath, path: str | ObsPath, *, progress: OnProgress | None = None
    ) -> Transferred:
        """Send one file to exactly this object.

        Raises:
            ObsError: see ``obs.errors``.
        """
        target = as_object(path, "path")
        file = await aside(local_file, src_local_file)
        tally = Tally([file.size], progress)
        await upload(await self._opened(), self._lanes, file, target, tally.file(file.size))
        return _bulk.outcome(tally, [])

    async def get_file(
        self, path: str | ObsPath, dst_local_file: LocalPath, *, progress: OnProgress | None = None
    ) -> Transferred:
        """Fetch one object into exactly this file.

        Raises:
            ObsError: see ``obs.errors``.
        """
        place = Path(dst_local_file)
        return await self._fetch(as_object(path, "path"), place, place.parent, progress)

    async def sync_up(
        self,
        src_local_dir: LocalPath,
        dst_obs_dir: str | ObsPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        delete: bool = False,
        progress: OnProgress | None = None,
    ) -> Transferred:
        """Make a folder of objects hold what a local folder holds; empty folders get a marker.

        Args:
            src_local_dir: the local folder; its content comes directly below the other one.
            dst_obs_dir: the folder of objects.
            include: patterns; without any, every file belongs to it.
            exclude: patterns of what does not.
            delete: whether objects that the local folder does not have are removed. Nothing is after a failure.
            progress: is called with each step.

        Raises:
            TransferIncomplete: some files could not be sent; all others were.
            ObsError: see ``obs.errors``.
        """
        target = ObsPath.parse(dst_obs_dir, "dst_obs_dir")
        return await self._up(
            Path(src_local_dir), target, Selection(include, exclude), delete=delete, progress=progress
        )

    async def sync_down(
        self,
        src_obs_dir: str | ObsPath,
        dst_local_dir: LocalPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        delete: bool = False,
        progress: OnProgress | None = None,
    ) -> Transferred:
        """Make a local folder hold what a folder of objects holds; markers become folders.

        Args:
            src_obs_dir: the folder of objects; its content comes directly below the other one.
            dst_local_dir: the local folder.
            include: patterns; without any, every object belongs to it.
            exclude: patterns of what does not.
            delete: whether files that the bucket does not have are removed. Nothing is after a failure.
            progress: is called with each step.

        Raises:
            TransferIncomplete: some objects could not be fetched; all others were.
            ObsError: see ``obs.errors``.
        """
        source = ObsPath.parse(src_obs_dir, "src_obs_dir")
        return await self._down(
            source, Path(dst_local_dir), Selection(include, exclude), delete=delete, progress=progress
        )

    async def sync_over(
        self,
        src_obs_dir: str | ObsPath,
        dst_obs_dir: str | ObsPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        delete: bool = False,
        progress: OnProgress | None = None,
    ) -> Transferred:
        """Make a folder of objects hold what another one holds, markers too; the storage copies by itself.

        Args:
            src_obs_dir: the folder of objects; its content comes directly below the other one.
            dst_obs_dir: the other one, which neither holds the first nor lies in it.
            include: patterns; without any, every object belongs to it.
            exclude: patterns of what does not.
            delete: whether objects that the first does not have are removed. Nothing is after a failure.
            progress: is called with each step.

        Raises:
            TransferIncomplete: some objects could not be copied; all others were.
            ObsError: see ``obs.errors``.
        """
        source, target = ObsPath.parse(src_obs_dir, "src_obs_dir"), ObsPath.parse(dst_obs_dir, "dst_obs_dir")
        run = SyncOver(await self._opened(), self._lanes, source, target, Selection(include, exclude))
        return await run.run(delete=delete, progress=progress)

    async def plan_up(
        self,
        src_local_dir: LocalPath,
        dst_obs_dir: str | ObsPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        delete: bool = False,
    ) -> list[Step]:
        """What ``sync_up`` with the same arguments would do now; nothing is changed."""
        target = ObsPath.parse(dst_obs_dir, "dst_obs_dir")
        selection = Selection(include, exclude)
        run = SyncUp(await self._opened(), self._lanes, Path(src_local_dir), target, selection)
        return await run.plan(delete=delete)

    async def plan_down(
        self,
        src_obs_dir: str | ObsPath,
        dst_local_dir: LocalPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        delete: bool = False,
    ) -> list[Step]:
        """What ``sync_down`` with the same arguments would do now; nothing is changed."""
        source = ObsPath.parse(src_obs_dir, "src_obs_dir")
        selection = Selection(include, exclude)
        run = SyncDown(await self._opened(), self._lanes, source, Path(dst_local_dir), selection)
        return await run.plan(delete=delete)

    async def plan_over(
        self,
        src_obs_dir: str | ObsPath,
        dst_obs_dir: str | ObsPath,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        delete: bool = False,
    ) -> list[Step]:
        """What ``sync_over`` with the same arguments would do now; nothing is changed."""
        source, target = ObsPath.parse(src_obs_dir, "src_obs_dir"), ObsPath.parse(dst_obs_dir, "dst_obs_dir")
        run = SyncOver(await self._opened(), self._lanes, source, target, Selection(include, exclude))
        return await run.plan(delete=delete)

    async def _fetch(self, source: ObsPath, place: Path, root: Path, progress: OnProgress | None) -> Transferred:
        entry = await self.stat(source)
        await aside(known_file, place)
        tally = Tally([entry.size], progress)
        await download(await self._opened(), self._lanes, entry, place, Ground(root), tally.file(entry.size))
        return _bulk.outcome(tally, [])

    async def _up(
        self,
        root: Path,
        target: ObsPath,
        selection: Selection,
        *,
        folders: bool = True,
        delete: bool = False,
        progress: OnProgress | None,
    ) -> Transferred:
        run = SyncUp(await self._opened(), self._lanes, root, target, selection)
        return await run.run(folders=folders, delete=delete, progress=progress)

    async def _down(
        self,
        source: ObsPath,
        root: Path,
        selection: Selection,
        *,
        folders: bool = True,
        delete: bool = False,
        progress: OnProgress | None,
    ) -> Transferred:
        run = SyncDown(await self._opened(), self._lanes, source, root, selection)
        return await run.run(folders=folders, delete=delete, progress=progress)
