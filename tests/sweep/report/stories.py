"""Sweeps to be reported on: as their ledgers would tell them."""

import math
from random import Random
from typing import Any

from aiomodelarts.sweep.ledger.records import Event
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.report import Aim, ReportData
from aiomodelarts.sweep.space.space import Axis, Choice, Float, Int, Point
from aiomodelarts.sweep.trial import Trial, TrialState

START = 1_790_000_000.0
HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>&amp;"
AXES: dict[str, Axis] = {
    "learning_rate": Float(1e-5, 1e-1, log=True),
    "dropout": Float(0.0, 0.5),
    "layers": Int(1, 6),
    "optimizer": Choice(("adam", "sgd", "rmsprop")),
    "momentum": Float(0.5, 0.99),
    "batch_size": Choice((16, 32, 64, 128)),
    "augment": Choice((True, False)),
}


def story(
    *,
    count: int = 240,
    slots: int = 8,
    open_: int = 3,
    planned: int | None = None,
    goal: Goal = Goal.MAXIMIZE,
    bad: float = 0.08,
    reason: str = "exit code 1; its log ends: ValueError: three is bad",
    axes: dict[str, Axis] = AXES,
    pruned: float = 0.0,
    several: bool = False,
) -> ReportData:
    """A sweep under way: trials that went well, failed, were stopped early or tried again, and some that run."""
    rng = Random(7)
    free = [START] * slots
    trials: list[Trial] = []
    events: list[Event] = []

    def say(at: float, number: int, attempt: int, state: TrialState, why: str) -> None:
        events.append(Event(at, number, attempt, state, why, 1))

    for number in range(1, count + 1):
        slot = min(range(slots), key=lambda place: free[place])
        at, point = free[slot], _point(rng, axes)
        path, attempt = f"/bucket/output/story/{number:04d}/", 1
        say(at, number, 1, TrialState.RESERVED, "reserved")
        if rng.random() < bad / 2:
            say(at + 1, number, 1, TrialState.CREATING, "about to be created")
            say(at + 2, number, 1, TrialState.RUNNING, "made")
            say(at + 60, number, 2, TrialState.RESERVED, "tried again (lost): the platform lost sight of it")
            at, attempt = at + 60, 2
        say(at + 1, number, attempt, TrialState.CREATING, "about to be created")
        say(at + 3, number, attempt, TrialState.RUNNING, "made")
        ids: dict[str, Any] = {"job_id": 31, "version_id": 1000 + number, "attempt": attempt, "began_at": at + 3}
        lasts = rng.uniform(200, 900)
        free[slot] = at + lasts + 3
        if number > count - open_:
            trials.append(Trial(number, point, path, TrialState.RUNNING, **ids))
            continue
        fate = rng.random()
        state = TrialState.FAILED if fate < bad else TrialState.NO_METRIC if fate < bad * 1.3 else TrialState.SUCCEEDED
        value = _value(point, rng, goal) if state is TrialState.SUCCEEDED else None
        why = None if value is not None else reason
        if value is not None and fate > 1 - pruned:
            state, lasts, last = TrialState.PRUNED, lasts / 4, value - 0.02
            value, why = None, f"stopped early at step 7, with {last}"
            free[slot] = at + lasts + 3
            ids |= {"last_value": last, "last_step": 7}
        if several and value is not None:
            ids["values"] = (value, 3.0 + int(point.get("layers", 3)) * rng.uniform(0.5, 2.0))
        say(at + 3 + lasts, number, attempt, state, why or f"value {value}")
        trials.append(Trial(number, point, path, state, value, why, duration_s=lasts, **ids))
    events.sort(key=lambda event: event.at)
    now = max((event.at for event in events if event.state.is_final), default=START) + 1
    return ReportData(
        name="story",
        goal=goal,
        metric="val_accuracy=([0-9.]+)",
        search="Random search, seed 7",
        axes=axes,
        trials=tuple(trials),
        events=tuple(event for event in events if event.at <= now),
        planned=count + 20 if planned is None else planned,
        at=now,
        importance_note="It was not asked for.",
        several=_aims(goal) if several else {},
        shows_stopped=pruned > 0,
    )


def _aims(goal: Goal) -> dict[str, Aim]:
    note = "It was not asked for."
    return {
        "accuracy": Aim(goal, "val_accuracy=([0-9.]+)", importance_note=note),
        "size": Aim(Goal.MINIMIZE, "size=([0-9.]+)", importance_note=note),
    }


def _point(rng: Random, axes: dict[str, Axis]) -> Point:
    point: Point = {}
    for name, axis in axes.items():
        if name == "momentum" and point.get("optimizer") == "adam":
            continue
        if isinstance(axis, Float):
            point[name] = axis.draw(rng)
        else:
            assert axis.size is not None
            point[name] = axis.at(rng.randrange(axis.size))
    return point


def _value(point: Point, rng: Random, goal: Goal) -> float:
    rate = float(point.get("learning_rate", 1e-3))
    loss = 0.03 * (math.log10(rate) + 3) ** 2 + 0.2 * (float(point.get("dropout", 0.2)) - 0.2) ** 2
    loss += 0.01 * abs(int(point.get("layers", 3)) - 4) + 0.02 * (point.get("optimizer") == "sgd")
    loss += rng.gauss(0, 0.004)
    return 0.97 - loss if goal is Goal.MAXIMIZE else 0.03 + loss
