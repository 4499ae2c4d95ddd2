"""Those who take events, are slow, crash, and go on from the last cursor that they kept."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from attrs import define, field

from aiomodelarts import AsyncSession, ModelArtsError
from aiomodelarts._watch.cadence import PollS
from aiomodelarts.events import BEGINNING, Event
from tests.simulate.watching.halts import Halt, cancelled_after
from tests.simulate.watching.platform import Platform


@define(eq=False)
class Taken:
    """One event as it was given.

    Args:
        at_s: in the board's time.
        stream: number of the stream that gave it.
    """

    event: Event
    at_s: float
    stream: int


@define(eq=False, kw_only=True)
class Consumer:
    """One program that takes events.

    Args:
        job_ids: of these jobs.
        from_the_beginning: or from its start on.
        starts_s: when.
        slow_s: takes so long over an event, as long as the weather is bad.
        buffer: of each stream.
        log_stalled_s: whether it wants to know of logs that stand still.
        halts: interruptions.
        poll_s: how often it wants a look.
        kept: the events up to the last cursor that it kept, and those after it in the present stream.
        streams: how many there were.
        since_s: when the first of them began that goes on in the present one, in the board's time.
        until_s: when it ended.
    """

    job_ids: tuple[int, ...]
    from_the_beginning: bool
    starts_s: float
    slow_s: float = 0.0
    buffer: int = 10_000
    log_stalled_s: float | None = None
    halts: tuple[Halt, ...] = ()
    poll_s: PollS = None
    kept: list[Taken] = field(factory=list, repr=False)
    streams: int = 0
    since_s: float = 0.0
    until_s: float = 0.0
    given: int = 0
    errors: list[ModelArtsError] = field(factory=list)
    hurries: bool = False

    def __str__(self) -> str:
        return f"events of {list(self.job_ids)} from {self.starts_s:.2f} s"


Opens = Callable[[], Awaitable[AsyncSession]]


async def consume(consumer: Consumer, session: Callable[[], AsyncSession], anew: Opens, world: Platform) -> None:
    """Take events until cancelled, over all interruptions."""
    halts, own = list(consumer.halts), None
    try:
        while True:
            halt = halts.pop(0) if halts and not consumer.hurries else None
            work = _take(consumer, own or session(), world, halt)
            try:
                await cancelled_after(work, halt and halt.after_s, lambda: consumer.hurries)
            except ModelArtsError as error:
                consumer.errors.append(error)
                await asyncio.sleep(1.0)
            if halt is not None:
                if not halt.saved and consumer.kept and consumer.kept[-1].stream == consumer.streams:
                    # It crashed between dealing with the event and taking note of its cursor.
                    consumer.kept.pop()
                world.trace("bot", f"{consumer}: leaves behind {consumer.kept[-1].event.id if consumer.kept else None}")
                await asyncio.sleep(halt.away_s)
                if halt.anew:
                    if own is not None:
                        await own.close()
                    own = await anew()
    finally:
        consumer.until_s = world.now_s()
        if own is not None:
            await own.close()


async def _take(consumer: Consumer, session: AsyncSession, world: Platform, halt: Halt | None) -> None:
    after = BEGINNING if consumer.from_the_beginning else None
    if consumer.kept:
        after = consumer.kept[-1].event.cursor
    else:
        consumer.since_s = world.now_s()
    consumer.streams += 1
    stream, left = consumer.streams, halt.count if halt else None
    stalled_s, buffer = consumer.log_stalled_s, consumer.buffer
    events = session.events(consumer.job_ids, after, buffer=buffer, log_stalled_s=stalled_s, poll_s=consumer.poll_s)
    async with aclosing(events):
        async for event in events:
            consumer.kept.append(Taken(event, world.now_s(), stream))
            consumer.given += 1
            if not world.trace.muted:
                world.trace("bot", f"{consumer}: {event}")
            if left is not None and (left := left - 1) <= 0 and not consumer.hurries:
                return
            if consumer.slow_s and not consumer.hurries:
                await asyncio.sleep(consumer.slow_s)
