"""A finished sweep: its best trial, and the two files that hold everything."""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from .budget import Spending
from .objective import Goal
from .table import result_html
from .trial import Trial

_CSV_HEAD = ("trial", "state", "value")
_CSV_TAIL = ("duration_s", "job_id", "version_id", "output_path", "attempt", "failure", "reason")


def best_of(trials: Iterable[Trial], goal: Goal) -> Trial | None:
    """The trial with the best value, the lower number of equals, or None when no trial has a value."""
    best: Trial | None = None
    for trial in sorted(trials, key=lambda trial: trial.number):
        if trial.value is not None and (best is None or best.value is None or goal.prefers(trial.value, best.value)):
            best = trial
    return best


def front_of(trials: Iterable[Trial], goals: Sequence[Goal]) -> tuple[Trial, ...]:
    """The Pareto front: the trials that no other one beats, by number; those without a value are none of it."""
    signs = [-1 if goal is Goal.MAXIMIZE else 1 for goal in goals]
    costs = {
        trial: [sign * value for sign, value in zip(signs, trial.values or (trial.value,), strict=True)]
        for trial in trials
        if trial.value is not None
    }
    front: list[Trial] = []
    # Whoever beats a trial comes before it in this order.
    for trial in sorted(costs, key=lambda trial: costs[trial]):
        if not any(_beats(costs[one], costs[trial]) for one in front):
            front.append(trial)
    return tuple(sorted(front, key=lambda trial: trial.number))


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))


@frozen(repr=False)
class SweepResult:
    """What a sweep found.

    Args:
        name: the sweep's name.
        goal: whether high or low values are good.
        trials: all that were begun, by number.
        stopped_by: why no more trials were begun, or None when all of them were.
        account: what is reserved and what was spent, or None where no accounts are kept.
        goals: of all objectives by name; ``goal`` is the first of them.
    """

    name: str
    goal: Goal
    trials: tuple[Trial, ...]
    stopped_by: Exception | None = None
    account: Spending | None = None
    goals: Mapping[str, Goal] = field(factory=dict)

    def __repr__(self) -> str:
        # Thousands of trials are for the table and the files.
        best = self.best
        found = "none with a value" if best is None else f"best {best.value:.6g} in trial {best.number}"
        return f"<SweepResult {self.name!r}: {len(self.trials)} trials, {found}>"

    @property
    def best(self) -> Trial | None:
        """The trial with the best value, or None when no trial has a value."""
        return best_of(self.trials, self.goal)

    @property
    def front(self) -> tuple[Trial, ...]:
        """The trials that no other one beats: none is as good in every objective and better in one."""
        return front_of(self.trials, tuple(self.goals.values()) or (self.goal,))

    @property
    def ranked(self) -> tuple[Trial, ...]:
        """The trials with a value, best first."""
        valued = [trial for trial in self.trials if trial.value is not None]
        sign = -1 if self.goal is Goal.MAXIMIZE else 1
        return tuple(sorted(valued, key=lambda trial: sign * (trial.value or 0.0)))

    @property
    def without_value(self) -> tuple[Trial, ...]:
        """The trials that are over and have no value."""
        return tuple(trial for trial in self.trials if trial.state.is_final and trial.value is None)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return result_html(self)

    def as_json(self) -> dict[str, Any]:
        """The whole result as JSON types."""
        return {
            "sweep": self.name,
            "goal": self.goal.value,
            "stopped_by": None if self.stopped_by is None else str(self.stopped_by),
            "budget": None if self.account is None else account_as_json(self.account),
            "best": None if self.best is None else trial_as_json(self.best),
            **({"front": [trial.number for trial in self.front]} if len(self.goals) > 1 else {}),
            "trials": [trial_as_json(trial) for trial in self.trials],
        }


def account_as_json(account: Spending) -> dict[str, float]:
    """What is reserved and what was spent, as JSON types."""
    return {
        "reserved_hours": round(account.held.hours, 6),
        "reserved_cost": account.held.cost,
        "spent_hours": round(account.spent.hours, 6),
        "spent_cost": account.spent.cost,
    }


def trial_as_json(trial: Trial) -> dict[str, Any]:
    """One trial as JSON types."""
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "value": trial.value,
        **({"values": list(trial.values)} if trial.values else {}),
        "last_value": trial.last_value,
        "last_step": trial.last_step,
        "hyperparameters": trial.point,
        "duration_s": None if trial.duration_s is None else round(trial.duration_s, 3),
        "job_id": trial.job_id,
        "version_id": trial.version_id,
        "flavor": trial.flavor,
        "spent_hours": round(trial.account.spent.hours, 6),
        "spent_cost": trial.account.spent.cost,
        "output_path": trial.output_path,
        "attempt": trial.attempt,
        "failure": trial.failure,
        "reason": trial.reason,
    }


def write_results(result: SweepResult, folder: Path) -> tuple[Path, Path]:
    """Write ``results.csv`` and ``results.json``, each replaced as a whole, and return their paths. Blocks.

    Raises:
        OSError: the folder cannot be written; what stood there before is still whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    as_csv, as_json = folder / "results.csv", folder / "results.json"
    replace(as_csv, _csv_text(result))
    replace(as_json, json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n")
    return as_csv, as_json


def _csv_text(result: SweepResult) -> str:
    names = sorted({name for trial in result.trials for name in trial.point})
    objectives = list(result.goals) if len(result.goals) > 1 else []
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    columns = (*(f"values_{name}" for name in objectives), *(f"params_{name}" for name in names))
    rows.writerow([*_CSV_HEAD, *columns, *_CSV_TAIL])
    for trial in result.trials:
        told = trial_as_json(trial)
        rows.writerow(
            [told[key] for key in _CSV_HEAD]
            + (list(trial.values) if trial.values else [None] * len(objectives))
            + [trial.point.get(name) for name in names]
            + [told[key] for key in _CSV_TAIL]
        )
    return text.getvalue()


def replace(path: Path, text: str) -> None:
    """Put a file with this text in the place of the one that is there, or none at all. Blocks.

    Raises:
        OSError: it cannot be written; names the file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            # Of a full disk the system names no file, and of all else the temporary one.
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
