"""One run: machines that run controllers until the sweep is over, whatever happens to them."""

import asyncio
import contextvars
import logging
import random
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from unittest import mock

from attrs import define, evolve, field

from aiomodelarts import _presence as presence
from aiomodelarts._create import rows
from aiomodelarts._create.policy import SettlePolicy
from aiomodelarts._wire.message import Request, Response
from aiomodelarts.errors import ModelArtsError
from aiomodelarts.local.lifecycle import Ending
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.description.config import SweepConfig, parse
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.engine import Engine, SweepEvent
from aiomodelarts.sweep.failures import RetryBudget
from aiomodelarts.sweep.ledger.database import Database
from aiomodelarts.sweep.ledger.errors import Fenced
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition
from aiomodelarts.sweep.objective import Goal, LogPattern
from aiomodelarts.sweep.pruning import Pruning
from aiomodelarts.sweep.result import SweepResult
from aiomodelarts.sweep.search.search import GridSearch, RandomSearch
from aiomodelarts.sweep.versions import EstimatorVersions
from tests.simulate.line import Line, Trace, created_at
from tests.simulate.stage import Staged, Tampering, open_session, perform
from tests.simulate.sweeps.judge import judge
from tests.simulate.sweeps.plan import Plan, plan
from tests.simulate.sweeps.process import HERE, Machines, Process
from tests.simulate.sweeps.store import Store, StoredLedger
from tests.simulate.world import World

NAME = "sweep"
LINES = 4
_SWEEP = parse(
    """\
[sweep]
name = "sweep"

[estimator]
train_instance_type = "modelarts.vm.gpu.p100"
output_path = "/bucket/output/"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
inputs = "/bucket/data/"

[space]
i = { int = [1, 40] }

[search]
algorithm = "grid"

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"
""",
    file="sweep.toml",
    folder=Path("nowhere"),
)
_PRUNING = Pruning(
    "median",
    {"n_startup_trials": 2, "n_warmup_steps": 0, "interval_steps": 1, "n_min_trials": 1},
    LogPattern(re.compile(r"step (?P<step>[0-9]+)/[0-9]+ accuracy=(?P<value>[0-9.]+)")),
    Goal.MAXIMIZE,
)
# After so many controllers of a machine have ended with an error, the weather is to blame.
_MOST_TRIES = 8
# No sweep of these sizes has a reason to last longer.
_AT_MOST_S = 10_000.0
_BAD_ENDS = (JobStatus.FAILED, JobStatus.FAILED, JobStatus.LOST, JobStatus.SUBMIT_MODEL_FAILED)


class SweepWorld(World):
    """A platform that ends some versions badly, and works on when whoever asked is gone."""

    def __init__(self, plan: Plan, trace: Trace) -> None:
        self._own = contextvars.copy_context()
        self._chance = random.Random(plan.seed + 2)
        super().__init__(plan, trace, "accuracy", lines=LINES, slots=plan.slots)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work, context=self._own)
        self.tasks[task] = None
        task.add_done_callback(self._over, context=self._own)
        return task

    def _ended(self, version_id: int, ending: Ending) -> None:
        if ending.status is JobStatus.COMPLETED and self._chance.random() < self.plan.bad_ends:
            ending = Ending(self._chance.choice(_BAD_ENDS))
        super()._ended(version_id, ending)

    def clear_up(self) -> None:
        super().clear_up()
        self.plan = evolve(self.plan, bad_ends=0.0)


@define(eq=False)
class Controller:
    """One process that drives the sweep, and how it ended."""

    process: Process
    ledger: Ledger | None = None
    engine: Engine | None = None
    error: BaseException | None = None
    closed: bool = False


@define(eq=False)
class Run(Staged):
    """Everything that a run leaves behind."""

    store: Store | None = None
    controllers: list[Controller] = field(factory=list)
    result: SweepResult | None = None
    told: list[str] = field(factory=list)
    stopped: set[tuple[int, int]] = field(factory=set)

    def of(self, process: Process | None) -> Controller:
        """The controller of a process."""
        return next(one for one in self.controllers if one.process is process)


