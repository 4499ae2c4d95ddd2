"""Waiting for room in the budget."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..ledger.errors import NoRoom
from .brake import Brake
from .halts import BudgetUsedUp

T = TypeVar("T")

_PAUSE_S = 1.0


class GiveWay(Exception):
    """There is something else to do while there is no room."""


class Room:
    """Reserves when there is room, and knows when there will be none any more.

    Args:
        brake: ends the waiting, and is pulled when the budget is used up.
        more_may_come: tells whether a trial that is not over holds a part that it may give back.
        others_wait: tells whether there is something to do that needs no room.
        tell: is told what is waited for, and None when that is over.
    """

    def __init__(
        self,
        brake: Brake,
        more_may_come: Callable[[], Awaitable[bool]],
        others_wait: Callable[[], bool],
        tell: Callable[[str | None], Awaitable[None]],
    ) -> None:
        self._brake = brake
        self._more_may_come = more_may_come
        self._others_wait = others_wait
        self._tell = tell
        self._turn = asyncio.Lock()

    async def wait_for(self, reserve: Callable[[], Awaitable[T]]) -> T:
        """What the reservation gives, once there is room for it.

        Args:
            reserve: asks for it; ``NoRoom`` asks again later.

        Raises:
            GiveWay: not yet, and there is something else to do meanwhile.
            Halt: there will be none, or the sweep ends for another reason.
        """
        with contextlib.suppress(NoRoom):
            return await reserve()
        async with self._turn:
            await self._tell("waits for room in the budget, until a version that runs has ended")
            while True:
                # Asked first: what ends meanwhile gives room.
                more_may_come = await self._more_may_come()
                try:
                    reserved = await reserve()
                except NoRoom:
                    if not more_may_come:
                        halt = BudgetUsedUp(
                            "the budget is used up: what is left is less than one version may take; with more under "
                            "[budget], the same command goes on"
                        )
                        self._brake.pull(halt)
                        raise halt from None
                    await self._brake.pause(_PAUSE_S)
                    if self._others_wait():
                        raise GiveWay from None
                else:
                    await self._tell(None)
                    return reserved
