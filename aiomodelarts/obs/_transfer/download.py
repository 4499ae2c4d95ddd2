"""One object becomes one local file."""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

from .._aside import aside, opened, together
from ..errors import ContentDamaged
from ..store import Content, Store
from ..values import ObsEntry
from .checked import TRIES
from .digest import Digest, digest_for
from .flow import Lanes, Steps
from .landing import Ground, Landing, land

_AT_ONCE = 4
# Small enough to stay in the processor's cache on its way to the file.
_PIECE = 1024 * 1024


async def download(store: Store, lanes: Lanes, entry: ObsEntry, place: Path, ground: Ground, steps: Steps) -> None:
    """Fetch an object into a file, which appears when it is whole and checked.

    Args:
        store: has the object.
        lanes: bounds what is on its way.
        entry: the object; it must not change meanwhile.
        place: where the file will be.
        ground: where the file has to lie.
        steps: is told each step.

    Raises:
        ContentDamaged: it did not arrive as it is there, several times.
        ObsChanged: it was written anew meanwhile.
        DiskFull, TargetIsFolder, TargetIsFile, LinkOutside, UnusableName: the file cannot be there.
    """
    fetch = _whole if entry.size <= lanes.limits.part_bytes else _in_parts
    for attempt in range(TRIES):
        try:
            await fetch(store, lanes, entry, place, ground, steps)
            break
        except ContentDamaged:
            steps.restart()
            if attempt == TRIES - 1:
                raise
        except BaseException:
            steps.restart()
            raise
    steps.finished()


async def _whole(store: Store, lanes: Lanes, entry: ObsEntry, place: Path, ground: Ground, steps: Steps) -> None:
    async with lanes.take(entry.size):
        content = await store.get(entry, 0, entry.size)
        if not await lanes.aside(entry.size, _landed, content, entry, place, ground):
            await _damaged(store, entry)
            await aside(land, place, ground, content, entry.modified)
    steps.moved(entry.size)


def _landed(content: Content, entry: ObsEntry, place: Path, ground: Ground) -> bool:
    digest = digest_for(entry.etag, entry.size, entry.size)
    if digest is not None:
        digest.add(content)
        if digest.value() != entry.etag:
            return False
    land(place, ground, content, entry.modified)
    return True


async def _damaged(store: Store, entry: ObsEntry) -> None:
    """Raise, unless the ETag turns out not to be a check sum at all."""
    if await store.exact(entry):
        raise ContentDamaged("it arrives damaged; what is here was left as it is", path=entry.path)


async def _in_parts(store: Store, lanes: Lanes, entry: ObsEntry, place: Path, ground: Ground, steps: Steps) -> None:
    part_bytes = lanes.limits.part_of(entry.size)
    landing = await opened(Landing, Landing.close, place, ground, entry, part_bytes)
    try:
        parts = _Parts(store, lanes, entry, landing, part_bytes, steps)
        await parts.take_over()
        await together(parts.at_once, parts.fetch)
        if parts.etag not in (None, entry.etag):
            try:
                await _damaged(store, entry)
            except ContentDamaged:
                await aside(landing.discard)
                raise
        await aside(landing.finish, entry.modified)
    finally:
        await aside(landing.close)


class _Parts:
    """The parts of one object, each fetched once, and added up in their order as soon as they are there."""

    def __init__(
        self, store: Store, lanes: Lanes, entry: ObsEntry, landing: Landing, part_bytes: int, steps: Steps
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._entry = entry
        self._landing = landing
        self._part_bytes = part_bytes
        self._steps = steps
        self._count = -(-entry.size // part_bytes)
        self._missing: Iterator[range] = iter(())
        self._there: set[int] = set()
        self._digest = digest_for(entry.etag, entry.size, part_bytes)
        self.at_once = min(_AT_ONCE, lanes.limits.transfers)
        self._added = 0
        self._adding = False

    @property
    def etag(self) -> str | None:
        """The ETag of what is here, or None where it cannot be told."""
        return self._digest.value() if self._digest is not None else None

    async def take_over(self) -> None:
        """Find what an earlier try left."""
        for index in range(self._count):
            start, end = self._range(index)
            if await aside(self._landing.there, index):
                self._there.add(index)
                self._steps.moved(end - start)
        missing = [index for index in range(self._count) if index not in self._there]
        # Few requests, but so many that whoever is done first finds more to do.
        self._missing = _runs(missing, max(1, len(missing) // (2 * self.at_once)))
        await self._add_up()

    async def fetch(self) -> None:
        """Fetch parts until none is missing."""
        for run in self._missing:
            await self._fetch(run)

    async def _fetch(self, run: range) -> None:
        """Fetch parts that follow each other with one request; each counts as soon as it is there."""
        at, end = self._range(run.start)[0], self._range(run.stop - 1)[1]
        check = 0
        stream = self._store.stream(self._entry, at, end, min(_PIECE, self._part_bytes))
        async with self._lanes.take(self._part_bytes), aclosing(stream) as pieces:
            async for piece in pieces:
                check = await aside(self._landing.write, at, piece, check)
                before, at = at // self._part_bytes, at + len(piece)
                self._steps.moved(len(piece))
                # Let go before the next one is asked for.
                del piece
                self._there.update(range(before, self._count if at == self._entry.size else at // self._part_bytes))
                await self._add_up()

    async def _add_up(self) -> None:
        if self._adding or self._digest is None:
            return
        self._adding = True
        while self._added in self._there:
            await aside(_add, self._digest, self._landing, self._added)
            self._added += 1
        self._adding = False

    def _range(self, index: int) -> tuple[int, int]:
        start = index * self._part_bytes
        return start, min(start + self._part_bytes, self._entry.size)


def _add(digest: Digest, landing: Landing, index: int) -> None:
    # From the file and not from memory: what counts is what is there.
    for piece in landing.pieces(index):
        digest.add(piece)


def _runs(indexes: Sequence[int], longest: int) -> Iterator[range]:
    """The same numbers as runs of such that follow each other, in their order."""
    begun = 0
    for number in range(1, len(indexes) + 1):
        over = number == len(indexes) or indexes[number] != indexes[number - 1] + 1
        if over or number - begun == longest:
            yield range(indexes[begun], indexes[number - 1] + 1)
            begun = number
