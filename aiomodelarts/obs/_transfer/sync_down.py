"""A folder of objects becomes a local folder; what is here with the same content is left alone."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from .._aside import aside
from .._local import locally
from ..errors import LinkOutside, ObsError, ObsNotFound, SourceVanished, TargetIsFile
from ..path import ObsPath
from ..selection import LocalFile, Selection, find, ignore_lines
from ..store import Store
from ..values import ObsEntry, OnProgress, Step, Transferred
from . import bulk as _bulk
from .digest import digest_for
from .download import download
from .flow import Lanes, Tally
from .folders import check_local_name, collisions, folders_of, folds_names, may_collide
from .landing import Ground, known_file

# How far the clocks of a bucket and of this machine may be apart while both work together.
_MOST_SKEW_S = 15 * 60


@frozen
class _Plan:
    """What is to be here.

    Args:
        files: names and objects, with what is known of a file that is here already.
        folders: names of folders that have a marker.
        failures: what cannot be here.
    """

    files: tuple[tuple[str, ObsEntry, os.stat_result | None], ...]
    folders: tuple[str, ...]
    failures: tuple[ObsError, ...]


class SyncDown:
    """One run of it.

    Args:
        store: has the bucket.
        lanes: bounds what is on its way.
        source: the folder of objects.
        root: the local folder.
        selection: which objects belong to it.
    """

    def __init__(self, store: Store, lanes: Lanes, source: ObsPath, root: Path, selection: Selection) -> None:
        self._store = store
        self._lanes = lanes
        self._source = source.folder()
        self._root = root
        self._selection = selection
        self._workers = lanes.limits.transfers

    async def run(self, *, folders: bool, delete: bool, progress: OnProgress | None) -> Transferred:
        """Fetch what is not here yet.

        Args:
            folders: whether a folder is made for each marker.
            delete: whether files that the bucket does not have are removed; patterns and the ignore file protect them.
            progress: is called with each step.

        Raises:
            ObsNotFound: there is no such folder.
        """
        entries = await self._entries()
        await aside(_make_root, self._root)
        plan = await aside(self._plan, entries)
        tally = Tally([entry.size for _, entry, _ in plan.files], progress)
        ground = Ground(self._root)

        async def one(file: tuple[str, ObsEntry, os.stat_result | None]) -> None:
            name, entry, known = file
            place = self._root / name
            if await self._same(place, entry, known):
                tally.skip(entry.size)
            else:
                await download(self._store, self._lanes, entry, place, ground, tally.file(entry.size))

        failures = [*plan.failures, *await _bulk.each(self._workers, plan.files, one)]
        if folders:
            failures += await aside(self._make_folders, plan.folders)
        deleted = await aside(self._delete, plan, entries) if delete and not failures else 0
        return _bulk.outcome(tally, failures, deleted)

    async def plan(self, *, delete: bool) -> list[Step]:
        """What a run would do; nothing is changed."""
        entries = await self._entries()
        if not await aside(_is_folder, self._root):
            files = [
                (name, entry) for name, entry in entries.items() if not entry.is_folder and self._selection.has(name)
            ]
            return [Step("download", str(entry.path), str(self._root / name)) for name, entry in files]
        plan = await aside(self._plan, entries)
        _bulk.outcome(Tally([], None), list(plan.failures))
        differing = [
            (name, entry) for name, entry, known in plan.files if not await self._same(self._root / name, entry, known)
        ]
        steps = [Step("download", str(entry.path), str(self._root / name)) for name, entry in differing]
        gone = (await aside(self._gone, entries))[0] if delete else []
        return steps + [Step("remove", str(file.place)) for file in gone]

    async def _entries(self) -> dict[str, ObsEntry]:
        cut = len(self._source.key)
        found = {
            entry.path.key[cut:]: entry
            async for page in self._store.pages(self._source, recursive=True)
            for entry in page
        }
        if not found:
            await check_folder(self._store, self._source)
        found.pop("", None)
        return found

    def _plan(self, entries: dict[str, ObsEntry]) -> _Plan:
        failures: list[ObsError] = []
        files: dict[str, ObsEntry] = {}
        folders: list[str] = []
        for name, entry in entries.items():
            if not (self._selection.closes(name) if entry.is_folder else not self._selection.has(name)):
                try:
                    check_local_name(name, entry.path)
                except ObsError as error:
                    failures.append(error)
                    continue
                if entry.is_folder:
                    folders.append(name)
                else:
                    files[name] = entry
        with locally(self._root):
            folds = may_collide(files) and folds_names(self._root)
        left_out = collisions(files, folds=folds)
        failures += left_out.values()
        kept: list[tuple[str, ObsEntry, os.stat_result | None]] = []
        for name, entry in files.items():
            if name not in left_out:
                try:
                    kept.append((name, entry, known_file(self._root / name)))
                except ObsError as error:
                    failures.append(error)
        return _Plan(tuple(kept), tuple(folders), tuple(failures))

    async def _same(self, place: Path, entry: ObsEntry, known: os.stat_result | None) -> bool:
        if known is None or known.st_size != entry.size:
            return False
        fetched = _was_fetched(known, entry)
        if fetched and known.st_ctime - known.st_mtime > _MOST_SKEW_S:
            return True
        theirs = await self._store.fingerprint(entry)
        part_bytes = self._lanes.limits.part_of(entry.size)
        digest = digest_for(theirs, entry.size, part_bytes)
        if digest is None:
            return fetched
        try:
            return await self._lanes.digest(place, entry.size, digest) == theirs
        except SourceVanished:
            return False

    def _make_folders(self, names: Sequence[str]) -> list[ObsError]:
        failures: list[ObsError] = []
        real_root = self._root.resolve()
        for name in names:
            place = self._root / name
            try:
                with locally(place):
                    if not place.resolve().is_relative_to(real_root):
                        raise LinkOutside("a link on the way to it leads out of the folder", path=place)
                    place.mkdir(parents=True, exist_ok=True)
            except ObsError as error:
                failures.append(error)
        return failures

    def _delete(self, plan: _Plan, entries: dict[str, ObsEntry]) -> int:
        gone, empty_folders = self._gone(entries)
        for file in gone:
            with locally(file.place):
                file.place.unlink(missing_ok=True)
        kept = folders_of(entries) | set(plan.folders)
        emptied = folders_of(file.name for file in gone) | set(empty_folders)
        for name in sorted(emptied - kept, key=len, reverse=True):
            with contextlib.suppress(OSError):
                (self._root / name).rmdir()
        return len(gone)

    def _gone(self, entries: dict[str, ObsEntry]) -> tuple[list[LocalFile], tuple[str, ...]]:
        """Files that the bucket does not have, and the folders here that hold nothing."""
        selection = self._selection.with_ignored(ignore_lines(self._root))
        here = find(self._root, selection)
        # A file can also be reached through a link to a folder, under a name that the bucket does not have.
        kept = {_real(self._root / name) for name in entries}
        gone = [file for file in here.files if file.name not in entries and _real(file.place) not in kept]
        return gone, here.empty_folders


async def check_folder(store: Store, folder: ObsPath) -> None:
    """Return when a folder in which nothing was found is one all the same: a bucket, or a marker.

    Raises:
        ObsNotFound: it is none.
    """
    if not folder.key or await store.stat(folder) is not None:
        return
    if await store.stat(ObsPath(folder.bucket, folder.key.removesuffix("/"))) is not None:
        raise ObsNotFound("it is no folder but an object, which is copied by itself", path=folder)
    raise ObsNotFound("there is no such folder, and no object below it", path=folder)


def _make_root(root: Path) -> None:
    with locally(root):
        try:
            root.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise TargetIsFile("it is a file, and a folder is needed; move it away first", path=root) from None


def _is_folder(place: Path) -> bool:
    with locally(place):
        return place.is_dir()


def _real(place: Path) -> Path:
    """Where a file really lies; a link in its place is one of its own."""
    return Path(os.path.realpath(place.parent), place.name)


def _was_fetched(known: os.stat_result, entry: ObsEntry) -> bool:
    """Whether an earlier run put the file there, which checked it, and nobody has written to it since.

    A storage tells times in seconds. Where the file came in soon after its object was written, the object may have been
    written once more within the same second, so this alone does not suffice then.
    """
    return entry.modified is not None and known.st_mtime_ns // 1000 == int(entry.modified.timestamp() * 1_000_000)
