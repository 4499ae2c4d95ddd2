"""One axis for each hyperparameter: the values it may have, by place and by position. Pure."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from attrs import frozen

Scalar = str | int | float | bool

# Grid values are rounded to so many digits: a script gets 0.001, not 0.0010000000000000002.
_DIGITS = 12
_FINEST_RELATIVE_STEP = 1e-9
# The values of a logarithmic row of whole numbers are compared with each other when it is made.
_LONGEST_ROW = 100_000
# What every script, file and database takes for a whole number.
_LEAST, _MOST = -(2**63), 2**63 - 1


def same(one: Scalar, other: Scalar) -> bool:
    """Whether a script gets the same: 1 and 1.0 and true are equal in Python, and three different texts."""
    return type(one) is type(other) and one == other


class _Axis:
    """What all axes have in common."""

    __slots__ = ()

    def when(self, **others: Scalar | Sequence[Scalar]) -> "Conditional":
        """This axis, for the points on which each of the named hyperparameters has this value, or one of these."""
        return Conditional(self, others)


@frozen
class Conditional:
    """An axis that some points go without.

    Args:
        axis: one of the axes.
        others: by the name of another hyperparameter, the value or the values that call for the axis.
    """

    axis: Any
    others: Mapping[str, Scalar | Sequence[Scalar]]


@frozen
class Choice(_Axis):
    """One of the listed values.

    Every axis has ``at`` and ``place``, from the place in a row of single values to the value and back, ``pick`` and
    ``position``, the same for how far along the axis it lies, from 0 to 1, and ``draw``, a value at random; and
    ``when``, which makes it conditional.
    """

    values: tuple[Scalar, ...]

    def __attrs_post_init__(self) -> None:
        if not self.values:
            raise ValueError("there is nothing to choose from")
        seen: set[tuple[type, Scalar]] = set()
        for value in self.values:
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{value!r} is not a finite number")
            if (type(value), value) in seen:
                raise ValueError(f"{value!r} is listed twice")
            seen.add((type(value), value))

    @property
    def size(self) -> int:
        return len(self.values)

    def at(self, index: int) -> Scalar:
        return self.values[index]

    def place(self, value: Scalar) -> int | None:
        """Where the value stands, or None when it is not listed."""
        return next((index for index, listed in enumerate(self.values) if same(listed, value)), None)

    def pick(self, position: float) -> Scalar:
        return self.at(_place_at(position, self.size))

    def position(self, value: Scalar) -> float:
        return _position_of(self.place(value), self.size)

    def draw(self, rng: Random) -> Scalar:
        return self.at(rng.randrange(self.size))


@frozen
class Int(_Axis):
    """Whole numbers from ``low`` up to and including ``high``.

    Args:
        low: the smallest value.
        high: the largest value.
        step: the distance between neighbouring values, from ``low`` on.
        log: whether values are spread evenly in their logarithm.
        num: of a logarithmic axis, how many values, both ends included; None is every whole number.
    """

    low: int
    high: int
    step: int = 1
    log: bool = False
    num: int | None = None

    def __attrs_post_init__(self) -> None:
        if not (_LEAST <= self.low <= _MOST and _LEAST <= self.high <= _MOST):
            raise ValueError("a whole number has at most 64 bits, so it goes from -2^63 to 2^63 - 1")
        if self.low > self.high:
            raise ValueError(f"the low end {self.low} lies above the high end {self.high}")
        if self.step < 1:
            raise ValueError(f"step is {self.step}, and has to be at least 1")
        if self.log and self.low < 1:
            raise ValueError(f"a logarithmic range starts above 0, and this one at {self.low}")
        if self.log and self.step != 1:
            raise ValueError("a logarithmic range takes num, not step")
        if self.num is not None:
            self._check_num(self.num)

    def _check_num(self, num: int) -> None:
        if not self.log:
            raise ValueError("num goes with log_int; an int takes step")
        if num < 1:
            raise ValueError(f"num is {num}, and has to be at least 1")
        if num == 1 and self.low != self.high:
            raise ValueError("num is 1, but the two ends differ")
        if num > _LONGEST_ROW or len({self.at(index) for index in range(num)}) < num:
            raise ValueError(f"{num} whole numbers, spread evenly, do not fit between {self.low} and {self.high}")

    @property
    def size(self) -> int:
        return self.num if self.num is not None else (self.high - self.low) // self.step + 1

    def at(self, index: int) -> int:
        if self.num is None:
            return self.low + index * self.step
        return self._between(index / (self.num - 1)) if self.num > 1 else self.low

    def place(self, value: Scalar) -> int | None:
        """Where the value stands, or None when it is not one of these."""
        if isinstance(value, bool | str) or (isinstance(value, float) and not value.is_integer()):
            return None
        if self.num is not None:
            return next((index for index in range(self.num) if self.at(index) == value), None)
        index, rest = divmod(int(value) - self.low, self.step)
        return index if rest == 0 and 0 <= index < self.size else None

    def pick(self, position: float) -> int:
        if self.log and self.num is None:
            # Every whole number has the share from its half below to its half above.
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return self._inside(round(math.exp(low + (high - low) * position)))
        return self.at(_place_at(position, self.size))

    def position(self, value: Scalar) -> float:
        if not self.log or self.num is not None:
            return _position_of(self.place(value), self.size)
        assert not isinstance(value, str)
        low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
        return (math.log(value) - low) / (high - low)

    def draw(self, rng: Random) -> int:
        return self.pick(rng.random()) if self.log and self.num is None else self.at(rng.randrange(self.size))

    def _between(self, fraction: float) -> int:
        return self._inside(round(math.exp(math.log(self.low) * (1 - fraction) + math.log(self.high) * fraction)))

    def _inside(self, value: int) -> int:
        return min(max(value, self.low), self.high)


@frozen
class Float(_Axis):
    """Numbers from ``low`` to ``high``, both included.

    With ``step`` or ``num`` the axis is a row of single values, in any search. With neither it is continuous,
    and a grid cannot go along it.

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
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"{self.low!r} and {self.high!r} are too far apart")
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
            steps = int((_exact(self.high) - _exact(self.low)) // _exact(self.step))
            # The difference is rounded.
            return steps + (_exact(self.low) + steps * _exact(self.step) <= _exact(self.high))
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

    def place(self, value: Scalar) -> int | None:
        """Where the value stands in a row of single values, or None when it is not one of them."""
        if isinstance(value, bool | str) or not self.low <= value <= self.high or self.size is None:
            return None
        nearest = round(self._fraction(value) * (self.size - 1)) if self.step is None else self._steps_to(value)
        return next(
            (index for index in range(nearest - 1, nearest + 2) if 0 <= index < self.size and self.at(index) == value),
            None,
        )

    def pick(self, position: float) -> float:
        """The value so far along the axis, from 0 to 1."""
        size = self.size
        return self._inside(self._between(position)) if size is None else self.at(_place_at(position, size))

    def position(self, value: Scalar) -> float:
        size = self.size
        if size is not None:
            return _position_of(self.place(value), size)
        assert not isinstance(value, str)
        return self._fraction(value)

    def draw(self, rng: Random) -> float:
        """A value from anywhere in the range."""
        size = self.size
        return self.pick(rng.random()) if size is None else self.at(rng.randrange(size))

    def _steps_to(self, value: float) -> int:
        assert self.step is not None
        return int((_exact(value) - _exact(self.low)) // _exact(self.step))

    def _fraction(self, value: float) -> float:
        if self.low == self.high:
            return 0.0
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def _between(self, fraction: float) -> float:
        if self.log:
            return math.exp(math.log(self.low) * (1 - fraction) + math.log(self.high) * fraction)
        return self.low * (1 - fraction) + self.high * fraction

    def _inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)


Axis = Choice | Int | Float


def own_value(axis: Axis, value: Scalar) -> Scalar | None:
    """The value as the axis itself writes it, or None when it does not lie on it."""
    if isinstance(axis, Float) and axis.size is None:
        inside = not isinstance(value, bool | str) and axis.low <= value <= axis.high
        return float(value) if inside else None
    place = axis.place(value)
    return None if place is None else axis.at(place)


def _exact(number: float) -> Decimal:
    # The decimal that was written, so that 0.1 + 2 * 0.1 is 0.3.
    return Decimal(repr(number))


def _position_of(place: int | None, size: int) -> float:
    if place is None:
        raise ValueError("the value does not lie on the axis")
    return (place + 0.5) / size


def _place_at(position: float, size: int) -> int:
    return min(int(position * size), size - 1)
