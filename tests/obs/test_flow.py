"""Room for what is on its way, and short work in threads."""

import asyncio

import pytest

from aiomodelarts.obs import TransferLimits
from aiomodelarts.obs._transfer.flow import Lanes


def lanes(transfers: int = 1) -> Lanes:
    return Lanes(TransferLimits(transfers=transfers, bytes_in_flight=100))


class TestLanes:
    async def test_one_who_is_cancelled_while_room_becomes_free(self) -> None:
        shared = lanes()

        async def hold() -> None:
            async with shared.take(1):
                pass

        async with shared.take(1):
            waiting = asyncio.create_task(hold())
            await asyncio.sleep(0)
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(hold(), 5)

    async def test_one_who_is_cancelled_when_the_turn_has_come(self) -> None:
        shared = lanes()

        async def hold() -> None:
            async with shared.take(1):
                pass

        async with shared.take(1):
            waiting = asyncio.create_task(hold())
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(hold(), 5)

    async def test_first_come_first_served(self) -> None:
        shared = lanes(2)
        order: list[int] = []

        async def hold(number: int, size: int) -> None:
            async with shared.take(size):
                order.append(number)
                await asyncio.sleep(0)

        async with shared.take(60):
            tasks = [asyncio.create_task(hold(number, size)) for number, size in enumerate((90, 1, 1_000, 1))]
            await asyncio.sleep(0.01)
            # The first one does not fit beside what is held, and nobody overtakes it.
            assert order == []
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3]
