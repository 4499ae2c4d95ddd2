"""What driving a sweep costs beside its training: ``python -m benchmarks.sweeps makespan|real|restart|memory``.

``makespan`` runs on the simulator's clock, so its figure is the same on every machine, and ``real`` in real time.
``restart`` and ``memory`` measure what a controller needs to know its state again, and to hold it.
"""

import argparse
import asyncio
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any
from unittest import mock

from attrs import evolve, frozen

from aiomodelarts import AsyncSession, LocalPlatform, TrainingJob
from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.description.config import SweepConfig, load
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.engine import Engine, SweepEvent
from aiomodelarts.sweep.ledger.database import Database
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Move
from aiomodelarts.sweep.trial import Trial, TrialState
from aiomodelarts.sweep.versions import EstimatorVersions, Version
from benchmarks._measure import peak_mib
from tests.simulate.line import Trace
from tests.simulate.stage import Staged, open_session, perform
from tests.simulate.sweeps.plan import Plan, plan
from tests.simulate.sweeps.process import HERE, Machines, Process
from tests.simulate.sweeps.store import Store, StoredLedger
from tests.simulate.world import World
from tests.support.fakes import estimator_on
from tests.support.platform import environment, platform_at, session_at
from tests.sweep import stage

# Ray Tune's documentation tells of 14 % for trials of a second.
_GOAL_OVER = 0.05
_GOAL_RESTART_S, _GOAL_REQUESTS = 5.0, 15
_GOAL_GROWTH = 1.2
_RUNNING = 128


def _sweep(folder: Path, trials: int) -> SweepConfig:
    file = folder / "sweep.toml"
    file.write_text(stage.SWEEP.replace("NAME", "long").replace("TRIALS", str(trials)))
    return load(file)


async def _nobody(_: SweepEvent) -> None:
    return


