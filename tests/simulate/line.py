"""The line to the far side, in memory and in virtual time, with its faults."""

import asyncio
import itertools
import random
from collections.abc import Coroutine, Iterator
from typing import Any

import orjson
from attrs import define, evolve, field, frozen

from aiomodelarts._wire.message import Request, Response
from aiomodelarts.errors import AnswerTimeout, ConnectionBroken, NotSent
from aiomodelarts.local.exchange import Delivery, Exchange
from aiomodelarts.local.faults import Faults, Rule
from aiomodelarts.local.gatekeeper import Keys
from aiomodelarts.local.rate import RateLimit
from tests.support.clocks import LoopClock

KEYS = Keys("region", "0" * 32, "AK", "SK", "account", "user", "password", "token", "admin")


class WallClock(LoopClock):
    """The loop's time, and a wall clock that somebody sets."""

    def __init__(self) -> None:
        self.set_by_s = 0.0

    def now(self) -> float:
        return super().now() + self.set_by_s


@frozen
class Event:
    """One line of the trace."""

    at_s: float
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.at_s:10.4f} {self.who:<8} {self.what}"


class Trace:
    """Who did what when; a muted one keeps nothing, which is faster."""

    def __init__(self, *, muted: bool = False) -> None:
        self.events: list[Event] = []
        self.muted = muted

    def __call__(self, who: str, what: str) -> None:
        if not self.muted:
            self.events.append(Event(asyncio.get_running_loop().time(), who, what))


@frozen(kw_only=True)
class Conditions:
    """What the line to the far side is like in a run.

    Args:
        rules: what goes wrong, and how often.
        rate: what is too much, by operation.
        latency_s: bounds of the time that one way takes.
        timeout_s: seconds after which an answer is given up.
        not_sent: the share of requests that never leave.
        odd_answers: the share of good answers that are oddly put.
        by_token: whether requests carry a token and not a signature.
        in_flight: ceiling on the requests that are out.
    """

    seed: int
    rules: tuple[Rule, ...] = ()
    rate: dict[str, float] = field(factory=dict)
    latency_s: tuple[float, float]
    timeout_s: float
    not_sent: float = 0.0
    odd_answers: float = 0.0
    by_token: bool = False
    in_flight: int