@define(eq=False)
class WatchedLine(Line):
    """A line on which nothing leaves that would do harm."""

    run: Run | None = None

    async def send(self, request: Request) -> Response:
        process = HERE.get()
        assert self.run is not None
        if process is not None and process.dead:
            raise asyncio.CancelledError
        path = created_at(request)
        if path is not None:
            self._check_right(self.run, path)
        return await super().send(request)

    def _check_right(self, run: Run, path: str) -> None:
        ledger, store = run.of(HERE.get()).ledger, run.store
        assert ledger is not None
        assert store is not None
        holder, ended = store.of_trial(path)
        if holder != ledger.token or ended is not None:
            told = f"{path} is held by lease {holder}" + (f", which has ended: {ended}" if ended else "")
            run.violations.append(f"{self.name} (lease {ledger.token}) sends a creation, but {told}")


def simulate(seed: int, *tampering: Tampering, muted: bool = False) -> Run:
    """The run of this seed.

    Args:
        seed: decides everything.
        tampering: context managers that break the engine, to see whether it is noticed.
        muted: keep no trace.
    """
    weather = plan(seed)
    around = (
        mock.patch.object(rows, "PAGE", weather.page),
        mock.patch.object(asyncio, "to_thread", _inline),
        mock.patch.object(presence, "place", _place),
        mock.patch.object(presence, "process", _process),
        *(tamper() for tamper in tampering),
    )
    return perform(
        lambda trace: _run(weather, trace), lambda trace: Run(weather, None, trace), around, loop=Machines, muted=muted
    )


