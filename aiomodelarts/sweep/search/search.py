"""Which points of a space are tried, and in what order. Pure."""

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Protocol

from attrs import frozen

from ..space.space import MOST_COUNTED, MOST_STEPS, Choice, NoPoint, Point, Space, key_of

# Combinations that are no points or were tried, before the points that are left are listed.
_MOST_DRAWS = 20_000
# The same in a sequence that spreads them, which then is left.
_MOST_REPEATS = 1000
_MOST_QUASI_RANDOM = 21_201  # Sobol sequences are known for so many dimensions
_QUASI_RANDOM_AT_ONCE = 64  # Sobol points are balanced in powers of two


class Search(Protocol):
    """A way through a space."""

    @property
    def algorithm(self) -> str:
        """Its name in a sweep file."""
        ...

    def count(self, space: Space) -> int:
        """How many points are tried.

        Raises:
            ValueError: this search cannot go through this space; the message says what to change.
        """
        ...

    def points(self, space: Space) -> Iterator[Point]:
        """The points that are known beforehand, in order; the same ones every time."""
        ...


@frozen
class GridSearch:
    """Every point of a finite space, once."""

    algorithm = "grid"

    def count(self, space: Space) -> int:
        if space.continuous:
            names = ", ".join(space.continuous)
            raise ValueError(f"a grid needs a number of points on {names}: give num or step, or search at random")
        if space.size is None:
            raise ValueError(
                f"a grid with conditions or constraints has at most {MOST_COUNTED} points, found among at most "
                f"{MOST_STEPS} combinations; give fewer values, or search at random"
            )
        if space.size == 0:
            raise ValueError("no point of the space keeps the constraints")
        return space.size

    def points(self, space: Space) -> Iterator[Point]:
        count = self.count(space)
        return (space.at(index) for index in range(count)) if space.is_plain else space.points()


@frozen
class RandomSearch:
    """Points drawn from a seed; in a finite space none comes twice. More trials add to the earlier ones."""

    trials: int
    seed: int = 0

    algorithm = "random"

    def count(self, space: Space) -> int:
        return bounded(self.trials, space)

    def points(self, space: Space) -> Iterator[Point]:
        rng = Random(self.seed)  # noqa: S311  (a search, no secret)
        count = self.count(space)
        if space.size is None or not space.is_plain or not space.is_even:
            return islice(untried(space, rng, set()), count)
        return (space.at(index) for index in _shuffled(space.size, count, rng))


@frozen
class QuasiRandomSearch:
    """Points spread evenly, from a scrambled Sobol sequence. More trials add to the earlier ones."""

    trials: int
    seed: int = 0

    algorithm = "quasi-random"

    def count(self, space: Space) -> int:
        if len(space.axes) > _MOST_QUASI_RANDOM:
            raise ValueError(f"quasi-random takes at most {_MOST_QUASI_RANDOM} hyperparameters; search at random")
        return bounded(self.trials, space)

    def points(self, space: Space) -> Iterator[Point]:
        return islice(self._points(space), self.count(space))

    def _points(self, space: Space) -> Iterator[Point]:
        tried: set[str] = set()
        repeats = 0
        for point in _spread(space, self.seed):
            key = key_of(point)
            if key in tried or not space.allows(point):
                repeats += 1
                if repeats < _MOST_REPEATS:
                    continue
                break
            repeats = 0
            tried.add(key)
            yield point
        yield from untried(space, Random(self.seed), tried)  # noqa: S311


@frozen
class PointList:
    """The points of a list, in its order."""

    listed: tuple[Point, ...]

    algorithm = "points"

    def count(self, space: Space) -> int:  # noqa: ARG002  (every search is asked the same way)
        return len(self.listed)

    def points(self, space: Space) -> Iterator[Point]:  # noqa: ARG002
        return iter(self.listed)


@frozen
class AdaptiveSearch:
    """Points suggested from what the earlier ones have reached.

    Args:
        algorithm: ``tpe``, ``cma-es`` or ``gp``.
        trials: how many points.
        seed: with the history, decides every suggestion.
        startup: so many values are waited for before the history counts; until then points are drawn at random.
    """

    algorithm: str
    trials: int
    seed: int = 0
    startup: int = 10

    def count(self, space: Space) -> int:
        if self.algorithm == "cma-es" and len(numbers_of(space)) < 2:
            raise ValueError("cma-es needs two hyperparameters that are numbers and always there; tpe takes any")
        return bounded(self.trials, space)

    def points(self, space: Space) -> Iterator[Point]:
        """The first points, which no value can change any more."""
        return islice(RandomSearch(self.count(space), self.seed).points(space), self.startup)


def numbers_of(space: Space) -> tuple[str, ...]:
    """The names of the axes of numbers that vary and are always there."""
    return tuple(
        name
        for name, axis in sorted(space.axes.items())
        if not isinstance(axis, Choice) and axis.size != 1 and name not in space.conditions
    )


def bounded(trials: int, space: Space) -> int:
    """So many trials, if the space has so many points.

    Raises:
        ValueError: it has not; the message says how many it has.
        NoPoint: none was found that keeps the constraints.
    """
    size = space.size
    if size is not None and size < trials:
        raise ValueError(f"the space has {size} points, and {trials} trials are asked for")
    if size is None and space.constraints:
        space.draw(Random(0))  # noqa: S311
    return trials


def untried(space: Space, rng: Random, tried: set[str]) -> Iterator[Point]:
    """Random points, none of them twice where that can be helped; ``tried`` holds the keys of others.

    A space with continuous axes has no end of them.

    Raises:
        NoPoint: none was found that keeps the constraints, or none that was not tried although there may be more.
    """
    while True:
        drawn = (space.combination(rng) for _ in range(_MOST_DRAWS))
        point = next((one for one in drawn if key_of(one) not in tried and space.allows(one)), None)
        if point is None:
            if not space.continuous:
                break
            point = space.draw(rng)
        tried.add(key_of(point))
        yield point
    left = [point for point in space.first_points() if key_of(point) not in tried]
    rng.shuffle(left)
    for point in left:
        tried.add(key_of(point))
        yield point
    if space.size is None:
        raise NoPoint(f"after {len(tried)} points no other one was found in reasonable time; ask for fewer trials")


def _shuffled(size: int, count: int, rng: Random) -> Iterator[int]:
    """The first ``count`` places of a shuffled range, in memory for those only."""
    moved: dict[int, int] = {}
    for place in range(count):
        other = rng.randrange(place, size)
        yield moved.get(other, other)
        moved[other] = moved.pop(place, place)


def _spread(space: Space, seed: int) -> Iterator[Point]:
    from scipy.stats import qmc

    names = sorted(space.axes)
    engine = qmc.Sobol(len(names), scramble=True, rng=seed)
    while True:
        for positions in engine.random(_QUASI_RANDOM_AT_ONCE).tolist():
            yield space.pick(dict(zip(names, positions, strict=True)))
