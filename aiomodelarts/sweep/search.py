"""Which points of a space are tried, and in what order. Pure."""

from collections.abc import Iterator
from random import Random
from typing import Protocol

from attrs import frozen

from .space import Point, Space


class Search(Protocol):
    """A way through a space."""

    def count(self, space: Space) -> int:
        """How many points are tried.

        Raises:
            ValueError: this search cannot go through this space; the message says what to change.
        """
        ...

    def points(self, space: Space) -> Iterator[Point]:
        """The points, in order; the same ones every time."""
        ...


@frozen
class GridSearch:
    """Every point of a finite space, once."""

    def count(self, space: Space) -> int:
        if space.size is None:
            names = ", ".join(space.continuous)
            raise ValueError(f"a grid needs a number of points on {names}: give num or step, or search at random")
        return space.size

    def points(self, space: Space) -> Iterator[Point]:
        return (space.at(index) for index in range(self.count(space)))


@frozen
class RandomSearch:
    """Points drawn from a seed; in a finite space none comes twice. More trials add to the earlier ones."""

    trials: int
    seed: int = 0

    def count(self, space: Space) -> int:
        if space.size is not None and space.size < self.trials:
            raise ValueError(f"the space has {space.size} points, and {self.trials} trials are asked for")
        return self.trials

    def points(self, space: Space) -> Iterator[Point]:
        rng = Random(self.seed)  # noqa: S311  (a search, no secret)
        count = self.count(space)
        if space.size is None:
            return (space.draw(rng) for _ in range(count))
        return (space.at(index) for index in _shuffled(space.size, count, rng))


def _shuffled(size: int, count: int, rng: Random) -> Iterator[int]:
    """The first ``count`` places of a shuffled range, in memory for those only."""
    moved: dict[int, int] = {}
    for place in range(count):
        other = rng.randrange(place, size)
        yield moved.get(other, other)
        moved[other] = moved.pop(place, place)
