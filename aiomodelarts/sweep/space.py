"""The points a sweep may try: one axis for each hyperparameter. Pure."""

import math
from collections.abc import Mapping
from decimal import Decimal
from random import Random

from attrs import frozen

Scalar = str | int | float | bool
Point = dict[str, Scalar]

# Grid values are rounded to so many digits: a script gets 0.001, not 0.0010000000000000002.
_DIGITS = 12
_FINEST_RELATIVE_STEP = 1e-9


@frozen
class Choice:
    """One of the listed values."""

    values: tuple[Scalar, ...]

    def __attrs_post_init__(self) -> None:
        if not self.values:
            raise ValueError("there is nothing to choose from")
        seen: set[tuple[type, Scalar]] = set()
        for value in self.values:
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{value!r} is not a finite number")
            # 1 and 1.0 and true are equal in Python, and three different texts for a script.
            if (type(value), value) in seen:
                raise ValueError(f"{value!r} is listed twice")
            seen.add((type(value), value))

    @property
    def size(self) -> int:
        return len(self.values)

    def at(self, index: int) -> Scalar:
        return self.values[index]


@frozen
class Int:
    """Whole numbers from ``low`` up to and including ``high``."""

    low: int
    high: int
    step: int = 1

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"the low end {self.low} lies above the high end {self.high}")
        if self.step < 1:
            raise ValueError(f"step is {self.step}, and has to be at least 1")

    @property
    def size(self) -> int:
        return (self.high - self.low) // self.step + 1

    def at(self, index: int) -> int:
        return self.low + index * self.step


@frozen
class Float:
    """Numbers from ``low`` to ``high``, both included.

    With ``step`` or ``num`` the axis is a row of single values, in any search. With neither it is continuous,
    and only a random search can draw from it.

    Args:
        low: the smallest value.
        high: the largest value.
        log: whether values are spread evenly in their logarithm.
        step: the distance between neighbouring values, from ``low`` on.
        num: how many values, evenly spread, both ends included.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    num: int | None = None

    def __attrs_post_init__(self) -> None:
        self._check_ends()
        if self.step is not None and self.num is not None:
            raise ValueError("give step or num, not both")
        if self.step is not None:
            self._check_step(self.step)
        if self.num is not None:
            self._check_num(self.num)

    def _check_ends(self) -> None:
        for end in (self.low, self.high):
            if not math.isfinite(end):
                raise ValueError(f"{end!r} is not a finite number")
        if self.low > self.high:
            raise ValueError(f"the low end {self.low!r} lies above the high end {self.high!r}")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range starts above 0, and this one at {self.low!r}")

    def _check_step(self, step: float) -> None:
        if self.log:
            raise ValueError("a logarithmic range takes num, not step")
        if not math.isfinite(step) or step <= 0:
            raise ValueError(f"step is {step!r}, and has to be above 0")
        if step < _FINEST_RELATIVE_STEP * max(abs(self.low), abs(self.high)):
            raise ValueError(f"step {step!r} is too fine for numbers of this size")

    def _check_num(self, num: int) -> None:
        if num < 1:
            raise ValueError(f"num is {num}, and has to be at least 1")
        if num == 1 and self.low != self.high:
            raise ValueError("num is 1, but the two ends differ")
        spread = math.log(self.high) - math.log(self.low) if self.log else self.high - self.low
        largest = 1.0 if self.log else max(abs(self.low), abs(self.high))
        if num > 1 and spread / (num - 1) <= _FINEST_RELATIVE_STEP * largest:
            raise ValueError(f"{num} values do not fit between {self.low!r} and {self.high!r}")

    @property
    def size(self) -> int | None:
        """How many values, or None when there is no end of them."""
        if self.low == self.high:
            return 1
        if self.step is not None:
            return int((_exact(self.high) - _exact(self.low)) // _exact(self.step)) + 1
        return self.num

    def at(self, index: int) -> float:
        """The value at this place of a row of single values."""
        if index == 0:
            return self.low
        if self.step is not None:
            return float(_exact(self.low) + index * _exact(self.step))
        assert self.num is not None
        if index == self.num - 1:
            return self.high
        return self._inside(float(f"{self._between(index / (self.num - 1)):.{_DIGITS}g}"))

    def draw(self, rng: Random) -> float:
        """A value from anywhere in the range."""
        return self._inside(self._between(rng.random()))

    def _between(self, fraction: float) -> float:
        if self.log:
            return math.exp(math.log(self.low) * (1 - fraction) + math.log(self.high) * fraction)
        return self.low * (1 - fraction) + self.high * fraction

    def _inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def _exact(number: float) -> Decimal:
    # The decimal that was written, so that 0.1 + 2 * 0.1 is 0.3.
    return Decimal(repr(number))


Axis = Choice | Int | Float


@frozen
class Space:
    """All points: every combination of one value per axis."""

    axes: Mapping[str, Axis]

    def __attrs_post_init__(self) -> None:
        if not self.axes:
            raise ValueError("a space needs at least one axis")

    @property
    def size(self) -> int | None:
        """How many points, or None when an axis is continuous."""
        total = 1
        for axis in self.axes.values():
            if axis.size is None:
                return None
            total *= axis.size
        return total

    @property
    def continuous(self) -> tuple[str, ...]:
        """The names of the axes that have no end of values."""
        return tuple(name for name, axis in self.axes.items() if axis.size is None)

    def at(self, index: int) -> Point:
        """The point at this place of a finite space; the axis that comes last by name moves first."""
        picked: Point = {}
        for name in sorted(self.axes, reverse=True):
            axis = self.axes[name]
            assert axis.size is not None
            index, place = divmod(index, axis.size)
            picked[name] = axis.at(place)
        return {name: picked[name] for name in self.axes}

    def draw(self, rng: Random) -> Point:
        """One point from anywhere; the order in which the axes were given makes no difference."""
        picked: Point = {}
        for name in sorted(self.axes):
            axis = self.axes[name]
            if isinstance(axis, Float) and axis.size is None:
                picked[name] = axis.draw(rng)
            else:
                assert axis.size is not None
                picked[name] = axis.at(rng.randrange(axis.size))
        return {name: picked[name] for name in self.axes}