async def _at_once(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return function(*args, **named)


def makespan(trials: int, slots: int, concurrency: int) -> float:
    """Seconds of virtual time that a sweep of one-second trials takes on so many slots."""
    quiet: Plan = evolve(
        plan(0), rules=(), rate={}, not_sent=0.0, odd_answers=0.0, latency_s=(0.005, 0.02), timeout_s=30.0, page=1000,
        record_s=0.01, by_token=False, in_flight=64, duration_s=(1.0, 1.0), blows=(), asks=(), varied=False,
    )  # fmt: skip

    async def main(trace: Trace) -> Staged:
        world = World(quiet, trace, "accuracy", slots=slots)
        HERE.set(Process(1, "here"))
        store = Store(random.Random(1), (0.0, 0.002))

        async def opened(_: object, **__: bool) -> Database:
            return StoredLedger(store)

        with tempfile.TemporaryDirectory() as folder, mock.patch.object(Database, "open", opened):
            config = evolve(_sweep(Path(folder), trials), concurrency=concurrency)
            session, _ = open_session(world, "ours", 1)
            definition = Definition(config.name, settings_of(config))
            async with session, Ledger.open("sqlite:///memory", definition, world.clock) as ledger:
                versions = EstimatorVersions(config, session, "job")
                engine = Engine(config, versions, None, _nobody, world.clock, ledger)
                began = world.clock.monotonic()
                await engine.run()
                took.append(world.clock.monotonic() - began)
                if len(engine.result.ranked) != trials:
                    raise RuntimeError(f"{len(engine.result.ranked)} of {trials} trials have a value")
        for task in list(world.tasks):
            task.cancel()
        return Staged(quiet, world, trace)

    took: list[float] = []
    at_once = mock.patch.object(asyncio, "to_thread", _at_once)
    run = perform(main, lambda trace: Staged(quiet, None, trace), (at_once,), loop=Machines, muted=True)
    if run.violations:
        raise RuntimeError("; ".join(run.violations[:3]))
    return took[0]


async def real(trials: int, slots: int, concurrency: int) -> float:
    """The same in real time, with a controller in a process of its own on a platform in this one."""
    with tempfile.TemporaryDirectory(prefix="sweeps") as folder:
        ledger = Path(folder, "NAME.sqlite")
        async with platform_at(Path(folder, "platform"), "duration=1..1,metric=accuracy", slots=slots) as there:
            came = await stage.drive(
                there, [[None]], name="real", trials=trials, ledger=f"sqlite:///{ledger}", concurrency=concurrency
            )
        told = came["real-0", 0]
        if told is None or told["error"] or {state for _, state, *_ in told["trials"]} != {"succeeded"}:
            raise RuntimeError(f"the sweep ended with {told}")
        with sqlite3.connect(Path(folder, "real-0.sqlite")) as connection:
            first, last = connection.execute("SELECT min(at), max(at) FROM events").fetchone()
    return float(last - first)


async def _past(address: Path, config: SweepConfig, trials: int, job: Sequence[TrainingJob]) -> None:
    """A ledger of so many trials, as a controller leaves it that is killed while the last ones run."""
    async with Ledger.open(address, Definition(config.name, settings_of(config)), SystemClock()) as ledger:
        await ledger.join("nowhere", "1 1")

        async def carry() -> None:
            held = await ledger.reserve(trials, lambda number: config.begin(number, {"layers": number}))
            assert held is not None
            one, made = held.trial, job[held.trial.number - 1]
            ids = {"job_id": made.job_id, "version_id": made.version_id, "began_at": time.time()}
            steps: list[tuple[TrialState, dict[str, Any]]] = [(TrialState.CREATING, {}), (TrialState.RUNNING, ids)]
            if one.number <= trials - _RUNNING:
                steps.append((TrialState.SUCCEEDED, {"value": 0.5, "duration_s": 2.5}))
            for state, more in steps:
                after = evolve(one, state=state, **more)
                spec: dict[str, Any] | None = {"create": {}, "stamp": None} if state is TrialState.CREATING else None
                await ledger.move(Move(one.state, after, state.value, spec))
                one = after

        for start in range(0, trials, 500):
            async with asyncio.TaskGroup() as tasks:
                for _ in range(start, min(start + 500, trials)):
                    tasks.create_task(carry())


async def restart(trials: int) -> tuple[float, int]:
    """Seconds and requests until a new controller knows the state of a sweep whose last trials run.

    The seconds begin with its process, so that they have the imports in them.
    """
    with tempfile.TemporaryDirectory(prefix="sweeps") as folder:
        config, root = await asyncio.to_thread(_sweep, Path(folder), trials), Path(folder, "platform")
        async with platform_at(root, "duration=0..0,metric=accuracy") as there:
            job = await _made(there, trials - _RUNNING, [])
        async with platform_at(root, "duration=900..900,metric=accuracy") as there:
            job = await _made(there, _RUNNING, job)
            await _past(Path(folder, "sweep.sqlite"), config, trials, job)
            began = time.time()
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.sweeps", "known", str(trials), folder),
                env=environment(there),
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await child.communicate()
    told = json.loads(out)
    return told["at"] - began, told["requests"]


async def _made(there: LocalPlatform, count: int, job: list[TrainingJob]) -> list[TrainingJob]:
    """The job with so many versions more."""
    async with session_at(there) as session:
        estimator = estimator_on(session)
        job = job or [await estimator.fit("/bucket/data/", job_name="long")]
        each = [{"output_path": f"/bucket/out/long/{len(job) + number:05d}/"} for number in range(1, count + 1)]
        first = job[0]
        more = await estimator.create_job_versions(
            job_id=first.job_id, pre_version_id=first.version_id, inputs="/bucket/data/",
            each=each[: count if len(job) > 1 else count - 1], max_concurrency=64,
        )  # fmt: skip
        return [*job, *more]


async def known(trials: int, folder: Path) -> tuple[float, int]:
    """When this process knows the state of every trial, and what it has asked for until then."""
    config = evolve(await asyncio.to_thread(_sweep, folder, trials), concurrency=_RUNNING)
    seen: set[int] = set()
    everything = asyncio.Event()

    class Watched(EstimatorVersions):
        def attach(self, job_id: int, version_id: int) -> Version:
            version = super().attach(job_id, version_id)
            tasks.append(asyncio.create_task(look(version)))
            return version

    async def look(version: Version) -> None:
        async with aclosing(version.updates()) as snapshots:
            async for _ in snapshots:
                seen.add(version.version_id)
                if len(seen) == _RUNNING:
                    everything.set()
                return

    tasks: list[asyncio.Task[None]] = []
    definition = Definition(config.name, settings_of(config))
    async with AsyncSession() as session, Ledger.open(folder / "sweep.sqlite", definition, SystemClock()) as ledger:
        # The controller before is certainly gone, as after a restart of its machine.
        dead = await ledger.leases()
        engine = Engine(config, Watched(config, session, "long"), None, _nobody, SystemClock(), ledger)
        running = asyncio.create_task(engine.run(dead))
        await asyncio.wait([running, asyncio.create_task(everything.wait())], return_when=asyncio.FIRST_COMPLETED)
        at, shares = time.time(), session.governor.snapshot()
        if not everything.is_set() or len(engine.result.trials) != trials:
            raise RuntimeError(f"{len(seen)} versions were seen, {len(engine.result.trials)} trials are known")
        for task in [running, *tasks]:
            task.cancel()
        await asyncio.gather(running, *tasks, return_exceptions=True)
    return at, shares.creates.sent + shares.reads.sent + shares.logs.sent


@frozen
class _Instant:
    """A version that is over."""

    version_id: int
    job_id: int = 7

    async def wait(self) -> object:
        return None

    async def updates(self) -> AsyncGenerator[Any, None]:
        return
        yield

    async def refresh(self) -> object:
        raise NotImplementedError

    async def logs(self, *, follow: bool = False) -> AsyncGenerator[str, None]:  # noqa: ARG002
        yield "accuracy=0.5"

    async def stop(self) -> None:
        raise NotImplementedError


class _AtOnce:
    """Makes versions without a platform, so that what is measured is the sweep."""

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:  # noqa: ARG002
        return {"number": trial.number}

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None]) -> Version:
        may_leave()
        return _Instant(intent["number"])

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        raise NotImplementedError

    def attach(self, job_id: int, version_id: int) -> Version:
        raise NotImplementedError

    async def going(self, job_id: int) -> Mapping[int, str]:  # noqa: ARG002
        return {}


