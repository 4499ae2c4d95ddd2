"""The points a sweep may try: one axis for each hyperparameter, conditions and rules between them. Pure."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from random import Random

from attrs import field, frozen

from ...errors import SweepError
from .axes import Axis, Choice, Float, Int, Scalar, own_value
from .conditions import Point, When, faults, in_order, is_met
from .constraints import Constraint

__all__ = ["Axis", "Choice", "Float", "Int", "NoPoint", "Point", "Scalar", "Space", "When", "key_of"]

# Points of a space with conditions or constraints are counted one by one, and most of its combinations may be none.
MOST_COUNTED = 200_000
MOST_STEPS = 1_000_000
# Draws without a point that keeps the constraints, before the space is taken for one that has none.
_MOST_DRAWS = 10_000


class NoPoint(SweepError, ValueError):
    """No point of the space was found that keeps its constraints."""


@frozen
class Space:
    """All points: every combination of one value per axis that its conditions call for and its constraints allow.

    Args:
        axes: by the name of the hyperparameter.
        conditions: by the name of a hyperparameter, what others have to be for it to be there.
        constraints: what every point keeps.
    """

    axes: Mapping[str, Axis]
    conditions: Mapping[str, When] = field(factory=dict)
    constraints: tuple[Constraint, ...] = ()

    def __attrs_post_init__(self) -> None:
        if not self.axes:
            raise ValueError("a space needs at least one axis")
        unknown = self.conditions.keys() - self.axes.keys()
        if unknown:
            raise ValueError(f"there is a condition for {', '.join(sorted(unknown))}, and no such axis")
        fault = next(faults(self.axes, self.conditions), None)
        if fault is not None:
            raise ValueError(f"the condition of {fault.name}: {fault.parent or fault.name} {fault.message}")

    @property
    def is_plain(self) -> bool:
        """Whether every combination of values is a point."""
        return not self.conditions and not self.constraints

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The names, each behind those that its condition asks about."""
        return in_order(self.axes, self.conditions)

    @cached_property
    def size(self) -> int | None:
        """How many points, or None when an axis is continuous or it takes too long to count them one by one."""
        total = 1
        for axis in self.axes.values():
            if axis.size is None:
                return None
            total *= axis.size
        if self.is_plain:
            return total
        count = 0
        for step, point in enumerate(self._steps()):
            count += point is not None
            if step == MOST_STEPS or count > MOST_COUNTED:
                return None
        return count

    @property
    def continuous(self) -> tuple[str, ...]:
        """The names of the axes that have no end of values."""
        return tuple(name for name, axis in self.axes.items() if axis.size is None)

    @property
    def is_even(self) -> bool:
        """Whether the places of a plain, finite space are all as likely as each other."""
        return all(not (isinstance(axis, Int) and axis.log and axis.num is None) for axis in self.axes.values())

    def at(self, index: int) -> Point:
        """The point at this place of a plain, finite space; the axis that comes last by name moves first."""
        picked: Point = {}
        for name in sorted(self.axes, reverse=True):
            axis = self.axes[name]
            assert axis.size is not None
            index, place = divmod(index, axis.size)
            picked[name] = axis.at(place)
        return self.arranged(picked)

    def points(self) -> Iterator[Point]:
        """The points of a space without continuous axes, in the order of ``at``."""
        return (point for point in self._steps() if point is not None)

    def first_points(self) -> Iterator[Point]:
        """The points that come first in that order, as many as are found soon; all of them where ``size`` is known."""
        return (point for point in islice(self._steps(), MOST_STEPS) if point is not None)

    def draw(self, rng: Random) -> Point:
        """One point from anywhere; the order in which the axes were given makes no difference.

        Raises:
            NoPoint: none was found that keeps the constraints.
        """
        for _ in range(_MOST_DRAWS):
            point = self.combination(rng)
            if self.allows(point):
                return point
        if self.size:
            return rng.choice(list(self.points()))
        rules = " and ".join(constraint.text for constraint in self.constraints)
        raise NoPoint(f"none of {_MOST_DRAWS} points keeps {rules}")

    def combination(self, rng: Random) -> Point:
        """Values from anywhere that the conditions call for; they may break constraints."""
        picked: Point = {}
        for name in self.order:
            if is_met(self.conditions.get(name, {}), picked):
                picked[name] = self.axes[name].draw(rng)
        return self.arranged(picked)

    def pick(self, positions: Mapping[str, float]) -> Point:
        """The combination of values so far along the axes, from 0 to 1; it may break constraints."""
        picked: Point = {}
        for name in self.order:
            if is_met(self.conditions.get(name, {}), picked):
                picked[name] = self.axes[name].pick(positions[name])
        return self.arranged(picked)

    def allows(self, point: Point) -> bool:
        """Whether the point keeps all constraints."""
        return all(constraint.is_kept(point) for constraint in self.constraints)

    def own(self, point: Mapping[str, object]) -> Point | None:
        """The point as this space writes it, or None when it does not lie in it."""
        picked: Point = {}
        for name in self.order:
            if is_met(self.conditions.get(name, {}), picked):
                given = point.get(name)
                value = own_value(self.axes[name], given) if isinstance(given, str | int | float) else None
                if value is None:
                    return None
                picked[name] = value
        return self.arranged(picked) if picked.keys() == point.keys() and self.allows(picked) else None

    def arranged(self, picked: Point) -> Point:
        """The values in the order in which the axes were given."""
        return {name: picked[name] for name in self.axes if name in picked}

    def _steps(self) -> Iterator[Point | None]:
        """A walk through all combinations, in which None stands for a step that leads to no point."""
        picked: Point = {}
        rows = [self._row(0, picked)]
        while rows:
            name = self.order[len(rows) - 1]
            picked.pop(name, None)
            step = next(rows[-1], None)
            if step is None:
                rows.pop()
                continue
            picked |= step
            # A constraint is looked at as soon as its last hyperparameter is there.
            if not all(one.is_kept(picked) for one in self._rules.get(name, ()) if step):
                yield None
            elif len(rows) == len(self.order):
                yield self.arranged(picked)
            else:
                yield None
                rows.append(self._row(len(rows), picked))

    def _row(self, depth: int, picked: Point) -> Iterator[Point]:
        """What may stand at this place of the order, given what stands before it: each value, or nothing."""
        name = self.order[depth]
        if not is_met(self.conditions.get(name, {}), picked):
            return iter(({},))
        axis = self.axes[name]
        assert axis.size is not None
        return ({name: axis.at(index)} for index in range(axis.size))

    @cached_property
    def _rules(self) -> dict[str, list[Constraint]]:
        """The constraints by the hyperparameters that they are about."""
        rules: dict[str, list[Constraint]] = {}
        for one in self.constraints:
            for name in one.names:
                rules.setdefault(name, []).append(one)
        return rules


def key_of(point: Mapping[str, Scalar]) -> str:
    """A text that equal points have in common."""
    return json.dumps(point, sort_keys=True)
