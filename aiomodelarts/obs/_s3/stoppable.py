"""Parts of an upload that can be given up: whoever sends them then takes back what is there already."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from ..._shielded import settled
from ..store import Content

T = TypeVar("T")

# As long as it may take to say at the storage that nothing will come of an upload.
_FAREWELL_S = 10.0


class _Stopped(Exception):
    """Nobody wants the object any more."""


class _Stoppable:
    """Parts that end with an error once ``stop`` was called."""

    def __init__(self, parts: AsyncIterable[Content]) -> None:
        self._parts = aiter(parts)
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stop(self) -> None:
        """Let the next part be an error."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    def __aiter__(self) -> AsyncIterator[Content]:
        return self

    async def __anext__(self) -> Content:
        if self._stopped.done():
            raise _Stopped
        part = asyncio.ensure_future(_next(self._parts))
        try:
            either: list[asyncio.Future[Any]] = [part, self._stopped]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not part.done():
                part.cancel()
                await settled(part)
        if part.cancelled():
            raise _Stopped
        return part.result()


async def sent(parts: AsyncIterable[Content], send: Callable[[AsyncIterable[Content]], Awaitable[T]]) -> T:
    """What ``send`` finds. Of a cancelled caller it learns by an error among the parts, and gets a while to clean up.

    A sender that is cancelled itself leaves what it has sent in the bucket: no object, but not for nothing either.
    """
    stoppable = _Stoppable(parts)
    sending = asyncio.ensure_future(send(stoppable))
    try:
        return await asyncio.shield(sending)
    except asyncio.CancelledError:
        stoppable.stop()
        try:
            await asyncio.wait([sending], timeout=_FAREWELL_S)
        finally:
            # Too late, or the caller is in a hurry.
            sending.cancel()
            await settled(sending)
        raise


async def _next(parts: AsyncIterator[Content]) -> Content:
    return await anext(parts)
