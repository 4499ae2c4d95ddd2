"""Content in memory becomes an object, or comes from one, and is compared with what the other side has."""

import hashlib

from ..errors import ContentDamaged
from ..path import ObsPath
from ..store import Content, Store
from ..values import ObsEntry
from .digest import digest_for, is_digest
from .flow import SENT_WHOLE, Lanes

TRIES = 3


async def put_checked(store: Store, lanes: Lanes, path: ObsPath, content: Content, *, if_absent: bool = False) -> None:
    """Write an object with one request, and make sure that what arrived is what left.

    Raises:
        ContentDamaged: it did not, several times; there is no object then.
        ObsExists: there is one, and it is to be written only ``if_absent``.
    """
    async with lanes.take(SENT_WHOLE * len(content)):
        mine = await lanes.aside(len(content), _md5, content)
        for attempt in range(TRIES):
            etag = await store.put(path, content, if_absent=if_absent)
            try:
                await check(store, path, len(content), etag, mine)
                return
            except ContentDamaged:
                if if_absent or attempt == TRIES - 1:
                    await store.delete(path)
                    raise


async def check(store: Store, path: ObsPath, size: int, etag: str | None, mine: str) -> None:
    """Compare what the storage has with what was sent.

    Args:
        store: has the object.
        path: of the object.
        size: of the object, in bytes.
        etag: that the storage gave it.
        mine: that it has to have.

    Raises:
        ContentDamaged: they differ, and the storage's comes from the content.
    """
    comparable = etag is not None and is_digest(etag) and ("-" in etag) == ("-" in mine)
    if comparable and etag != mine and await store.exact(ObsEntry(path, size, etag=etag)):
        raise ContentDamaged("it arrived damaged; send it again", path=path)


async def sound(store: Store, lanes: Lanes, entry: ObsEntry, content: Content) -> bool:
    """Whether content is what the object holds, as far as that can be told."""
    digest = digest_for(entry.etag, entry.size, lanes.limits.part_of(entry.size))
    if digest is None:
        return True
    await lanes.aside(len(content), digest.add, content)
    return digest.value() == entry.etag or not await store.exact(entry)


def _md5(content: Content) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
