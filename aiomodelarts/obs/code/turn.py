"""One of several processes at a time, agreed upon in a bucket.

Not every object storage can write only what is absent, so this is Lamport's bakery: who comes takes a number that is
larger than those of all who are there, and waits for the smaller ones. It asks no more of a bucket than that a listing
shows what was written before it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from uuid import uuid4

import orjson

from ... import _presence
from ..._clock import Clock
from ..errors import ObsError
from ..obs import Obs
from ..path import ObsPath

_log = logging.getLogger("aiomodelarts.code")
_CHOOSING = "choosing"
_LOOK_S = 1.0
_BEAT_S = 10.0
_DEAD_AFTER_S = 45.0


class Turn:
    """A place in the queue. Whoever holds one shows that it lives; one who is silent for long is passed over, and one
    whose process is gone from this machine at once.

    Args:
        obs: the store.
        folder: holds the queue, one object for each who waits; it is empty when nobody does.
        clock: measures how long others are silent.
    """

    def __init__(self, obs: Obs, folder: ObsPath, clock: Clock) -> None:
        self._obs = obs
        self._folder = folder.folder()
        self._clock = clock
        self._me = uuid4().hex
        self._choosing = self._folder / f"{_CHOOSING}-{self._me}"
        self._who: dict[str, str] = {}
        self._ticket: ObsPath | None = None
        self._seen: dict[str, tuple[str | None, float]] = {}
        self._beating: asyncio.Task[None] | None = None

    async def come(self, over: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for the turn; True when it has come, False when there is nothing to do any more.

        Args:
            over: whether somebody else has done it all; asked again and again.
        """
        self._who = await asyncio.to_thread(_this_process)
        await self._obs.write(self._choosing, self._shown(0))
        number = 1 + max((_number(name) for name in await self._names()), default=0)
        self._ticket = self._folder / f"{number:06d}-{self._me}"
        await self._obs.write(self._ticket, self._shown(0))
        await self._obs.delete(self._choosing)
        self._beating = asyncio.create_task(self._beat(self._ticket))
        while await self._others(self._ticket.name):
            if await over():
                return False
            await self._clock.sleep(_LOOK_S)
        return True

    async def leave(self) -> None:
        """Let the next one come."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait([self._beating])
        for path in (self._choosing, self._ticket):
            # What is left behind costs the next one some waiting, no more.
            with contextlib.suppress(ObsError):
                if path is not None:
                    await self._obs.delete(path)

    async def _names(self) -> dict[str, str | None]:
        """Who is there, and the ETag that changes while they live."""
        return {entry.path.name: entry.etag async for entry in self._obs.list(self._folder)}

    async def _others(self, mine: str) -> bool:
        """Whether somebody who lives comes first, or has not chosen a number yet."""
        now = self._clock.monotonic()
        waited_for = False
        for name, etag in (await self._names()).items():
            before = self._seen.get(name)
            if before is None or before[0] != etag:
                before = self._seen[name] = (etag, now)
            if name.endswith(self._me) or not (name.startswith(_CHOOSING) or name < mine):
                continue
            if now - before[1] < _DEAD_AFTER_S and not await self._is_gone(name):
                waited_for = True
                continue
            _log.warning("%s%s is dead, and is passed over", self._folder, name)
            await self._obs.delete(self._folder / name)
        return waited_for

    async def _is_gone(self, name: str) -> bool:
        """Whether the one who holds this place was a process of this machine, and is not there any more."""
        try:
            shown = orjson.loads(await self._obs.read(self._folder / name))
            return await asyncio.to_thread(_presence.is_gone, shown["place"], shown["process"])
        except (ObsError, ValueError, KeyError, TypeError):
            return False

    def _shown(self, beat: int) -> bytes:
        return orjson.dumps({**self._who, "beat": beat})

    async def _beat(self, ticket: ObsPath) -> None:
        count = 0
        while True:
            await self._clock.sleep(_BEAT_S)
            count += 1
            with contextlib.suppress(ObsError):
                await self._obs.write(ticket, self._shown(count))


def _this_process() -> dict[str, str]:
    return {"place": _presence.place(), "process": _presence.process()}


def _number(name: str) -> int:
    number = name.partition("-")[0]
    return int(number) if number.isdecimal() else 0
