"""Asking again and again until something is as it was to be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .._checks import check_timeout
from ..errors import ModelArtsError, WaitTimeout, Where
from ..session import AsyncSession

T = TypeVar("T")


async def until(
    session: AsyncSession, look: Callable[[], Awaitable[T | None]], where: Where, timeout_s: float | None
) -> T:
    """The first answer of ``look`` that is not None. A look that fails for a while does not end the wait.

    Raises:
        WaitTimeout: after ``timeout_s`` seconds.
        ModelArtsError: what ``look`` raises for good.
    """
    check_timeout(timeout_s)
    clock, cadence = session.seams.clock, session.cadence
    began, failures = clock.monotonic(), 0
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    found = await look()
                except ModelArtsError as error:
                    if not error.retryable:
                        raise
                    failures += 1
                else:
                    failures = 0
                    if found is not None:
                        return found
                await clock.sleep(cadence.pause_s(clock.monotonic() - began, failures))
    except TimeoutError as error:
        raise WaitTimeout(f"not done within {timeout_s} s; what was begun goes on", where=where) from error
