"""Large answers are read off the loop, small ones on it, and both alike."""

import asyncio
import random
import threading
from collections.abc import Callable

import pytest

from aiomodelarts import ApiError, InvalidRequest, Limits, RetryPolicy, SystemClock, Where
from aiomodelarts._net.caller import Caller
from aiomodelarts._net.governor import Governor
from aiomodelarts._net.retry import Retry
from aiomodelarts._wire.call import Call, Kind
from aiomodelarts._wire.message import Request, Response

_SMALL, _LARGE = b"x" * 1000, b"x" * 1_000_000


class Answering:
    """A transport that answers everything with the same body."""

    def __init__(self, body: bytes) -> None:
        self._response = Response(200, {}, body)

    async def send(self, request: Request) -> Response:
        return self._response

    async def close(self) -> None:
        return


async def _asked(body: bytes, read: Callable[[Response], str]) -> str:
    clock = SystemClock()
    retry, governor = Retry(RetryPolicy(), clock, random.Random(1)), Governor(Limits(), clock)
    caller = Caller(Answering(body), None, retry, governor, clock, asyncio.to_thread)
    return await caller(Call(Where("getSomething", 7), Kind.READ, Request("GET", "http://127.0.0.1", "/"), read))


@pytest.mark.parametrize(("body", "on_the_loop"), [(_SMALL, True), (_LARGE, False)])
async def test_where_an_answer_is_read(body: bytes, on_the_loop: bool) -> None:
    loops_thread = threading.current_thread().name
    read_by = await _asked(body, lambda _: threading.current_thread().name)
    assert (read_by == loops_thread) is on_the_loop


@pytest.mark.parametrize("body", [_SMALL, _LARGE])
async def test_a_refusal_comes_out_the_same_way(body: bytes) -> None:
    def refuse(_: Response) -> str:
        raise InvalidRequest("no", status=400)

    with pytest.raises(ApiError, match="no") as caught:
        await _asked(body, refuse)
    assert caught.value.where == Where("getSomething", 7)
