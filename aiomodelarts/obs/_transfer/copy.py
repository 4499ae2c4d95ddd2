"""One object becomes another one."""

from collections.abc import AsyncIterator

from ..path import ObsPath
from ..store import Content, Store
from ..values import MIB, ObsEntry
from .flow import BESIDE_PARTS, Lanes

# What OBS copies by itself at most; more is read and written here.
_MOST_COPIED = 5 * 1024 * MIB


async def copy(store: Store, lanes: Lanes, entry: ObsEntry, target: ObsPath) -> None:
    """Write an object with the content of another one.

    Args:
        store: has both.
        lanes: bounds what is on its way.
        entry: what is copied.
        target: where to.
    """
    if entry.size <= _MOST_COPIED:
        async with lanes.take(0):
            await store.copy(entry.path, target)
        return
    part_bytes = lanes.limits.part_of(entry.size)
    async with lanes.take((2 + BESIDE_PARTS) * part_bytes):
        await store.put_parts(target, _content(store, entry, part_bytes), part_bytes, 1)


async def _content(store: Store, entry: ObsEntry, part_bytes: int) -> AsyncIterator[Content]:
    for start in range(0, entry.size, part_bytes):
        yield await store.get(entry, start, min(start + part_bytes, entry.size))
