"""One run: callers with their wishes, the sessions they ask through, and the end of it all."""

import asyncio
import contextlib
from typing import Any
from unittest import mock

import orjson
from attrs import define, field

from aiomodelarts import AsyncEstimator, AsyncSession, CreateOutcomeUnknown
from aiomodelarts._create import rows
from aiomodelarts._create.made import Pending
from aiomodelarts._create.policy import SettlePolicy
from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import sign
from aiomodelarts.batch import Result
from aiomodelarts.models.spec import TrainingSpec
from tests.simulate.judge import judge
from tests.simulate.line import KEYS, Line, Trace
from tests.simulate.plan import Order, Plan, Wish, plan
from tests.simulate.stage import (
    AT_MOST_S,
    ORIGIN,
    Staged,
    Tampering,
    close,
    open_session,
    perform,
    tell_what_is_left,
    tell_what_is_out,
)
from tests.simulate.world import World
from tests.support.fakes import estimator_on


@define(eq=False)
class Caller:
    """One session with its estimator and its job.

    Args:
        unseen: intents of which a twin could still have landed when the session was closed.
    """

    number: int
    session: AsyncSession
    line: Line
    estimator: AsyncEstimator
    job_id: int
    version_id: int
    closes_s: float | None
    closed: bool = False
    unseen: list[TrainingSpec] = field(factory=list)


@define(eq=False)
class Settled:
    """What became of an intent that was unknown at first."""

    spec: TrainingSpec
    job_id: int | None
    version_id: int | None


@define(eq=False)
class Run(Staged):
    """Everything that a run leaves behind."""

    callers: list[Caller] = field(factory=list)
    settled: list[Settled] = field(factory=list)
    twins: int = 0
    unknown: int = 0


def simulate(seed: int, *tampering: Tampering, muted: bool = False) -> Run:
    """The run of this seed.

    Args:
        seed: decides everything.
        tampering: context managers that break the engine, to see whether it is noticed.
        muted: keep no trace.
    """
    weather = plan(seed)
    around = (mock.patch.object(rows, "PAGE", weather.page), *(tamper() for tamper in tampering))
    return perform(lambda trace: _run(weather, trace), lambda trace: Run(weather, None, trace), around, muted=muted)


async def _run(weather: Plan, trace: Trace) -> Run:
    world = World(weather, trace)
    run = Run(weather, world, trace)
    for number in range(len(weather.closes_s)):
        run.callers.append(await _caller(world, number))
    for at_s, by_s in weather.jumps_s:
        asyncio.get_running_loop().call_later(at_s, _set_clock, world, by_s)
    asking = [asyncio.create_task(_ask(run, order)) for order in weather.orders]
    closing = [asyncio.create_task(_close_early(run, caller)) for caller in run.callers if caller.closes_s is not None]
    _, hanging = await asyncio.wait([*asking, *closing], timeout=AT_MOST_S)
    run.violations += [f"an await never ended: {task.get_coro()}" for task in hanging]
    world.clear_up()
    await _until_the_dust_settles(run)
    await _settle_unknown(run)
    for caller in run.callers:
        await _close(run, caller)
    run.violations += world.violations
    if not hanging:
        judge(run)
    tell_what_is_left(run)
    return run


def _set_clock(world: World, by_s: float) -> None:
    world.trace("world", f"the wall clock is set by {by_s:g} s")
    world.clock.set_by_s += by_s


async def _caller(world: World, number: int) -> Caller:
    job = await _ask_plainly(world, f"job-{number}")
    session, line = _session(world, f"s{number}", number)
    estimator = estimator_on(session)
    return Caller(number, session, line, estimator, job["job_id"], job["version_id"], world.plan.closes_s[number])


def _session(world: World, name: str, number: int) -> tuple[AsyncSession, Line]:
    weather = world.plan
    settle = SettlePolicy(
        quiet_window_s=weather.quiet_s,
        late_watch_s=weather.late_watch_s,
        patience_s=60.0,
        max_sends=weather.max_sends,
    )
    return open_session(world, name, number, settle=settle)


async def _ask_plainly(world: World, name: str) -> dict[str, Any]:
    config = {"worker_server_num": 1, "app_url": "/bucket/src/", "boot_file_url": "/bucket/src/train.py",
              "engine_id": 1, "spec_id": 1, "train_url": "/bucket/base/", "data_url": "/bucket/data/",
              "parameter": []}  # fmt: skip
    body = orjson.dumps({"job_name": name, "job_desc": "", "config": config})
    request = Request("POST", ORIGIN, f"/v1/{KEYS.project_id}/training-jobs", (), {}, body)
    headers = sign(request, KEYS.access_key, KEYS.secret_key, world.clock.now())
    lowered = {name.lower(): value for name, value in headers.items()}
    answer = await world.core.handle(Request("POST", ORIGIN, request.path, (), lowered, body))
    made: dict[str, Any] = orjson.loads(answer.body)
    assert answer.status < 300, made
    return {"job_id": int(made["job_id"]), "version_id": int(made["version_id"])}


