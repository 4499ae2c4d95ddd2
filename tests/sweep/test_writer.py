"""Writes that share a transaction: each of them is answered, whatever becomes of the one who writes."""

import asyncio
from collections.abc import Sequence

from aiomodelarts.sweep.ledger.writer import Writer


async def test_nobody_waits_for_a_writer_that_was_cancelled() -> None:
    at_it = asyncio.Event()

    async def never(writes: Sequence[int]) -> Sequence[int]:
        at_it.set()
        await asyncio.Event().wait()
        return writes

    writer: Writer[int] = Writer(never)
    first = asyncio.create_task(writer.write(1))
    await at_it.wait()
    second = asyncio.create_task(writer.write(2))
    await asyncio.sleep(0)
    assert writer._task is not None
    writer._task.cancel()
    done, _ = await asyncio.wait([first, second], timeout=5)
    assert done == {first, second}
    assert first.cancelled()
    assert second.cancelled()
