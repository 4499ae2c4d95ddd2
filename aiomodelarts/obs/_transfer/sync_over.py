"""A folder of objects becomes another one; what is there with the same content is left alone."""

from attrs import frozen

from ...errors import InvalidArgument
from ..errors import ObsError
from ..path import ObsPath
from ..selection import Selection
from ..store import Store
from ..values import ObsEntry, OnProgress, Step, Transferred
from . import bulk as _bulk
from .copy import copy
from .digest import is_digest
from .flow import Lanes, Tally
from .folders import folders_of
from .sync_down import check_folder


@frozen
class _Found:
    """Both sides, by their names below the folders.

    Args:
        files: what is to be there.
        folders: names of folders that have a marker.
        there: everything that is there now.
    """

    files: dict[str, ObsEntry]
    folders: tuple[str, ...]
    there: dict[str, ObsEntry]


class SyncOver:
    """One run of it; no content comes here, unless an object is too large to be copied by the storage.

    Args:
        store: has the buckets.
        lanes: bounds what is on its way.
        source: the folder of objects.
        target: the other one.
        selection: which objects belong to it.

    Raises:
        InvalidArgument: one of the folders lies in the other.
    """

    def __init__(self, store: Store, lanes: Lanes, source: ObsPath, target: ObsPath, selection: Selection) -> None:
        self._store = store
        self._lanes = lanes
        self._source = source.folder()
        self._target = target.folder()
        self._selection = selection
        self._workers = lanes.limits.transfers
        one, other = str(self._source), str(self._target)
        if one.startswith(other) or other.startswith(one):
            raise InvalidArgument("dst_obs_dir", str(target), f"it and {source} lie in one another")

    async def run(self, *, delete: bool, progress: OnProgress | None) -> Transferred:
        """Copy what is not there yet, markers too.

        Args:
            delete: whether what the source does not have is removed; patterns protect it.
            progress: is called with each step.

        Raises:
            ObsNotFound: there is no such folder.
        """
        found = await self._found()
        tally = Tally([entry.size for entry in found.files.values()], progress)

        async def one(file: tuple[str, ObsEntry]) -> None:
            name, entry = file
            if await self._same(entry, found.there.get(name)):
                tally.skip(entry.size)
                return
            steps = tally.file(entry.size)
            await copy(self._store, self._lanes, entry, self._path(name))
            steps.finished()

        async def mark(name: str) -> None:
            await self._store.put(self._path(name), b"")

        failures = await _bulk.each(self._workers, found.files.items(), one)
        failures += await _bulk.each(self._workers, [name for name in found.folders if name not in found.there], mark)
        deleted = await self._delete(self._gone(found), failures) if delete and not failures else 0
        return _bulk.outcome(tally, failures, deleted)

    async def plan(self, *, delete: bool) -> list[Step]:
        """What a run would do; nothing is changed."""
        found = await self._found()
        differing = [
            (name, entry) for name, entry in found.files.items() if not await self._same(entry, found.there.get(name))
        ]
        steps = [Step("copy", str(entry.path), str(self._path(name))) for name, entry in differing]
        return steps + [Step("remove", str(entry.path)) for entry in (self._gone(found) if delete else ())]

    async def _found(self) -> _Found:
        here, there = await self._below(self._source), await self._below(self._target)
        if not here:
            await check_folder(self._store, self._source)
        files = {name: entry for name, entry in here.items() if not entry.is_folder and self._selection.has(name)}
        folders = [name for name, entry in here.items() if entry.is_folder and not self._selection.closes(name)]
        return _Found(files, tuple(folders), there)

    async def _below(self, folder: ObsPath) -> dict[str, ObsEntry]:
        cut = len(folder.key)
        return {
            entry.path.key[cut:]: entry
            async for page in self._store.pages(folder, recursive=True)
            for entry in page
            if entry.path != folder
        }

    async def _same(self, entry: ObsEntry, there: ObsEntry | None) -> bool:
        if there is None or there.size != entry.size:
            return False
        ours, theirs = await self._store.fingerprint(entry), await self._store.fingerprint(there)
        if ours == theirs:
            return ours is not None
        if is_whole(ours) and is_whole(theirs) and await self._exact(entry, ours) and await self._exact(there, theirs):
            return False
        # Nothing tells whether they hold the same, so only the times are left.
        return entry.modified is not None and there.modified is not None and there.modified >= entry.modified

    async def _exact(self, entry: ObsEntry, fingerprint: str | None) -> bool:
        return fingerprint != entry.etag or await self._store.exact(entry)

    async def _delete(self, gone: list[ObsEntry], failures: list[ObsError]) -> int:
        async def one(entry: ObsEntry) -> None:
            await self._store.delete(entry.path)

        missed = await _bulk.each(self._workers, gone, one)
        failures += missed
        return len(gone) - len(missed)

    def _gone(self, found: _Found) -> list[ObsEntry]:
        kept = found.files.keys() | folders_of(found.files) | set(found.folders) | folders_of(found.folders)
        return [entry for name, entry in found.there.items() if name not in kept and self._selection.has(name)]

    def _path(self, name: str) -> ObsPath:
        return ObsPath(self._target.bucket, f"{self._target.key}{name}")


def is_whole(fingerprint: str | None) -> bool:
    """Whether it looks like the MD5 of all content."""
    return fingerprint is not None and is_digest(fingerprint) and "-" not in fingerprint
