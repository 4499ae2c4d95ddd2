"""What a sweep would make, as a value that can be kept and applied later. Pure."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import asdict, frozen

from ...errors import SweepError
from ..space.space import Point
from ..trial import Trial

_FORMAT = 1
_TO_MAKE = "to make"


class PlanOutdated(SweepError):
    """The plan is not what the sweep would do now; nothing was sent."""


class PlanFileError(SweepError):
    """The file is no plan that this version of aiomodelarts reads."""


@frozen
class Mark:
    """What a plan depends on, each part as a digest.

    Args:
        sweep: the sweep's whole description.
        points: the points that are known beforehand.
        ledger: every trial and where it stands; None where there was no ledger.
    """

    sweep: str
    points: str
    ledger: str | None

    def changed_to(self, now: "Mark") -> list[str]:
        """What differs, in words."""
        parts = (
            ("the sweep file", self.sweep, now.sweep),
            ("its points", self.points, now.points),
            ("the ledger", self.ledger, now.ledger),
        )
        return [name for name, then, at_present in parts if then != at_present]


@frozen
class PlannedTrial:
    """One trial of a plan.

    Args:
        number: counts from 1.
        point: its hyperparameters.
        state: where it stands, or ``to make``.
        output_path: where its version writes, or would.
    """

    number: int
    point: Point
    state: str
    output_path: str


@frozen
class Estimate:
    """What may be used: about so much, by what earlier trials took, and at most so much; None where it is not known."""

    about: float | None = None
    most: float | None = None


@frozen
class Refusal:
    """Something that the platform, or the sweep itself, would refuse.

    Args:
        what: the setting or the thing.
        why: in words.
    """

    what: str
    why: str


@frozen
class Plan:
    """What a sweep would make.

    Args:
        sweep: its name.
        file: of the sweep, as it was named; None for a sweep that was made in Python.
        mark: what the plan depends on.
        search: how the points are chosen.
        concurrency: how many versions run at once.
        trials: those that are there, and those whose points are known beforehand.
        later: how many more there will be, whose points come from the values of the earlier ones.
        job: what becomes of the job, in words.
        refused: what would be refused; a plan without is one that can be applied.
        notes: what else is to be known.
        hours: of training, of the trials that are to be made.
        cost: of them, in the currency of the price table; None without one.
        elapsed_h: hours from begin to end.
    """

    sweep: str
    file: str | None
    mark: Mark
    search: str
    concurrency: int
    trials: tuple[PlannedTrial, ...]
    later: int
    job: str
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    hours: Estimate
    cost: Estimate | None
    elapsed_h: Estimate

    @property
    def count(self) -> int:
        """How many trials there will be in all."""
        return len(self.trials) + self.later

    @property
    def to_make(self) -> int:
        """How many trials are yet to be begun."""
        return sum(trial.state == _TO_MAKE for trial in self.trials) + self.later

    @property
    def states(self) -> Counter[str]:
        """How many trials stand where."""
        return Counter(trial.state for trial in self.trials)

    def check(self, now: Mark) -> None:
        """Return when nothing has changed since the plan was made.

        Raises:
            PlanOutdated: something has; it says what.
        """
        changed = self.mark.changed_to(now)
        if changed:
            raise PlanOutdated(
                f"{' and '.join(changed)} changed since the plan of {self.sweep} was made; make a new one: sweep plan"
            )

    def as_json(self) -> dict[str, Any]:
        """The whole plan as JSON types."""
        return {
            "format": _FORMAT,
            "sweep": self.sweep,
            "file": self.file,
            "mark": asdict(self.mark),
            "search": self.search,
            "concurrency": self.concurrency,
            "count": self.count,
            "to_make": self.to_make,
            "later": self.later,
            "job": self.job,
            "refused": [asdict(one) for one in self.refused],
            "notes": list(self.notes),
            "hours": asdict(self.hours),
            "cost": None if self.cost is None else asdict(self.cost),
            "elapsed_hours": asdict(self.elapsed_h),
            "trials": [
                {
                    "trial": trial.number,
                    "state": trial.state,
                    "hyperparameters": trial.point,
                    "output_path": trial.output_path,
                }
                for trial in self.trials
            ],
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> "Plan":
        """The plan in a file.

        Raises:
            PlanFileError: it is none, or one of another version.
        """
        try:
            told = json.loads(text)
            if told["format"] != _FORMAT:
                raise PlanFileError(f"the plan has format {told['format']}, and this version reads {_FORMAT}")
            return cls(
                sweep=told["sweep"],
                file=told["file"],
                mark=Mark(**told["mark"]),
                search=told["search"],
                concurrency=told["concurrency"],
                trials=tuple(
                    PlannedTrial(one["trial"], one["hyperparameters"], one["state"], one["output_path"])
                    for one in told["trials"]
                ),
                later=told["later"],
                job=told["job"],
                refused=tuple(Refusal(**one) for one in told["refused"]),
                notes=tuple(told["notes"]),
                hours=Estimate(**told["hours"]),
                cost=None if told["cost"] is None else Estimate(**told["cost"]),
                elapsed_h=Estimate(**told["elapsed_hours"]),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise PlanFileError("it is no plan that sweep plan has written") from error


def planned(trial: Trial) -> PlannedTrial:
    """A trial that is there already."""
    return PlannedTrial(trial.number, trial.point, trial.state.value, trial.output_path)


def to_make(number: int, point: Point, output_path: str) -> PlannedTrial:
    """A trial that would be made."""
    return PlannedTrial(number, point, _TO_MAKE, output_path)


def points_mark(points: Iterable[Point], later: int, search: str) -> str:
    """The digest of the points; where some come later, of the way they are chosen."""
    return _digest([[list(point.items()) for point in points], later, search])


def ledger_mark(trials: Iterable[Trial]) -> str:
    """The digest of all trials and where they stand."""
    return _digest([[trial.number, trial.attempt, trial.state.value, trial.value] for trial in trials])


def sweep_mark(text: bytes) -> str:
    """The digest of a sweep's description."""
    return hashlib.sha256(text).hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()