async def held_mib(trials: int) -> float:
    """The most memory that this process has held, after a sweep of so many trials."""
    with tempfile.TemporaryDirectory(prefix="sweeps") as folder:
        config = evolve(await asyncio.to_thread(_sweep, Path(folder), trials), concurrency=64)
        definition = Definition(config.name, settings_of(config))
        async with Ledger.open(Path(folder, "sweep.sqlite"), definition, SystemClock()) as ledger:
            engine = Engine(config, _AtOnce(), None, _nobody, SystemClock(), ledger)
            await engine.run()
            if len(engine.result.ranked) != trials:
                raise RuntimeError(f"{len(engine.result.ranked)} of {trials} trials have a value")
            return peak_mib()


def memory(sizes: Sequence[int]) -> list[float]:
    """KiB a trial of sweeps of these sizes, each in a process of its own, beside one of a few trials."""

    def fresh(trials: int) -> float:
        command = [sys.executable, "-m", "benchmarks.sweeps", "held", str(trials)]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    few = fresh(10)
    return [(fresh(trials) - few) * 1024 / trials for trials in sizes]


def main() -> int:
    """Measure and print; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description=__doc__)
    parser.add_argument("what", choices=("makespan", "real", "restart", "memory", "known", "held"))
    parser.add_argument("trials", type=int, nargs="?", help="of the sweep")
    parser.add_argument("folder", type=Path, nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--concurrency", type=int, default=64, help="versions that wait or run at once")
    options = parser.parse_args()
    if options.what == "known":
        at, requests = asyncio.run(known(options.trials, options.folder))
        print(json.dumps({"at": at, "requests": requests}))
    elif options.what == "held":
        print(asyncio.run(held_mib(options.trials)))
    elif options.what == "restart":
        trials = options.trials or 10_000
        took, requests = asyncio.run(restart(trials))
        met = took <= _GOAL_RESTART_S and requests <= _GOAL_REQUESTS
        print(f"{trials:,} trials, {_RUNNING} of them running: known after {took:.1f} s and {requests} requests")
        return _told(f"{_GOAL_RESTART_S:g} s and {_GOAL_REQUESTS} requests", met)
    elif options.what == "memory":
        sizes = [options.trials // 10, options.trials] if options.trials else [10_000, 100_000]
        small, large = memory(sizes)
        print(f"{small:.2f} KiB a trial with {sizes[0]:,} trials, {large:.2f} KiB with {sizes[1]:,}")
        return _told(f"at most {_GOAL_GROWTH:g} times as much", large <= small * _GOAL_GROWTH)
    else:
        virtual = options.what == "makespan"
        trials = options.trials or (10_000 if virtual else 1000)
        settings = (trials, options.slots, options.concurrency)
        took, ideal = makespan(*settings) if virtual else asyncio.run(real(*settings)), trials / options.slots
        over = took / ideal - 1
        print(f"{trials:,} trials of 1 s on {options.slots} slots: {took:.1f} s, {over:.1%} over {ideal:.1f} s")
        return _told(f"{_GOAL_OVER:.0%} over", over <= _GOAL_OVER)
    return 0


def _told(goal: str, met: bool) -> int:
    print(f"goal {goal}: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
