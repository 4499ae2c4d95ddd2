"""The points a sweep may try: one axis for each hyperparameter, conditions and rules between them. Pure."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from random import Random

from attrs import field, frozen

from ...errors import SweepError
from .axes import Axis, Choice, Float, Int, Scalar, own_value
from .conditions import Point, When, faults, in_order, is_met
from .constraints import Constraint

__all__ = ["Axis", "Choice", "Float", "Int", "NoPoint", "Point", "Scalar", "Space", "When", "key_of"]

# Points of a space with conditions or constraints are counted one by one.
MOST_COUNTED = 200_000
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
        """How many points, or None when an axis is continuous or there are too many to be counted one by one."""
        total = 1
        for axis in self.axes.values():
            if axis.size is None:
                return None
            total *= axis.size
        if self.is_plain:
            return total
        count = sum(1 for _, _ in zip(range(MOST_COUNTED + 1), self.points(), strict=False))
        return count if count <= MOST_COUNTED else None

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
        return map(self.arranged, self._walk({}, 0))

    def draw(self, rng: Random) -> Point:
        """One point from anywhere; the order in which the axes were given makes no difference.

        Raises:
            NoPoint: none was found that keeps the constraints.
        """
        for _ in range(_MOST_DRAWS):
            point = self.arranged(self._drawn(rng))
            if self.allows(point):
                return point
        if self.size:
            return rng.choice(list(self.points()))
        rules = " and ".join(constraint.text for constraint in self.constraints)
        raise NoPoint(f"none of {_MOST_DRAWS} points keeps {rules}")

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

    def _drawn(self, rng: Random) -> Point:
        picked: Point = {}
        for name in self.order:
            if is_met(self.conditions.get(name, {}), picked):
                picked[name] = self.axes[name].draw(rng)
        return picked

    def _walk(self, picked: Point, depth: int) -> Iterator[Point]:
        if depth == len(self.order):
            yield dict(picked)
            return
        name = self.order[depth]
        if not is_met(self.conditions.get(name, {}), picked):
            yield from self._walk(picked, depth + 1)
            return
        axis = self.axes[name]
        assert axis.size is not None
        for index in range(axis.size):
            picked[name] = axis.at(index)
            # A constraint is looked at as soon as its last hyperparameter is there.
            if all(one.is_kept(picked) for one in self.constraints if name in one.names):
                yield from self._walk(picked, depth + 1)
        picked.pop(name, None)


def key_of(point: Mapping[str, Scalar]) -> str:
    """A text that equal points have in common."""
    return json.dumps(point, sort_keys=True)