async def _ask(run: Run, order: Order) -> None:
    """One call of a caller, who may be cancelled and cancelled again."""
    caller = run.callers[order.wishes[0].session]
    await asyncio.sleep(order.starts_s)
    work = _batch(caller, order) if order.concurrency is not None else _single(run, caller, order.wishes[0])
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for at_s in order.cancelled_s:
        loop.call_later(at_s, _cancel, run, task)
    try:
        await task
    except asyncio.CancelledError:
        for wish in order.wishes:
            wish.ended = wish.ended or "cancelled"
        if not order.cancelled_s:
            run.violations.append(f"{order.wishes[0].element} was cancelled by nobody")


def _cancel(run: Run, task: "asyncio.Task[None]") -> None:
    if not task.done():
        run.trace("caller", f"cancels {task.get_name()}")
        task.cancel()


async def _single(run: Run, caller: Caller, wish: Wish) -> None:
    try:
        if wish.job_name is not None:
            made = await caller.estimator.fit(
                "/bucket/data/", job_name=wish.job_name, output_path=wish.element["output_path"]
            )
        else:
            made = await caller.estimator.create_job_version(
                caller.job_id, caller.version_id, "/bucket/data/", **wish.element
            )
    except CreateOutcomeUnknown as error:
        wish.ended, wish.error = "unknown", error
    except Exception as error:  # noqa: BLE001  (judged later)
        wish.ended, wish.error = "refused", error
    else:
        wish.ended, wish.job_id, wish.version_id, wish.origin = "made", made.job_id, made.version_id, made.origin
    run.trace("caller", f"{wish.element} {wish.ended} {wish.version_id or repr(wish.error)}")


async def _batch(caller: Caller, order: Order) -> None:
    batch = caller.estimator.create_job_versions(
        caller.job_id,
        caller.version_id,
        "/bucket/data/",
        each=[wish.element for wish in order.wishes],
        max_concurrency=order.concurrency or 1,
    )
    error: BaseException | None = None
    try:
        await batch
    except asyncio.CancelledError:
        for wish in order.wishes:
            wish.given_up = True
        raise
    except Exception as caught:  # noqa: BLE001  (judged later)
        error = caught
    finally:
        for wish, outcome in zip(order.wishes, batch.outcomes, strict=False):
            wish.error = outcome.error
            if outcome.result is Result.MADE and outcome.version is not None:
                wish.ended, wish.version_id, wish.job_id = "made", outcome.version.version_id, outcome.version.job_id
                wish.origin = outcome.version.origin
            else:
                wish.ended = outcome.result.value
        for wish in order.wishes[len(batch.outcomes) :]:
            wish.ended, wish.error = "refused", error


async def _close_early(run: Run, caller: Caller) -> None:
    assert caller.closes_s is not None
    await asyncio.sleep(caller.closes_s)
    closing = asyncio.create_task(_close(run, caller))
    for at_s in run.plan.hurries_s:
        asyncio.get_running_loop().call_later(at_s, _cancel, run, closing)
    await asyncio.wait([closing])


async def _close(run: Run, caller: Caller) -> None:
    if caller.closed:
        return
    caller.closed = True
    # Cancelled or not, it is closed then.
    with contextlib.suppress(asyncio.CancelledError):
        await close(run, caller.session, f"s{caller.number}")
    tell_what_is_out(run, caller.session)
    caller.unseen = [spec for desk in caller.session._parts.maker._desks.values() for spec in desk.watched]


async def _until_the_dust_settles(run: Run) -> None:
    """All that is late has landed, and was looked for."""
    weather = run.plan
    await asyncio.sleep(weather.late_by_s + weather.late_watch_s + 3 * weather.quiet_s)


async def _settle_unknown(run: Run) -> None:
    """Everybody who was told "unknown" asks again, in the same session or in another one."""
    for wish in run.plan.wishes:
        error = wish.error
        if wish.ended != "unknown" or not isinstance(error, CreateOutcomeUnknown):
            continue
        run.unknown += 1
        caller = run.callers[wish.session]
        if not caller.closed:
            handle = await error.intent.settle()
            made = None if handle is None else (handle.job_id, handle.version_id)
        elif wish.has_own_path:
            made = await _settled_elsewhere(run, error.intent.pending)
        else:
            continue
        if made is not None:
            wish.ended, (wish.job_id, wish.version_id) = "made", made
        else:
            wish.ended = "not made"


async def _settled_elsewhere(run: Run, pending: Pending) -> tuple[int, int] | None:
    session, _ = _session(run.world, "other", 99)
    async with session:
        made = await session.settle(Pending.from_plain(orjson.loads(orjson.dumps(pending.as_plain()))))
    return None if made is None else (made.job_id, made.version_id)
