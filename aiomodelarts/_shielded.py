"""Work that is over when its caller goes on, however often the caller is cancelled meanwhile."""

import asyncio
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(work: "asyncio.Future[T]") -> T:
    """What the work gives; whoever is cancelled meanwhile leaves when it is done, and no sooner."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await settled(work)
        raise


async def settled(work: "asyncio.Future[Any]") -> None:
    """Return when it is over; whoever asked has gone, and with them the interest in a failure."""
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            # Several may cancel, and it is about to end anyway.
            continue
    if not work.cancelled():
        work.exception()
