"""A local folder becomes a folder of objects; what is there with the same content is left alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from .._aside import both, lasting
from ..errors import ObsError, UnusableName
from ..path import ObsPath, key_problem
from ..selection import Found, LocalFile, Selection, find, ignore_lines
from ..store import Store
from ..values import ObsEntry, OnProgress, Step, Transferred
from . import bulk as _bulk
from .digest import digest_for
from .flow import Lanes, Tally
from .folders import folders_of
from .upload import upload


class SyncUp:
    """One run of it.

    Args:
        store: has the bucket.
        lanes: bounds what is on its way.
        root: the local folder.
        target: the folder of objects.
        selection: which files belong to it.
    """

    def __init__(self, store: Store, lanes: Lanes, root: Path, target: ObsPath, selection: Selection) -> None:
        self._store = store
        self._lanes = lanes
        self._root = root
        self._target = target.folder()
        self._selection = selection
        self._workers = lanes.limits.transfers

    async def run(self, *, folders: bool, delete: bool, progress: OnProgress | None) -> Transferred:
        """Send what is not there yet.

        Args:
            folders: whether empty folders get a marker.
            delete: whether what the local folder does not have is removed; patterns and the ignore file protect it.
            progress: is called with each step.
        """
        found, there = await both(lasting(self._find), self._there())
        tally = Tally([file.size for file in found.files], progress)

        async def one(file: LocalFile) -> None:
            path = self._path(file.name)
            entry = there.get(file.name)
            if entry is not None and await self._same(file, entry):
                tally.skip(file.size)
            else:
                await upload(self._store, self._lanes, file, path, tally.file(file.size))

        failures = list(found.problems)
        failures += await _bulk.each(self._workers, found.files, one)
        if folders:
            failures += await self._mark(found, there)
        deleted = await self._delete(found, there, failures) if delete and not failures else 0
        return _bulk.outcome(tally, failures, deleted, found.left_out)

    async def plan(self, *, delete: bool) -> list[Step]:
        """What a run would do; nothing is changed."""
        found, there = await both(lasting(self._find), self._there())
        _bulk.outcome(Tally([], None), list(found.problems))
        differing = [
            file for file in found.files if (entry := there.get(file.name)) is None or not await self._same(file, entry)
        ]
        steps = [Step("upload", str(file.place), str(self._path(file.name))) for file in differing]
        gone = self._gone(found, there) if delete else []
        return steps + [Step("remove", str(entry.path)) for entry in gone]

    def _path(self, name: str) -> ObsPath:
        path = ObsPath(self._target.bucket, f"{self._target.key}{name}")
        problem = key_problem(path.key)
        if problem is not None:
            raise UnusableName(problem, path=path)
        return path

    def _find(self, check: Callable[[], None]) -> Found:
        self._selection = self._selection.with_ignored(ignore_lines(self._root))
        return find(self._root, self._selection, check=check)

    async def _there(self) -> dict[str, ObsEntry]:
        cut = len(self._target.key)
        return {
            entry.path.key[cut:]: entry
            async for page in self._store.pages(self._target, recursive=True)
            for entry in page
        }

    async def _same(self, file: LocalFile, entry: ObsEntry) -> bool:
        if entry.size != file.size:
            return False
        theirs = await self._store.fingerprint(entry)
        part_bytes = self._lanes.limits.part_of(file.size)
        digest = digest_for(theirs, file.size, part_bytes)
        if digest is not None:
            mine = await self._lanes.digest(file.place, file.size, digest)
            if mine == theirs:
                return True
            if theirs != entry.etag or await self._store.exact(entry):
                return False
        # Nothing tells what it holds, so only the times are left.
        written = datetime.fromtimestamp(file.mtime_ns / 1e9, UTC)
        return entry.modified is not None and entry.modified >= written

    async def _mark(self, found: Found, there: dict[str, ObsEntry]) -> list[ObsError]:
        missing = [name for name in found.empty_folders if name not in there]

        async def one(name: str) -> None:
            await self._store.put(self._path(name), b"")

        return await _bulk.each(self._workers, missing, one)

    async def _delete(self, found: Found, there: dict[str, ObsEntry], failures: list[ObsError]) -> int:
        gone = self._gone(found, there)

        async def one(entry: ObsEntry) -> None:
            await self._store.delete(entry.path)

        missed = await _bulk.each(self._workers, gone, one)
        failures += missed
        return len(gone) - len(missed)

    def _gone(self, found: Found, there: dict[str, ObsEntry]) -> list[ObsEntry]:
        """What the local folder does not have."""
        here = {file.name for file in found.files} | folders_of(file.name for file in found.files)
        here |= set(found.empty_folders) | folders_of(found.empty_folders) | {""}
        return [entry for name, entry in there.items() if name not in here and self._selection.has(name)]
