"""What adaptive search finds beside random search, and what one suggestion costs.

``python -m benchmarks.search``. Each search goes through the sweep's own searcher, with as many trials going on at once
as a sweep would have; a trial's value is told when the trial is over, and they end in the order in which they began.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from random import Random

from attrs import evolve, frozen

from aiomodelarts.sweep.engine.aside import aside
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.search.search import AdaptiveSearch, QuasiRandomSearch, RandomSearch
from aiomodelarts.sweep.search.searcher import Searcher
from aiomodelarts.sweep.space.space import Choice, Float, Int, Point, Space
from aiomodelarts.sweep.trial import Trial, TrialState

ALGORITHMS = ("random", "quasi-random", "tpe", "cma-es")
_GOAL_LAG_MS = 10.0
# Sampling the loop's lag costs CPU too, so it is not done too often.
_SAMPLE_S = 0.01

_HARTMANN_ALPHA = (1.0, 1.2, 3.0, 3.2)
_HARTMANN_A = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_HARTMANN_P = (
    (1312, 1696, 5569, 124, 8283, 5886),
    (2329, 4135, 8307, 3736, 1004, 9991),
    (2348, 1451, 3522, 2883, 3047, 6650),
    (4047, 8828, 8732, 5743, 1091, 381),
)


@frozen
class Problem:
    """Something to search.

    Args:
        name: of the problem.
        space: its hyperparameters.
        goal: which values are good.
        value: of a point.
        best: the best there is, or None where nobody knows.
    """

    name: str
    space: Space
    goal: Goal
    value: Callable[[Point], float]
    best: float | None


def numbers(point: Point) -> list[float]:
    return [float(point[name]) for name in sorted(point)]


def branin(point: Point) -> float:
    x, y = numbers(point)
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x**2 + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


def hartmann6(point: Point) -> float:
    x = numbers(point)
    total = 0.0
    for alpha, row, place in zip(_HARTMANN_ALPHA, _HARTMANN_A, _HARTMANN_P, strict=True):
        total += alpha * math.exp(-sum(a * (xi - p / 10_000) ** 2 for a, xi, p in zip(row, x, place, strict=True)))
    return -total


def rosenbrock(point: Point) -> float:
    x = numbers(point)
    return sum(100 * (after - before**2) ** 2 + (1 - before) ** 2 for before, after in pairwise(x))


@cache
def digits() -> tuple[Sequence[object], ...]:
    """The example's data, split as the example splits them."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    images, labels = load_digits(return_X_y=True)
    train_x, val_x, train_y, val_y = train_test_split(images, labels, test_size=0.25, stratify=labels, random_state=0)
    scaler = StandardScaler().fit(train_x)
    return scaler.transform(train_x), scaler.transform(val_x), train_y, val_y


def val_accuracy(point: Point) -> float:
    """What ``examples/digits/train.py`` prints for the point."""
    from sklearn.svm import SVC

    train_x, val_x, train_y, val_y = digits()
    model = SVC(C=float(point["C"]), gamma=float(point["gamma"])).fit(train_x, train_y)
    return float(model.score(val_x, val_y))


def between(low: float, high: float, count: int) -> Space:
    return Space({f"x{place}": Float(low, high) for place in range(count)})


PROBLEMS = (
    Problem("Branin", Space({"x": Float(-5.0, 10.0), "y": Float(0.0, 15.0)}), Goal.MINIMIZE, branin, 0.397887),
    Problem("Hartmann 6", between(0.0, 1.0, 6), Goal.MINIMIZE, hartmann6, -3.32237),
    Problem("Rosenbrock 5", between(-2.0, 2.0, 5), Goal.MINIMIZE, rosenbrock, 0.0),
    Problem(
        "digits, SVC",
        Space({"C": Float(1e-3, 1e3, log=True), "gamma": Float(1e-6, 1.0, log=True)}),
        Goal.MAXIMIZE,
        val_accuracy,
        None,
    ),
)


def found(problem: Problem, algorithm: str, trials: int, seed: int, at_once: int) -> float:
    """The best value of one search."""
    known = {"random": RandomSearch, "quasi-random": QuasiRandomSearch}.get(algorithm)
    if known is not None:
        values = [problem.value(point) for point in known(trials, seed).points(problem.space)]
    else:
        values = list(
            _adaptive(
                problem,
                Searcher(AdaptiveSearch(algorithm, trials, seed), problem.space, [problem.goal]),
                trials,
                at_once,
            )
        )
    return max(values) if problem.goal is Goal.MAXIMIZE else min(values)


def _adaptive(problem: Problem, searcher: Searcher, trials: int, at_once: int) -> Sequence[float]:
    history: list[Trial] = []
    running: deque[int] = deque()
    for number in range(1, trials + 1):
        if len(running) == at_once:
            place = running.popleft()
            history[place] = _over(history[place], problem)
        point = searcher.suggest(number, history).point
        running.append(len(history))
        history.append(Trial(number, point, "/out/", state=TrialState.RUNNING))
    return [problem.value(trial.point) for trial in history]


