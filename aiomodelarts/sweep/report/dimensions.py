"""One hyperparameter as an axis of a chart. Pure."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from ..space.space import Axis, Choice, Float, Int, Scalar
from ..trial import Trial
from ..words import number, scalar

UNSET = "not set"
_MOST_TICKS = 8


@frozen
class Dimension:
    """A hyperparameter and what the trials had for it.

    Args:
        name: of the hyperparameter.
        log: whether its numbers are spread evenly in their logarithm.
        categories: its values in order, where it is chosen from a list; else empty.
        values: one for each trial, None where it was not set.
    """

    name: str
    log: bool
    categories: tuple[str, ...]
    values: tuple[Scalar | None, ...]

    @classmethod
    def of(cls, name: str, axis: Axis | None, trials: Iterable[Trial]) -> "Dimension":
        """The dimension of this hyperparameter.

        Args:
            name: of the hyperparameter.
            axis: where the space has one for it.
            trials: that are drawn.
        """
        values = tuple(trial.point.get(name) for trial in trials)
        given = [value for value in values if value is not None]
        numbers = [float(value) for value in given if _is_number(value)]
        if len(numbers) < len(given) or isinstance(axis, Choice):
            listed = axis.values if isinstance(axis, Choice) else ()
            return cls(name, False, _in_order((*listed, *given)), values)
        log = isinstance(axis, Float | Int) and axis.log and all(value > 0 for value in numbers)
        return cls(name, log, (), values)

    def place(self, value: Scalar) -> float:
        """Where a value lies on a line: its logarithm, itself, or its place among the categories."""
        if self.categories:
            return float(self.categories.index(scalar(value)))
        assert not isinstance(value, str)
        return math.log10(value) if self.log else float(value)

    def as_line(self) -> dict[str, Any]:
        """The dimension as an axis of parallel coordinates, with a place of its own for what was not set."""
        places = [None if value is None else self.place(value) for value in self.values]
        known = [place for place in places if place is not None]
        ticks = self._ticks(min(known), max(known)) if known else {}
        low, high = min([*known, *ticks], default=0.0), max([*known, *ticks], default=0.0)
        spread = high - low or abs(high) * 0.1 or 1.0
        if None in places:
            beneath = low - spread * 0.15
            places = [beneath if place is None else place for place in places]
            ticks = {beneath: UNSET, **ticks}
            low = beneath
        if high == low:
            low, high = low - spread / 2, high + spread / 2
        return {
            "values": places,
            "range": [low, high],
            "tickvals": [*ticks],
            # Of all texts of a chart, these alone are never taken for markup.
            "ticktext": [*ticks.values()],
        }

    def _ticks(self, low: float, high: float) -> dict[float, str]:
        if self.categories:
            return {float(place): _cut(name) for place, name in enumerate(self.categories)}
        numbers = {value for value in self.values if value is not None}
        if len(numbers) <= _MOST_TICKS:
            return {self.place(value): scalar(value) for value in sorted(numbers, key=self.place)}
        if self.log:
            return _log_ticks(low, high)
        step = _round_step(high - low)
        # From just below to just above, so that the axis is as long as the numbers reach.
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return {count * step: number(count * step) for count in range(first, last + 1)}


def dimensions(names: Iterable[str], axes: Mapping[str, Axis], trials: tuple[Trial, ...]) -> list[Dimension]:
    """The dimensions in which these trials differ, in the order of the names."""
    made = [Dimension.of(name, axes.get(name), trials) for name in names]
    return [one for one in made if any(value is not None for value in one.values)]


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_order(values: Iterable[Scalar]) -> tuple[str, ...]:
    """Each value once: numbers by size, anything else as it comes."""
    listed = list(values)
    if all(_is_number(value) for value in listed):
        listed.sort(key=float)
    return tuple(dict.fromkeys(map(scalar, listed)))


def _log_ticks(low: float, high: float) -> dict[float, str]:
    """From the round number just below to the one just above: powers of ten, between close ends also 2 and 5."""
    factors = (1,) if high - low > 2 else (1, 2, 5)
    rounds = [
        (decade + math.log10(factor), number(factor * 10.0**decade))
        for decade in range(math.floor(low), math.ceil(high) + 1)
        for factor in factors
    ]
    first = max(place for place, (at, _) in enumerate(rounds) if at <= low + 1e-9)
    last = min(place for place, (at, _) in enumerate(rounds) if at >= high - 1e-9)
    every = max(1, math.ceil((last - first) / _MOST_TICKS))
    return dict([*rounds[first:last:every], rounds[last]])


def _round_step(span: float) -> float:
    """The smallest of 1, 2, 5, 10, ... that cuts the span into at most six."""
    rough = span / 6
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _cut(text: str) -> str:
    return text if len(text) <= 12 else text[:11] + "\N{HORIZONTAL ELLIPSIS}"
