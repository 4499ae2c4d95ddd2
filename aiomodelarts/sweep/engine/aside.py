"""Long computations in another thread, which let the event loop have its turn soon whenever it wants it."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Python lets a thread that computes keep the interpreter for 5 ms while others wait for it, again and again.
_TURN_S = 0.0005
# It cuts off what is less than a microsecond, also where that is an error of rounding.
_HALF_A_STEP_S = 5e-7

_lock = threading.Lock()
_busy = 0
_usual_s = 0.0


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work gives, which is done in another thread."""

    def in_short_turns() -> T:
        with _short_turns():
            return work(*args, **kwargs)

    return await asyncio.to_thread(in_short_turns)


@contextmanager
def _short_turns() -> Iterator[None]:
    """Have threads take turns more often, as long as one of these computations goes on."""
    global _busy, _usual_s  # noqa: PLW0603  (the interpreter has one such setting)
    with _lock:
        _busy += 1
        if _busy == 1:
            _usual_s = sys.getswitchinterval()
            sys.setswitchinterval(min(_usual_s + _HALF_A_STEP_S, _TURN_S))
    try:
        yield
    finally:
        with _lock:
            _busy -= 1
            if _busy == 0:
                sys.setswitchinterval(_usual_s + _HALF_A_STEP_S)