def _over(trial: Trial, problem: Problem) -> Trial:
    times = {"began_at": float(trial.number), "duration_s": 1.0}
    return evolve(trial, state=TrialState.SUCCEEDED, value=problem.value(trial.point), **times)


def compare(problems: Sequence[Problem], trials: int, seeds: int, at_once: int) -> bool:
    """Print what each algorithm finds; whether TPE's median is the better one throughout."""
    print(f"best value of {trials} trials, {at_once} at once; median (worst) of {seeds} seeds")
    beaten = True
    for problem in problems:
        reached = {
            algorithm: [found(problem, algorithm, trials, seed, at_once) for seed in range(seeds)]
            for algorithm in ALGORITHMS
        }
        _print_row(problem, reached)
        tpe, random = statistics.median(reached["tpe"]), statistics.median(reached["random"])
        beaten = beaten and problem.goal.prefers(tpe, random)
    return beaten


def _print_row(problem: Problem, reached: Mapping[str, Sequence[float]]) -> None:
    worst = min if problem.goal is Goal.MAXIMIZE else max
    pairs = zip(reached["tpe"], reached["random"], strict=True)
    wins = sum(problem.goal.prefers(one, other) for one, other in pairs)
    told = "  ".join(
        f"{name} {statistics.median(values):.4f} ({worst(values):.4f})" for name, values in reached.items()
    )
    best = "" if problem.best is None else f" (best {problem.best:.4f})"
    print(f"{problem.name}{best}: {told}; tpe before random on {wins} of {len(reached['tpe'])} seeds")


async def cost(count: int, suggestions: int) -> float:
    """Print what a suggestion costs after so many trials, and how long the loop is held up meanwhile; its p99 in ms."""
    space = Space(
        {
            "lr": Float(1e-5, 1.0, log=True),
            "dropout": Float(0.0, 0.5),
            "units": Int(1, 1024, log=True),
            "optimizer": Choice(("adam", "sgd", "rmsprop")),
            "momentum": Float(0.0, 1.0),
        },
        {"momentum": {"optimizer": ("sgd",)}},
    )
    rng = Random(1)
    history = [
        Trial(number, point, "/out/", state=TrialState.SUCCEEDED, value=rng.random())
        for number, point in enumerate(RandomSearch(count, 1).points(space), start=1)
    ]
    searcher = Searcher(AdaptiveSearch("tpe", count * 2), space, [Goal.MAXIMIZE])
    began = time.perf_counter()
    await aside(searcher.suggest, count + 1, history)
    first = time.perf_counter() - began
    idle = await _idle_p99_ms()
    lags: list[float] = []
    sampler = asyncio.create_task(_sample(lags))
    times = []
    for _ in range(suggestions):
        began = time.perf_counter()
        suggestion = await aside(searcher.suggest, len(history) + 1, history)
        times.append(time.perf_counter() - began)
        history.append(Trial(len(history) + 1, suggestion.point, "/out/", state=TrialState.RUNNING))
    sampler.cancel()
    lags.sort()
    p99 = lags[int(len(lags) * 0.99)] * 1e3
    print(
        f"after {count:,} trials: {statistics.median(times) * 1e3:.1f} ms a suggestion (most {max(times) * 1e3:.1f}, "
        f"the first, with all of the history, {first * 1e3:.0f}); loop lag meanwhile p50 "
        f"{lags[len(lags) // 2] * 1e3:.1f}, p99 {p99:.1f}, most {lags[-1] * 1e3:.1f} ms; p99 of an idle loop on this "
        f"machine {idle:.1f}"
    )
    return p99


async def _idle_p99_ms() -> float:
    """How late a loop is that has nothing to do, for what others make of this machine at the moment."""
    lags: list[float] = []
    sampler = asyncio.create_task(_sample(lags))
    await asyncio.sleep(2)
    sampler.cancel()
    return sorted(lags)[int(len(lags) * 0.99)] * 1e3


async def _sample(lags: list[float]) -> None:
    while True:
        asked = time.perf_counter()
        await asyncio.sleep(_SAMPLE_S)
        lags.append(time.perf_counter() - asked - _SAMPLE_S)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--digits-trials", type=int, default=40, help="each of them trains a model")
    parser.add_argument("--history", type=int, nargs="*", default=[1_000, 10_000], help="trials before a suggestion")
    parser.add_argument("--suggestions", type=int, default=50, help="how many are timed")
    parser.add_argument("--only", choices=["functions", "digits", "cost"])
    options = parser.parse_args()
    good = True
    if options.only in {None, "cost"}:
        for count in options.history:
            good = asyncio.run(cost(count, options.suggestions)) <= _GOAL_LAG_MS and good
    if options.only in {None, "functions"}:
        good = compare(PROBLEMS[:3], options.trials, options.seeds, options.at_once) and good
    if options.only in {None, "digits"}:
        good = compare(PROBLEMS[3:], options.digits_trials, options.seeds, options.at_once) and good
    print("goals reached" if good else "GOALS MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