async def _inline(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return function(*args, **named)


def _place() -> str:
    return _here().place


def _process() -> str:
    return str(_here().number)


def _here() -> Process:
    process = HERE.get()
    assert process is not None
    return process


async def _run(weather: Plan, trace: Trace) -> Run:
    world = SweepWorld(weather, trace)
    run = Run(weather, world, trace, store=Store(random.Random(weather.seed + 3), weather.commit_s))
    run.store.limit = weather.budget.limit

    async def opened(address: object, *, create: bool) -> Database:
        assert run.store is not None
        return StoredLedger(run.store)

    def is_gone(where: str, who: str) -> bool:
        other = next(one.process for one in run.controllers if one.process.number == int(who))
        return where == _here().place and (other.dead or run.of(other).closed)

    with mock.patch.object(Database, "open", opened), mock.patch.object(presence, "is_gone", is_gone):
        machines = [asyncio.create_task(_machine(run, number)) for number in range(len(weather.starts_s))]
        striking = asyncio.create_task(_strike(run))
        asking = asyncio.create_task(_ask(run))
        _, hanging = await asyncio.wait(machines, timeout=_AT_MOST_S)
        striking.cancel()
        asking.cancel()
        run.violations += [f"a machine never ended: {task.get_coro()}" for task in hanging]
        world.clear_up()
        if not hanging:
            await _finish(run)
        judge(run)
        await _clear_away(run)
    return run


async def _machine(run: Run, number: int) -> None:
    """Run controllers, one after the other, until one of them finds the sweep over."""
    chance = random.Random(run.plan.seed * 10 + number)
    await asyncio.sleep(run.plan.starts_s[number])
    for _ in range(_MOST_TRIES):
        controller = await _controlled(run, number)
        result = controller.engine.result if controller.engine is not None else None
        if controller.error is None and not controller.process.dead and result and result.stopped_by is None:
            return
        await asyncio.sleep(chance.uniform(0.0, 20.0))


async def _finish(run: Run) -> None:
    """In fine weather a last controller takes up what is left."""
    await asyncio.sleep(run.plan.late_by_s + run.plan.quiet_s)
    last = await _controlled(run, 0)
    if last.error is not None or last.engine is None:
        run.violations.append(f"the last controller ended with {last.error!r}")
        return
    run.result = last.engine.result


async def _controlled(run: Run, machine: int) -> Controller:
    """Run one controller until it ends or is killed."""
    process = Process(len(run.controllers) + 1, f"m{machine}")
    controller = Controller(process)
    run.controllers.append(controller)
    killed = asyncio.get_running_loop().create_future()
    process.on_kill = lambda: killed.done() or killed.set_result(None)
    context = contextvars.copy_context()
    context.run(HERE.set, process)
    process.task = asyncio.get_running_loop().create_task(_control(run, controller), context=context)
    await asyncio.wait([process.task, killed], return_when=asyncio.FIRST_COMPLETED)
    run.trace(f"p{process.number}", "is killed" if process.dead else f"ends: {controller.error!r}")
    return controller


async def _control(run: Run, controller: Controller) -> None:
    weather, number = run.plan, controller.process.number
    config, clock = _config(weather), run.world.clock
    settle = SettlePolicy(quiet_window_s=weather.quiet_s, late_watch_s=weather.late_watch_s, patience_s=60.0)
    session, line = open_session(run.world, f"p{number}", number, WatchedLine, settle=settle)
    line.run = run

    async def listen(event: SweepEvent) -> None:
        if event.trial is not None:
            run.trace(f"p{number}", f"trial {event.trial.number} {event.trial.state.value} {event.trial.reason or ''}")

    definition = Definition(NAME, settings_of(config))
    try:
        async with session, Ledger.open("sqlite:///memory", definition, clock) as ledger:
            controller.ledger = ledger
            versions = EstimatorVersions(config, session, f"job-{weather.seed}")
            chance = random.Random(weather.seed * 100 + number)
            controller.engine = Engine(config, versions, None, listen, clock, ledger, rng=chance)
            await controller.engine.run()
    except Fenced as error:
        controller.error = error
    except ModelArtsError as error:
        controller.error = error
    except Exception as error:
        controller.error = error
        run.violations.append(f"p{number} ended with {error!r}")
        if not isinstance(error, AssertionError):
            raise
    finally:
        controller.closed = True


def _config(weather: Plan) -> SweepConfig:
    search = RandomSearch(weather.trials, seed=weather.seed) if weather.random else GridSearch()
    axis = evolve(_SWEEP.space.axes["i"], high=40 if weather.random else weather.trials)
    return evolve(
        _SWEEP,
        concurrency=weather.concurrency,
        search=search,
        space=evolve(_SWEEP.space, axes={"i": axis}),
        retry=RetryBudget(weather.retries),
        flavors=weather.flavors,
        budget=weather.budget,
        pruning=_PRUNING if weather.prunes else None,
    )


async def _strike(run: Run) -> None:
    now = 0.0
    for blow in run.plan.blows:
        await asyncio.sleep(blow.at_s - now)
        now = blow.at_s
        place = f"m{blow.machine}"
        controller = next((one for one in reversed(run.controllers) if one.process.place == place), None)
        if controller is None or controller.closed or controller.process.paused:
            continue
        process = controller.process
        if blow.pause_s is None:
            run.told.append("kill")
            process.kill()
        else:
            run.told.append("pause")
            run.trace(f"p{process.number}", f"is paused for {blow.pause_s:.1f} s")
            process.pause()
            asyncio.get_running_loop().call_later(blow.pause_s, _go_on, run, process)


async def _ask(run: Run) -> None:
    now = 0.0
    for ask in run.plan.asks:
        await asyncio.sleep(ask.at_s - now)
        now = ask.at_s
        assert run.store is not None
        run.told.append("asked to end")
        run.trace("somebody", f"asks to end, and to {ask.how} what runs")
        run.store.ask_to_stop(ask.how)


def _go_on(run: Run, process: Process) -> None:
    if not process.dead:
        run.trace(f"p{process.number}", "goes on")
        process.go_on()


async def _clear_away(run: Run) -> None:
    """Whatever the dead left is ended; what they would say about it counts for nothing."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: None)
    logging.disable(logging.CRITICAL)
    try:
        for controller in run.controllers:
            await controller.process.bury()
    finally:
        logging.disable(logging.NOTSET)
    for task in list(run.world.tasks):
        task.cancel()
