"""The next point of an adaptive search, from what the earlier trials have reached."""

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random
from typing import Protocol

from attrs import frozen

from ..objective import Goal
from ..space.space import Point, Space, key_of
from ..trial import Trial
from .chance import derived
from .search import AdaptiveSearch, RandomSearch, untried

# Suggestions that were tried before or break a constraint, before a point is drawn at random.
_MOST_ATTEMPTS = 10


@frozen
class Suggestion:
    """A point, and in one line what it was made from."""

    point: Point
    why: str


class Way(Protocol):
    """Suggests points from a history that it is told."""

    def take(self, index: int, trial: Trial, point: Point | None) -> None:
        """Take in what the trial at this place of the history is now."""
        ...

    def forget(self) -> None:
        """Begin with an empty history."""
        ...

    def suggest(self, number: int, attempt: int) -> Point:
        """A point; the same one for the same history, number and attempt."""
        ...


class Searcher:
    """Suggests points. Its methods take their time, and are called by one thread at a time.

    Args:
        search: its settings.
        space: what is searched.
        goals: of the objectives.
        before: trials with values from before the sweep, which come before its own in every history.
    """

    def __init__(
        self, search: AdaptiveSearch, space: Space, goals: Sequence[Goal], before: Sequence[Trial] = ()
    ) -> None:
        self._search = search
        self._space = space
        self._goals = tuple(goals)
        self._before = tuple(before)
        self._way: Way | None = None
        self._beginning: list[Point] = []
        self._more: Iterator[Point] | None = None
        self._history: list[Trial] = []
        self._tried: set[str] = set()
        self._values: set[int] = set()

    def suggest(self, number: int, history: Sequence[Trial]) -> Suggestion:
        """The point of the trial of this number; it depends on the search, the space and these arguments alone.

        Args:
            number: of the trial, from 1.
            history: all earlier trials, by number, those that still run among them.

        Raises:
            NoPoint: none was found that keeps the constraints.
        """
        self._take([*self._before, *history])
        known, needed = len(self._values), self._search.startup
        if known < needed:
            return self._begun(number, f"drawn at random, since {known} values are known and {needed} are waited for")
        assert self._way is not None
        for attempt in range(_MOST_ATTEMPTS):
            point = self._way.suggest(number, attempt)
            if key_of(point) not in self._tried and self._space.allows(point):
                told = f"suggested by {self._search.algorithm} from {known} values{self._of_before}"
                return Suggestion(point, f"{told}, {attempt + 1}th attempt" if attempt else told)
        return self._drawn(number, f"drawn at random: {_MOST_ATTEMPTS} suggestions were tried before or not allowed")

    @property
    def _of_before(self) -> str:
        return f", {len(self._before)} of them from before this sweep" if self._before else ""

    def _take(self, history: Sequence[Trial]) -> None:
        if self._way is None:
            self._way = _way_of(self._search, self._space, self._goals, len(self._before))
        kept = self._history[: len(history)]
        if len(kept) < len(self._history) or any(
            before is not now and before.point != now.point for before, now in zip(kept, history, strict=False)
        ):
            self._forget()
        for index, trial in enumerate(history):
            if index == len(self._history):
                self._history.append(trial)
                self._tried.add(key_of(trial.point))
            elif self._history[index] is trial:
                continue
            self._history[index] = trial
            point = self._space.own(trial.point)
            (self._values.add if point is not None and trial.value is not None else self._values.discard)(index)
            self._way.take(index, trial, point)

    def _forget(self) -> None:
        assert self._way is not None
        self._way.forget()
        self._history.clear()
        self._tried.clear()
        self._values.clear()

    def _begun(self, number: int, why: str) -> Suggestion:
        """A point of the random beginning, which is known before anything is."""
        if self._more is None:
            trials = self._search.count(self._space)
            self._more = RandomSearch(trials, self._search.seed).points(self._space)
        self._beginning.extend(islice(self._more, max(0, number - len(self._beginning))))
        if number <= len(self._beginning) and key_of(self._beginning[number - 1]) not in self._tried:
            return Suggestion(self._beginning[number - 1], why)
        return self._drawn(number, why)

    def _drawn(self, number: int, why: str) -> Suggestion:
        rng = Random(derived(self._search.seed, number, -1))  # noqa: S311  (a search, no secret)
        point = next(untried(self._space, rng, set(self._tried)), None)
        # Where all points were tried, in a warm start for instance, one comes again.
        return Suggestion(self._space.draw(rng) if point is None else point, why)


def _way_of(search: AdaptiveSearch, space: Space, goals: Sequence[Goal], before: int) -> Way:
    """The mathematics of the algorithm, whose libraries take a moment to load."""
    if search.algorithm == "cma-es":
        from .cma_way import CmaWay

        # It begins at the best value that was known, however many there were.
        return CmaWay(search.seed, space, goals[0], max(search.startup, before))
    from .optuna_way import OptunaWay

    return OptunaWay(search.algorithm, search.seed, space, goals)
