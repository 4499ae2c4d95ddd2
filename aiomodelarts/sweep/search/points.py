"""Which point belongs to which trial, where that is known beforehand."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from ..space.space import Point, Space, key_of
from .search import Search


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
        kept = [key_of(point) for point in earlier]
        self._tried = set(kept)
        self._base = len(kept)
        self._left = self._fresh()
        self._first = self._base + 1
        self._drawn: deque[Point] = deque()
        self._drawing = threading.Lock()

    def count(self) -> int:
        """How many trials there will be. It takes its time where points have to be counted one by one."""
        if not self._tried:
            return self._search.count(self._space)
        return self._base + sum(1 for _ in self._fresh())

    def at(self, number: int) -> Point:
        """The point of this trial, which was drawn; a number below one that was asked for before is an error."""
        if number < self._first:
            raise ValueError(f"point {number} was passed already")
        while self._first < number and self._drawn:
            self._drawn.popleft()
            self._first += 1
        if not self._drawn:
            raise ValueError(f"there is no point {number}")
        return self._drawn[0]

    def is_drawn(self, number: int) -> bool:
        """Whether the point of this trial is there."""
        return number < self._first + len(self._drawn)

    def draw(self, upto: int) -> None:
        """Have the points up to this trial there, as far as there are so many.

        It takes its time where they are hard to find, or many, and may run in another thread.
        """
        with self._drawing:
            missing = upto - self._first - len(self._drawn) + 1
            self._drawn.extend(islice(self._left, max(0, missing)))

    def known(self) -> Iterator[Point]:
        """The points after the earlier ones, as far as they are known beforehand, in order."""
        return self._fresh()

    def _fresh(self) -> Iterator[Point]:
        points = self._search.points(self._space)
        return (point for point in points if key_of(point) not in self._tried) if self._tried else points
