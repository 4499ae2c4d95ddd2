"""Those who follow logs, are interrupted, and go on behind the last line that they had."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from attrs import define, field

from aiomodelarts import AsyncSession, SessionClosed, TrainingJob
from aiomodelarts.models.logs import LogLine
from tests.simulate.watching.board import Life
from tests.simulate.watching.halts import Halt, cancelled_after
from tests.simulate.watching.platform import Platform


@define(eq=False, kw_only=True)
class Reader:
    """One who follows a log.

    Args:
        life: the version.
        starts_s: when.
        halts: interruptions.
        slow_s: takes so long over a line.
        lines: what it was given, with the board's time.
        error: how it ended; None for the end of the log.
    """

    life: Life
    starts_s: float
    halts: tuple[Halt, ...] = ()
    slow_s: float = 0.0
    lines: list[tuple[float, LogLine]] = field(factory=list, repr=False)
    error: Exception | None = None
    began_on_board_s: float = 0.0
    ended_on_board_s: float | None = None
    ended_s: float = 0.0
    over: bool = False

    def __str__(self) -> str:
        return f"log of {self.life.version_id} from {self.starts_s:.2f} s"


async def read(reader: Reader, session: Callable[[], AsyncSession], world: Platform) -> None:
    """Follow to the end, over all interruptions."""
    reader.began_on_board_s = world.now_s()
    halts = list(reader.halts)
    while not reader.over:
        halt = halts.pop(0) if halts else None
        try:
            await cancelled_after(_follow(reader, session(), world, halt), halt and halt.after_s)
        except SessionClosed:
            pass
        except Exception as error:  # noqa: BLE001  (judged later)
            reader.error, reader.over = error, True
        if not reader.over:
            world.trace("reader", f"{reader}: leaves after {len(reader.lines)} lines")
            await asyncio.sleep(halt.away_s if halt else 0.0)
    reader.ended_on_board_s, reader.ended_s = world.now_s(), world.clock.monotonic()
    world.trace("reader", f"{reader}: over after {len(reader.lines)} lines, {reader.error!r}")


async def _follow(reader: Reader, session: AsyncSession, world: Platform, halt: Halt | None) -> None:
    handle = TrainingJob.attach(session, reader.life.job_id, reader.life.version_id)
    marker = reader.lines[-1][1].marker if reader.lines else None
    left = halt.count if halt else None
    async with aclosing(handle.logs(follow=True, after=marker)) as lines:
        async for line in lines:
            reader.lines.append((world.now_s(), line))
            if left is not None and len(reader.lines) and (left := left - 1) == 0:
                return
            if reader.slow_s:
                await asyncio.sleep(reader.slow_s)
    reader.over = True
