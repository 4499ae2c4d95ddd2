"""Which point belongs to which trial. Pure."""

import json
from collections.abc import Iterable, Iterator

from .search import Search
from .space import Point, Space


class Points:
    """The points of a search, by the number of their trial, which only goes up.

    Args:
        search: the way through the space.
        space: the space.
        earlier: points of trials from before the settings were changed; they keep their numbers and come once.
    """

    def __init__(self, search: Search, space: Space, earlier: Iterable[Point] = ()) -> None:
        self._search = search
        self._space = space
        kept = [_key(point) for point in earlier]
        self._tried = set(kept)
        self._base = len(kept)
        self._left = self._fresh()
        self._next = self._base + 1

    def count(self) -> int:
        """How many trials there will be."""
        if not self._tried:
            return self._search.count(self._space)
        return self._base + sum(1 for _ in self._fresh())

    def at(self, number: int) -> Point:
        """The point of this trial; a number below one that was asked for before is an error."""
        if number < self._next:
            raise ValueError(f"point {number} was passed already")
        while True:
            point = next(self._left)
            self._next += 1
            if self._next > number:
                return point

    def known(self) -> Iterator[Point]:
        """The points after the earlier ones, as far as they are known beforehand, in order."""
        return self._fresh()

    def _fresh(self) -> Iterator[Point]:
        points = self._search.points(self._space)
        return (point for point in points if _key(point) not in self._tried) if self._tried else points


def _key(point: Point) -> str:
    return json.dumps(point, sort_keys=True)
