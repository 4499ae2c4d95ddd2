"""Computations beside the event loop: it gets its turn soon, and the interpreter is left as it was."""

import asyncio
import sys

import pytest

from aiomodelarts.sweep.engine.aside import aside


def turns() -> float:
    return sys.getswitchinterval()


async def test_threads_take_short_turns_as_long_as_something_is_computed() -> None:
    usual = sys.getswitchinterval()
    assert await aside(turns) == pytest.approx(0.0005)
    assert sys.getswitchinterval() == usual


async def test_several_at_once_and_failures_leave_it_as_it_was() -> None:
    usual = sys.getswitchinterval()

    def fail() -> None:
        raise ValueError

    seen = await asyncio.gather(
        *(aside(turns) for _ in range(20)), *(aside(fail) for _ in range(3)), return_exceptions=True
    )
    assert seen[:20] == [pytest.approx(0.0005)] * 20
    assert all(isinstance(one, ValueError) for one in seen[20:])
    assert sys.getswitchinterval() == usual


async def test_whoever_wants_even_shorter_turns_keeps_them() -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    mine = sys.getswitchinterval()
    try:
        for _ in range(20):
            assert await aside(turns) == mine
        assert sys.getswitchinterval() == mine
    finally:
        sys.setswitchinterval(usual)