class FarSide:
    """What is at the other end of the line, and the line's faults.

    Args:
        plan: what the line is like.
        trace: is told what is sent and answered.
        clock: what time it is.
        core: answers.
    """

    def __init__(self, plan: Any, trace: Trace, clock: WallClock, core: Any) -> None:
        self.plan, self.trace, self.clock, self.core = plan, trace, clock, core
        self.violations: list[str] = []
        self.faults = Faults(plan.rules)
        self.exchange = Exchange(core, self.faults, RateLimit(plan.rate), clock.monotonic, clock.sleep, self.spawn)
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.odd_answers = plan.odd_answers
        self.not_sent = plan.not_sent

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Work of the far side, which nobody here can cancel."""
        task = asyncio.create_task(work)
        self.tasks[task] = None
        task.add_done_callback(self._over)
        return task

    def _over(self, task: "asyncio.Task[Any]") -> None:
        del self.tasks[task]
        if not task.cancelled():
            # Whoever waited for the answer may be gone.
            task.exception()

    def clear_up(self) -> None:
        """From now on the weather is fine."""
        self.trace("world", "all faults end")
        self.faults.set(())
        self.odd_answers = self.not_sent = 0.0


@define(eq=False)
class Line:
    """A transport without sockets.

    Args:
        world: the far side.
        name: of the session, for the trace.
        chance: latency and loss.
        lists: answers so far that listed versions.
        asked: when which path was asked for.
    """

    world: FarSide
    name: str
    chance: random.Random
    out: dict[str, int] = field(factory=dict)
    closed: bool = False
    lists: int = 0
    asked: list[tuple[float, str]] = field(factory=list)
    _numbers: Iterator[int] = field(factory=lambda: itertools.count(1))
    _paused: dict[str, float] = field(factory=dict)

    async def send(self, request: Request) -> Response:
        """See :class:`~aiomodelarts._net.transport.Transport`."""
        number, plan, what = next(self._numbers), self.world.plan, _brief(request)
        lane = _lane(request)
        sent_at = self.world.clock.monotonic()
        self._check(lane, sent_at, what)
        self._tell(f"#{number} > {what}")
        if request.method == "GET":
            self.asked.append((sent_at, request.path))
        if self.chance.random() < self.world.not_sent:
            self._tell(f"#{number} not sent")
            raise NotSent("no connection")
        self.out[lane] = self.out.get(lane, 0) + 1
        # What has left arrives, even if nobody waits for the answer any more.
        answered = self.world.spawn(self._answered(request, number))
        try:
            async with asyncio.timeout(plan.timeout_s):
                response: Response = await asyncio.shield(answered)
        except TimeoutError:
            self._tell(f"#{number} timed out")
            raise AnswerTimeout("no answer within the limit") from None
        finally:
            self.out[lane] -= 1
        self._note_pause(response, lane, sent_at)
        self.lists += response.status == 200 and request.method == "GET" and request.path.endswith("/versions")
        return response

    async def close(self) -> None:
        self.closed = True

    def _check(self, lane: str, now: float, what: str) -> None:
        if self.closed:
            self.world.violations.append(f"{self.name}: {what} left after the transport was closed")
        # A request that waits for a token has its place already, and may leave when the pause has begun.
        if not self.world.plan.by_token and now < self._paused.get(lane, 0.0) - 1e-6:
            self.world.violations.append(f"{self.name}: {what} left {self._paused[lane] - now:.3f} s before it was due")
        most = 1 if lane == "token" else self.world.plan.in_flight
        if self.out.get(lane, 0) >= most:
            self.world.violations.append(f"{self.name}: more than {most} {lane} requests are out")

    def _note_pause(self, response: Response, lane: str, sent_at: float) -> None:
        try:
            asked = min(float(response.header("retry-after") or 0), 60.0)
        except ValueError:
            asked = 0.0
        if response.status == 429 and asked > 0 and lane != "token":
            self._paused[lane] = max(self._paused.get(lane, 0.0), sent_at + asked)

    async def _answered(self, request: Request, number: int) -> Response:
        await asyncio.sleep(self.chance.uniform(*self.world.plan.latency_s))
        lowered = {name.lower(): value for name, value in request.headers.items()}
        delivery = await self.world.exchange.serve(evolve(request, headers={**lowered, "host": request.host}))
        await asyncio.sleep(self.chance.uniform(*self.world.plan.latency_s) + delivery.drip_s)
        return self._delivered(request, delivery, number)

    def _delivered(self, request: Request, delivery: Delivery, number: int) -> Response:
        if delivery.answer is None:
            self._tell(f"#{number} reset")
            raise ConnectionBroken("reset")
        response = delivery.answer.encode()
        if delivery.truncated:
            self._tell(f"#{number} truncated {response.status}")
            raise ConnectionBroken("cut short")
        if response.status < 300 and response.body and self.chance.random() < self.world.odd_answers:
            response = _odd(request, response)
        if not self.world.trace.muted:
            self._tell(f"#{number} < {response.status} {_said(response)}")
        return response

    def _tell(self, what: str) -> None:
        self.world.trace(self.name, what)


def _creates(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith(("/training-jobs", "/versions"))


_LOGS = ("/aom-log", "/file-names")


def created_at(request: Request) -> str | None:
    """Where the version writes that the request asks for; None when it asks for something else."""
    return orjson.loads(request.body)["config"]["train_url"] if _creates(request) else None


def _lane(request: Request) -> str:
    # Tokens are asked for while a request already has its place, and each time anew.
    if request.path.startswith("/v3/"):
        return "token"
    return "create" if _creates(request) else "log" if request.path.endswith(_LOGS) else "read"


def _odd(request: Request, response: Response) -> Response:
    """The answer to a creation of another job; rows told twice and out of order."""
    body = orjson.loads(response.body)
    if _creates(request) and request.path.endswith("/versions"):
        body["job_id"] = "1000000"
    elif isinstance(body.get("versions"), list):
        body["versions"] = body["versions"][-2:] + body["versions"]
    return Response(response.status, response.headers, orjson.dumps(body))


def _brief(request: Request) -> str:
    text = f"{request.method} {request.path[len('/v1/') + 32 :] or request.path}"
    if request.method == "GET" and request.query:
        text += "?" + "&".join(value for _, value in request.query)
    if _creates(request):
        config = orjson.loads(request.body)["config"]
        told = ",".join(f"{one['label']}={one['value']}" for one in config["parameter"])
        text += f" {config['train_url']} {told}"
    return text


def _said(response: Response) -> str:
    body = orjson.loads(response.body) if response.body else {}
    if not isinstance(body, dict):
        return ""
    if isinstance(body.get("versions"), list):
        return " ".join(f"{row.get('version_id')}:{row.get('status')}" for row in body["versions"])
    if isinstance(body.get("jobs"), list):
        return " ".join(f"{row.get('job_name')}={row.get('job_id')}" for row in body["jobs"])
    told = [f"{name} {body[name]}" for name in ("job_id", "version_id", "error_code") if body.get(name)]
    return " ".join(told)
