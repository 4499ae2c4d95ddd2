"""Lets no cancellation into the middle of a transaction: one that is cut off may keep the file locked."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from ..._shielded import to_its_end

P = ParamSpec("P")
T = TypeVar("T")


def uncut(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same work, which a cancellation waits for."""

    @functools.wraps(work)
    async def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        return await to_its_end(asyncio.ensure_future(work(*args, **kwargs)))

    return whole
