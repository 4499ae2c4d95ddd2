"""One exchange between a client and the core, with the faults of the line between them.

It knows no socket: what is to happen on the line is told by a :class:`Delivery`, which the listener (or a simulated
line) carries out.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import orjson
from attrs import evolve, frozen

from aiomodelarts._wire.message import Request
from aiomodelarts.local import refusals
from aiomodelarts.local.answers import Answer, Tidy
from aiomodelarts.local.core import Core, find_route
from aiomodelarts.local.faults import Fault, Faults
from aiomodelarts.local.rate import RateLimit
from aiomodelarts.local.refusals import Refusal, RefusedError

_CODES = {401: "0202", 403: "0112", 404: "2775", 408: "4205", 409: "2878", 429: "6101", 503: "4302", 504: "4503"}


@frozen
class Delivery:
    """What goes back over the line.

    Args:
        answer: None means that the connection is reset without one.
        drip_s: the body takes this long to arrive.
        truncated: the connection ends in the middle of the body.
    """

    answer: Answer | None
    drip_s: float = 0.0
    truncated: bool = False


class Exchange:
    """Serves requests as the core does, through a line with faults and a limit on the rate.

    Args:
        core: does the work.
        faults: what goes wrong.
        rate: what is too much.
        monotonic: seconds that never go back.
        sleep: waits that many seconds.
        spawn: runs work that outlives its request.
    """

    def __init__(
        self,
        core: Core,
        faults: Faults,
        rate: RateLimit,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self.core = core
        self.faults = faults
        self.requests: dict[str, int] = {}
        self._rate = rate
        self._monotonic = monotonic
        self._sleep = sleep
        self._spawn = spawn

    async def serve(self, request: Request) -> Delivery:
        """Answer a request, or do to it what its fault demands."""
        name = _operation(request)
        self.requests[name] = self.requests.get(name, 0) + 1
        fault = self.faults.draw(request.method, request.path)
        if fault is not None:
            return await self._meet(fault, request)
        wait_s = self._rate.excess_s(name, request.method, self._monotonic())
        if wait_s is not None:
            self.faults.note("rate")
            refused = refusals.throttled(wait_s if self._rate.says_when() else None)
            return Delivery(Tidy().refusal("", refused.refusal))
        return Delivery(await self.core.answer(request))

    def stats(self) -> dict[str, dict[str, int]]:
        """Counts of requests by operation, of faults by kind, of versions by status."""
        return {
            "requests": dict(self.requests),
            "faults": dict(self.faults.counts),
            "versions": self.core.board.count_by_status(),
        }

    async def _meet(self, fault: Fault, request: Request) -> Delivery:
        match fault.kind:
            case "status" | "envelope" | "token_expired":
                return Delivery(_refusal(fault))
            case "reset_before":
                return Delivery(None)
            case "reset_after":
                await self.core.answer(request)
                return Delivery(None)
            case "late_commit":
                self._spawn(self._late(fault, request))
                return Delivery(_refusal(evolve(fault, code=504)))
            case "stale_list":
                return Delivery(await self.core.answer(request, fault.seconds))
            case "delay_before":
                await self._sleep(fault.seconds)
            case _:
                pass
        answer = await self.core.answer(request)
        if fault.kind == "wrong_type":
            answer = _of_wrong_types(answer)
        drip_s = fault.seconds if fault.kind == "slow_drip" else 0.0
        return Delivery(answer, drip_s=drip_s, truncated=fault.kind == "truncate")

    async def _late(self, fault: Fault, request: Request) -> None:
        await self._sleep(fault.seconds)
        await self.core.answer(request)


def _operation(request: Request) -> str:
    try:
        return find_route(request.method, request.path)[0].name
    except RefusedError:
        return "unknown"


def _refusal(fault: Fault) -> Answer:
    status = {"envelope": 200, "token_expired": 401}.get(fault.kind, fault.code)
    code = fault.error_code or f"ModelArts.{_CODES.get(status, '6102')}"
    answer = Tidy().refusal("", Refusal(status, code, "A fault of the local platform's faults."))
    return answer if fault.retry_after is None else evolve(answer, headers={"retry-after": fault.retry_after})


def _of_wrong_types(answer: Answer) -> Answer:
    """The same members with values that no document allows."""
    if answer.payload is None:
        return answer
    wrong: dict[type, object] = {int: {"odd": True}, str: [], list: "text", dict: 7, type(None): {"odd": True}}
    payload = orjson.loads(answer.encode().body)
    dressed = {name: value if isinstance(value, bool) else wrong[type(value)] for name, value in payload.items()}
    return Answer(answer.status, dressed, answer.headers)
