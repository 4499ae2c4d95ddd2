"""One run: callers with their wishes, the sessions they ask through, and the end of it all."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import orjson
from attrs import define, field

from aiomodelarts import AsyncEstimator, AsyncSession, CreateOutcomeUnknown, Limits, RetryPolicy, Seams
from aiomodelarts._create import rows
from aiomodelarts._create.made import Pending
from aiomodelarts._create.policy import SettlePolicy
from aiomodelarts._wire.message import Request, Response
from aiomodelarts._wire.signing import sign
from aiomodelarts.batch import Result
from aiomodelarts.models.spec import TrainingSpec
from tests.simulate.judge import judge
from tests.simulate.plan import Order, Plan, Wish, plan
from tests.simulate.world import KEYS, Event, Line, Trace, World
from tests.support.throttling import VirtualLoop

ORIGIN = "http://modelarts.example.com"
ESTIMATOR: dict[str, Any] = {
    "framework_type": "PyTorch",
    "framework_version": "PyTorch-1.0.0-python3.6",
    "code_dir": "/bucket/src/",
    "boot_file": "/bucket/src/train.py",
    "output_path": "/bucket/output/",
    "train_instance_type": "modelarts.vm.gpu.p100",
    "train_instance_count": 1,
}
# No run has a reason to last longer.
_AT_MOST_S = 20_000.0


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
class Run:
    """Everything that a run leaves behind."""

    plan: Plan
    world: World
    trace: Trace
    callers: list[Caller] = field(factory=list)
    settled: list[Settled] = field(factory=list)
    violations: list[str] = field(factory=list)
    twins: int = 0
    unknown: int = 0

    @property
    def events(self) -> list[Event]:
        """The trace."""
        return self.trace.events


def simulate(seed: int, *tampering: Callable[[], Any]) -> Run:
    """The run of this seed.

    Args:
        seed: decides everything.
        tampering: context managers that break the engine, to see whether it is noticed.
    """
    weather = plan(seed)
    complaints: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(rows, "PAGE", weather.page))
        stack.enter_context(_errors_logged(complaints))
        for tamper in tampering:
            stack.enter_context(tamper())
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            loop = runner.get_loop()
            loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
            trace = Trace()
            try:
                run = runner.run(_run(weather, trace))
            except RuntimeError as error:
                run = Run(weather, None, trace, violations=[f"the run did not end: {error!r}"])  # type: ignore[arg-type]
    run.violations += complaints
    return run


@contextmanager
def _errors_logged(complaints: list[str]) -> Any:
    class Listens(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(f"logged: {self.format(record)}")

    logger, handler = logging.getLogger("aiomodelarts"), Listens(logging.ERROR)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


async def _run(weather: Plan, trace: Trace) -> Run:
    world = World(weather, trace)
    run = Run(weather, world, trace)
    ours = asyncio.current_task()
    for number in range(len(weather.closes_s)):
        run.callers.append(await _caller(world, number))
    for at_s, by_s in weather.jumps_s:
        asyncio.get_running_loop().call_later(at_s, _set_clock, world, by_s)
    asking = [asyncio.create_task(_ask(run, order)) for order in weather.orders]
    closing = [asyncio.create_task(_close_early(run, caller)) for caller in run.callers if caller.closes_s is not None]
    _, hanging = await asyncio.wait([*asking, *closing], timeout=_AT_MOST_S)
    run.violations += [f"an await never ended: {task.get_coro()}" for task in hanging]
    world.clear_up()
    await _until_the_dust_settles(run)
    await _settle_unknown(run)
    for caller in run.callers:
        await _close(run, caller)
    left = [task for task in asyncio.all_tasks() if task is not ours and task not in world.tasks and not task.done()]
    run.violations += [f"a task is left: {task.get_name()} {task.get_coro()}" for task in left]
    run.violations += world.violations
    if not hanging:
        judge(run)
    for task in [*left, *world.tasks]:
        task.cancel()
    return run


def _set_clock(world: World, by_s: float) -> None:
    world.trace("world", f"the wall clock is set by {by_s:g} s")
    world.clock.set_by_s += by_s


async def _caller(world: World, number: int) -> Caller:
    job = await _ask_plainly(world, f"job-{number}")
    session, line = _session(world, f"s{number}", number)
    estimator = AsyncEstimator(session, **ESTIMATOR)
    return Caller(number, session, line, estimator, job["job_id"], job["version_id"], world.plan.closes_s[number])


def _session(world: World, name: str, number: int) -> tuple[AsyncSession, Line]:
    weather = world.plan
    line = Line(world, name, random.Random(weather.seed * 100 + number))

    async def inline(function: Callable[[Response], Any], response: Response) -> Any:
        return function(response)

    login: dict[str, Any] = {"access_key": KEYS.access_key, "secret_key": KEYS.secret_key}
    if weather.by_token:
        login = {"account": KEYS.account, "username": KEYS.username, "password": KEYS.password}
    session = AsyncSession(
        **login,
        project_id=KEYS.project_id,
        region_name=KEYS.region_name,
        endpoints={"modelarts": ORIGIN, "iam": ORIGIN},
        limits=Limits(in_flight=weather.in_flight),
        retry=RetryPolicy(),
        settle=SettlePolicy(
            quiet_window_s=weather.quiet_s,
            late_watch_s=weather.late_watch_s,
            patience_s=60.0,
            max_sends=weather.max_sends,
        ),
        seams=Seams(clock=world.clock, rng=random.Random(number), transport=line, aside=inline),
    )
    return session, line


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
    except Exception as caught:  # noqa: BLE001  (judged later)
        error = caught
    finally:
        for wish, outcome in zip(order.wishes, batch.outcomes, strict=False):
            wish.error = outcome.error
            if outcome.result is Result.MADE and outcome.version is not None:
                wish.ended, wish.version_id, wish.job_id = "made", outcome.version.version_id, outcome.version.job_id
                wish.origin = outcome.version.origin
            elif outcome.result is not Result.UNKNOWN or not isinstance(outcome.error.intent, TrainingSpec):
                wish.ended = outcome.result.value
        for wish in order.wishes[len(batch.outcomes) :]:
            wish.ended, wish.error = "refused", error


async def _close_early(run: Run, caller: Caller) -> None:
    assert caller.closes_s is not None
    await asyncio.sleep(caller.closes_s)
    await _close(run, caller)


async def _close(run: Run, caller: Caller) -> None:
    if caller.closed:
        return
    caller.closed = True
    began = run.world.clock.monotonic()
    run.trace("caller", f"closes s{caller.number}")
    await caller.session.close()
    run.trace("caller", f"closed s{caller.number}")
    caller.unseen = [spec for desk in caller.session._maker._desks.values() for spec in desk.watched]
    took = run.world.clock.monotonic() - began
    if took > 5.0:
        run.violations.append(f"closing took {took:.1f} s")
    snapshot = caller.session.governor.snapshot()
    for share in (snapshot.creates, snapshot.reads, snapshot.logs):
        if share.waiting or share.in_flight:
            run.violations.append(f"after closing: {share}")


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
