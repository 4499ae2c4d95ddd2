"""A service with a limit, in virtual time: a token bucket that answers 429 when it is empty, and clients against it."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from attrs import define, field, frozen

from aiomodelarts._net.governor import Governor
from aiomodelarts._net.limits import Limits
from aiomodelarts._wire.call import Share
from tests.support.clocks import LoopClock

T = TypeVar("T")


class _Leaping(selectors.DefaultSelector):
    """Passes the time that it is told to wait at once."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for something that never comes")
        self.passed_s += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop without sockets, on which no time passes but by waiting."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.passed_s

    def pass_time(self, seconds: float) -> None:
        """Let time pass at once, as for a machine that slept."""
        self._leaping.passed_s += seconds


def virtually(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


@frozen
class Answer:
    accepted: bool
    retry_after_s: float | None = None
    trouble: bool = False


@define
class Bucket:
    """The far side.

    Args:
        rate: tokens per second.
        size: tokens that it holds.
        latency: bounds of the time to an answer.
        retry_after_s: what a refusal asks for.
        by_chance: the share of all requests that is refused whatever their rate.
    """

    rate: float
    size: float
    latency: tuple[float, float]
    retry_after_s: float | None
    rng: random.Random
    by_chance: float = 0.0
    down: bool = False
    accepted: list[float] = field(factory=list)
    refused: list[float] = field(factory=list)
    _tokens: float | None = None
    _seen: float = 0.0

    async def send(self) -> Answer:
        now = asyncio.get_running_loop().time()
        answer = self._admit(now)
        await asyncio.sleep(self.rng.uniform(*self.latency))
        return answer

    def _admit(self, now: float) -> Answer:
        if self.down:
            return Answer(accepted=False, trouble=True)
        if self.by_chance and self.rng.random() < self.by_chance:
            self.refused.append(now)
            return Answer(accepted=False, retry_after_s=self.retry_after_s)
        tokens = self.size if self._tokens is None else self._tokens
        tokens = min(self.size, tokens + (now - self._seen) * self.rate)
        self._seen = now
        # Sums of many small steps fall short of a whole by less than this.
        if tokens >= 1 - 1e-9:
            self._tokens = tokens - 1
            self.accepted.append(now)
            return Answer(accepted=True)
        self._tokens = tokens
        self.refused.append(now)
        return Answer(accepted=False, retry_after_s=self.retry_after_s)


@define
class Client:
    """A session's governor with an endless queue of creations behind it."""

    bucket: Bucket
    governor: Governor = field(factory=lambda: Governor(Limits(), LoopClock()))
    accepted: int = 0
    refused: int = 0

    async def keep_sending(self, callers: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(self._one_after_the_other())

    async def _one_after_the_other(self) -> None:
        turn: int | None = None
        while True:
            place = await self.governor.enter(Share.CREATE, turn)
            answer = await self.bucket.send()
            turn = None
            if answer.accepted:
                self.accepted += 1
                place.answered()
            elif answer.trouble:
                place.lost()
                await asyncio.sleep(0.5)
            else:
                self.refused += 1
                turn = place.turn
                place.throttled(answer.retry_after_s)


async def for_a_while(
    seconds: float, *clients: Client, callers: int = 400, meanwhile: Callable[[], Any] | None = None
) -> None:
    """Let the clients send for so long."""
    tasks = [asyncio.create_task(client.keep_sending(callers)) for client in clients]
    if meanwhile is not None:
        tasks.append(asyncio.create_task(meanwhile()))
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
