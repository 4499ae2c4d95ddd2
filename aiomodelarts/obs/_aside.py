"""Blocking work that is over when its caller goes on, also when the caller is cancelled."""

import asyncio
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import frozen

from .._shielded import settled, to_its_end

T = TypeVar("T")
V = TypeVar("V")
P = ParamSpec("P")
_Outcome = tuple[Any, BaseException | None]
_AT_ONCE = 32
_MOST_TOGETHER = 16
_LONG_S = 0.008


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work returns, done in a thread.

    A thread cannot be cancelled. Were it left alone, it could write to a file that its owner has closed meanwhile,
    whose number by then belongs to another one; so a cancelled caller waits for its end first.
    """
    doing = asyncio.get_running_loop().run_in_executor(None, functools.partial(work, *args, **kwargs))
    return await to_its_end(doing)


class GivenUp(Exception):
    """Nobody waits for the work any more."""


def go_on() -> None:
    """What work that nobody can give up calls between its steps."""


async def lasting(work: Callable[Concatenate[Callable[[], None], P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like ``aside``, for work that may take minutes: what it is given first, and calls between its steps, ends it with
    an error when the caller is cancelled."""
    over = threading.Event()

    def check() -> None:
        if over.is_set():
            raise GivenUp

    doing = asyncio.get_running_loop().run_in_executor(None, functools.partial(work, check, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        over.set()
        await settled(doing)
        raise


@frozen
class _Piece:
    work: Callable[[], Any]
    done: "asyncio.Future[Any]"


class Batched:
    """Like ``aside``, for work that takes no longer than the way into a thread and back: several go together.

    What comes while all threads are at work goes with the first one that is free, so the more there is to do, the less
    each costs. As many go together as take eight milliseconds: on a slow disk each goes by itself, and many at once.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Piece] = deque()
        self._threads = 0
        self._together = _MOST_TOGETHER

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the work returns, done in a thread."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            # Not at once: more may come in this turn of the loop.
            loop.call_soon(self._hand_over)
        self._waiting.append(_Piece(functools.partial(work, *args, **kwargs), done))
        return await to_its_end(done)

    def _hand_over(self) -> None:
        while self._waiting and self._threads < _AT_ONCE // self._together:
            pieces = [self._waiting.popleft() for _ in range(min(self._together, len(self._waiting)))]
            try:
                doing = asyncio.get_running_loop().run_in_executor(None, _outcomes, pieces)
            except RuntimeError as error:
                # The program is about to end, and has no threads any more.
                _tell(pieces, [(None, error)] * len(pieces))
                continue
            self._threads += 1
            doing.add_done_callback(functools.partial(self._back, pieces))

    def _back(self, pieces: list[_Piece], doing: "asyncio.Future[tuple[list[_Outcome], float]]") -> None:
        outcomes, took_s = doing.result()
        self._threads -= 1
        self._together = min(_MOST_TOGETHER, max(1, int(_LONG_S * len(pieces) / max(took_s, _LONG_S / 100))))
        _tell(pieces, outcomes)
        self._hand_over()


def _outcomes(pieces: list[_Piece]) -> tuple[list[_Outcome], float]:
    """What came of each, and how long all took in seconds."""
    outcomes: list[_Outcome] = []
    begun = time.perf_counter()
    for piece in pieces:
        try:
            outcomes.append((piece.work(), None))
        except BaseException as error:  # noqa: BLE001  (whoever waits for it gets it)
            outcomes.append((None, error))
    return outcomes, time.perf_counter() - begun


def _tell(pieces: list[_Piece], outcomes: list[_Outcome]) -> None:
    for piece, (result, error) in zip(pieces, outcomes, strict=True):
        if error is None:
            piece.done.set_result(result)
        else:
            piece.done.set_exception(error)


async def opened(work: Callable[P, T], undo: Callable[[T], object], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work opens, in a thread; a cancelled caller never gets to see it, so ``undo`` is called with it."""
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await settled(task)
        if task.exception() is None:
            await settled(asyncio.create_task(asyncio.to_thread(undo, task.result())))
        raise


async def together(workers: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the same work several times at once; the first error ends all of them and comes out by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def both(one: Coroutine[Any, Any, T], other: Coroutine[Any, Any, V]) -> tuple[T, V]:
    """What the two find, done at the same time; the first error ends both and comes out by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return first.result(), second.result()
