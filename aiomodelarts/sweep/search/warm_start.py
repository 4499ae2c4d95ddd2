"""What was known before a sweep began: values of earlier sweeps and of versions that are there already. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ...hyperparameters import Hyperparameters
from ..objective import Goal
from ..space.conditions import is_met
from ..space.readings import read_as
from ..space.space import Point, Space
from ..trial import Trial, TrialState

# Of what was left out for one reason, so many are named.
_NAMED = 3


@frozen
class LedgerSource:
    """A ledger to take values from.

    Args:
        address: URL of the database.
        told: what the sweep file says, without a password.
    """

    address: str = field(repr=False)
    told: str


@frozen
class WarmStart:
    """Where values from before a sweep come from.

    Args:
        ledgers: of earlier sweeps.
        sweeps: the names of the sweeps in these ledgers; empty where each has only one.
        jobs: ids or names of jobs, whose versions are taken.
    """

    ledgers: tuple[LedgerSource, ...] = ()
    sweeps: tuple[str, ...] = ()
    jobs: tuple[int | str, ...] = ()

    def as_settings(self) -> dict[str, Any]:
        """Its keys in a sweep file, as JSON types."""
        told = {"ledgers": [one.told for one in self.ledgers], "sweeps": self.sweeps, "jobs": self.jobs}
        return {key: list(value) for key, value in told.items() if value}


@frozen
class Observation:
    """Values that were reached at a point.

    Args:
        point: as the space writes it.
        values: of the objectives, in their order.
        source: where they come from, in words.
    """

    point: Point = field(eq=True, hash=False)
    values: tuple[float, ...]
    source: str


@frozen
class LeftOut:
    """What could not be taken.

    Args:
        source: where it is.
        reason: in words.
        count: how many were left out for it.
        named: the first of them.
    """

    source: str
    reason: str
    count: int = 1
    named: tuple[str, ...] = ()


@frozen
class History:
    """What a sweep took in before it began, as its ledger keeps it.

    Args:
        settings: what it was taken for, as JSON types; another sweep would take something else.
        observations: in the order in which the search is told of them.
        left_out: what could not be taken.
        notes: what else is to be known.
    """

    settings: Mapping[str, Any] = field(hash=False)
    observations: tuple[Observation, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What was taken and what was left out, in words."""
        sources = [one.source for one in self.observations]
        counted = [f"{sources.count(source)} from {source}" for source in dict.fromkeys(sources)]
        told = [f"warm start: {len(sources)} values taken" + (f" ({', '.join(counted)})" if counted else "")]
        for one in self.left_out:
            named = f": {', '.join(one.named)}" + (", ..." if one.count > len(one.named) else "") if one.named else ""
            told.append(f"warm start: {one.count} of {one.source} left out, {one.reason}{named}")
        return told + [f"warm start: {note}" for note in self.notes]

    def as_trials(self) -> list[Trial]:
        """The observations as a search reads them: trials that ended before the first one of the sweep."""
        first = 1 - len(self.observations)
        return [
            Trial(
                number,
                one.point,
                "",
                state=TrialState.SUCCEEDED,
                value=one.values[0],
                values=one.values if len(one.values) > 1 else (),
            )
            for number, one in enumerate(self.observations, start=first)
        ]


class Elsewhere(Exception):
    """A point does not lie in the space, or what does not vary was otherwise; the message says how."""


def point_in(space: Space, fixed: Mapping[str, Any], told: Mapping[str, Any]) -> Point:
    """What a script was told, as a point of the space.

    Args:
        space: the space.
        fixed: the hyperparameters that do not vary.
        told: all that the script was told, by name.

    Raises:
        Elsewhere: it is none.
    """
    texts = Hyperparameters.of(told).as_dict()
    point: Point = {}
    for name in space.order:
        # One whose condition is not met means nothing, whatever it is.
        if not is_met(space.conditions.get(name, {}), point):
            continue
        if name not in texts:
            raise Elsewhere(f"{name} is missing")
        value = read_as(space.axes[name], texts[name])
        if value is None:
            raise Elsewhere(f"{name} lies outside of [space]")
        point[name] = value
    for name in sorted(texts.keys() - space.axes.keys() - fixed.keys()):
        raise Elsewhere(f"{name} is no hyperparameter here")
    for name in sorted(fixed.keys() - space.axes.keys()):
        if name not in texts or Hyperparameters.of({name: texts[name]}) != Hyperparameters.of({name: fixed[name]}):
            raise Elsewhere(f"{name} was not {fixed[name]}")
    broken = next((rule.text for rule in space.constraints if not rule.is_kept(point)), None)
    if broken is not None:
        raise Elsewhere(f"it breaks {broken}")
    return space.arranged(point)


def counted(left_out: Iterable[tuple[str, str, str]]) -> tuple[LeftOut, ...]:
    """What was left out, by source and reason.

    Args:
        left_out: for each, its source, the reason, and its name.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for source, reason, name in left_out:
        groups.setdefault((source, reason), []).append(name)
    return tuple(
        LeftOut(source, reason, len(names), tuple(names[:_NAMED])) for (source, reason), names in groups.items()
    )


def another_objective(settings: Mapping[str, Any], goals: Mapping[str, Goal]) -> str | None:
    """Why values of a sweep with these settings mean something else, or None when they do not.

    Args:
        settings: of that sweep, as its ledger has them.
        goals: of this one.
    """
    order = settings.get(ORDER_OF_OBJECTIVES, [""])
    if order != list(goals):
        return f"its objectives are {_named(order)}, and here they are {_named(list(goals))}"
    for name, goal in goals.items():
        table = f"[objective.{name}]" if name else "[objective]"
        there = settings.get(f"{table} goal")
        if there != goal.value:
            return f"its goal{f' for {name}' if name else ''} is to {there}, and here to {goal.value}"
    return None


# The place of the names of several objectives in the settings: a trial's values are in their order.
ORDER_OF_OBJECTIVES = "[objective] order"


def _named(order: Sequence[str]) -> str:
    return ", ".join(order) if order != [""] else "one"
