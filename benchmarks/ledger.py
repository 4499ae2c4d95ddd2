"""Durable moves of trials a second, beside Optuna's storages: ``python -m benchmarks.ledger``."""

import argparse
import asyncio
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import optuna
from attrs import evolve, frozen
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState as OptunaState

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Move
from aiomodelarts.sweep.trial import Trial, TrialState
from benchmarks._measure import median
from tests.support.postgres import server

INTENT = {"create": {"spec": {"config": {"parameter": [{"label": "lr", "value": "0.001"}] * 8}}}, "stamp": None}
GOALS = {"sqlite": 2000, "postgresql": 1000}
# Every trial makes four moves: reserved, about to be created, made, over.
MOVES = 4


@frozen
class Rate:
    """What one store came to.

    Args:
        moves: that were on disk when their caller went on.
        wall_s: seconds.
        commits: that carried them.
    """

    moves: int
    wall_s: float
    commits: int

    @property
    def per_s(self) -> float:
        """Moves a second."""
        return self.moves / self.wall_s


async def ours(address: str | Path, name: str, workers: int, seconds: float) -> Rate:
    """Trials that are carried through all their moves by so many workers at once."""
    definition = Definition(name, {})
    moves = 0
    async with Ledger.open(address, definition, SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        until = time.perf_counter() + seconds

        async def work() -> None:
            nonlocal moves
            while time.perf_counter() < until:
                held = await ledger.reserve(10**9, lambda number: Trial(number, {"lr": 0.001}, f"/b/o/{number:06d}/"))
                assert held is not None
                one = held.trial
                for state, more in (
                    (TrialState.CREATING, {}),
                    (TrialState.RUNNING, {"job_id": 1, "version_id": 2, "began_at": 1.5}),
                    (TrialState.SUCCEEDED, {"value": 0.5, "duration_s": 2.5}),
                ):
                    after = evolve(one, state=state, **more)
                    intent = INTENT if state is TrialState.CREATING else None
                    await ledger.move(Move(one.state, after, state.value, intent))
                    one = after
                moves += MOVES

        began, before = time.perf_counter(), ledger.commits
        async with asyncio.TaskGroup() as tasks:
            for _ in range(workers):
                tasks.create_task(work())
        rate = Rate(moves, time.perf_counter() - began, ledger.commits - before)
        trials = await ledger.trials()
        if len(trials) * MOVES != moves or any(one.state is not TrialState.SUCCEEDED for one in trials):
            raise RuntimeError("the ledger does not hold what was written")
    return rate


def theirs(storage: optuna.storages.BaseStorage, seconds: float) -> Rate:
    """Optuna's moves of a trial: made, running, complete."""
    study = storage.create_new_study([optuna.study.StudyDirection.MAXIMIZE])
    waiting = optuna.trial.create_trial(state=OptunaState.WAITING)
    moves, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        trial = storage.create_new_trial(study, waiting)
        storage.set_trial_state_values(trial, OptunaState.RUNNING)
        storage.set_trial_state_values(trial, OptunaState.COMPLETE, [0.5])
        moves += 3
    return Rate(moves, time.perf_counter() - began, moves)


def optunas(folder: Path, seconds: float) -> Iterator[tuple[str, Callable[[], Rate]]]:
    """Its two storages that survive a process."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    number = itertools.count()

    def in_sqlite() -> Rate:
        return theirs(optuna.storages.RDBStorage(f"sqlite:///{folder}/optuna{next(number)}.sqlite"), seconds)

    def in_a_journal() -> Rate:
        backend = JournalFileBackend(str(folder / f"optuna{next(number)}.log"))
        return theirs(optuna.storages.JournalStorage(backend), seconds)

    yield "Optuna, sqlite", in_sqlite
    yield "Optuna, journal", in_a_journal


def main() -> int:
    """Measure all of them in turns; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="that each of them writes for, in each round")
    parser.add_argument("--workers", type=int, action="append", help="trials at once; 1, 16 and 128 unless said")
    parser.add_argument("--folder", type=Path, help="for the files; a disk that is none says nothing")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ledger", dir=options.folder)))
        addresses = {"sqlite": str(folder), "postgresql": stack.enter_context(server())}
        number = itertools.count()

        def measured(store: str, workers: int) -> Callable[[], Rate]:
            def measure() -> Rate:
                name = f"sweep{next(number)}"
                address = Path(folder, f"{name}.sqlite") if store == "sqlite" else addresses[store]
                return asyncio.run(ours(address, name, workers, options.seconds))

            return measure

        measures = {
            f"ours, {store}, {workers:>3} at once": measured(store, workers)
            for store in addresses
            for workers in options.workers or (1, 16, 128)
        } | dict(optunas(folder, options.seconds))
        rates: dict[str, list[Rate]] = {what: [] for what in measures}
        for turn in range(options.rounds):
            for what in measures if turn % 2 == 0 else reversed(measures):
                rates[what].append(measures[what]())
    return _told(rates)


def _told(rates: dict[str, list[Rate]]) -> int:
    missed = False
    for what, told in rates.items():
        per_s = median([rate.per_s for rate in told])
        share = median([rate.moves / rate.commits for rate in told])
        goal = next((goal for store, goal in GOALS.items() if f"ours, {store}, 128" in what), None)
        missed = missed or (goal is not None and per_s < goal)
        verdict = "" if goal is None else f"   goal {goal:,}: {'met' if per_s >= goal else 'MISSED'}"
        print(f"{what:<30} {per_s:>9,.0f} moves a second, {share:>5.1f} in a commit{verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
