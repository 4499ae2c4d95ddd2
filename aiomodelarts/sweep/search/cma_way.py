"""Suggestions by the covariance matrix adaptation evolution strategy, replayed from the values in the ledger."""

from random import Random

import numpy as np
from attrs import frozen
from cmaes import CMA

from ..objective import Goal
from ..space.space import Point, Space
from ..trial import Trial
from .chance import derived
from .search import numbers_of

_FIRST_SIGMA = 0.3  # of axes that go from 0 to 1


@frozen
class _Told:
    trial: Trial
    point: Point


class CmaWay:
    """Suggests with CMA-ES along the numbers that are always there; everything else is drawn at random.

    It begins at the best of the first values. The others are told in the order in which the trials ended, so many at
    a time as the population has, whichever generation suggested them: what runs for long holds nobody up, and the
    ledger alone is enough to go on. Once it has settled it begins anew somewhere else, with twice the population.

    Args:
        seed: of the search.
        space: what is searched.
        goal: of the objective.
        startup: how many first values choose the beginning.
    """

    def __init__(self, seed: int, space: Space, goal: Goal, startup: int) -> None:
        self._seed = seed
        self._space = space
        self._sign = -1.0 if goal is Goal.MAXIMIZE else 1.0
        self._startup = startup
        self._names = numbers_of(space)
        self._told: dict[int, _Told] = {}
        self._used: list[_Told] = []
        self._engine: CMA | None = None
        self._restarts = 0

    def take(self, index: int, trial: Trial, point: Point | None) -> None:
        """Take in what the trial at this place of the history is now."""
        if trial.value is not None and point is not None:
            self._told[index] = _Told(trial, point)
        else:
            self._told.pop(index, None)

    def forget(self) -> None:
        """Begin with an empty history."""
        self._told.clear()

    def suggest(self, number: int, attempt: int) -> Point:
        """A point; the same one for the same history, number and attempt."""
        engine = self._caught_up()
        seed = derived(self._seed, number, attempt)
        engine.reseed_rng(seed)
        places = dict(zip(self._names, engine.ask().tolist(), strict=True))
        rng = Random(seed)  # noqa: S311  (a search, no secret)
        return self._space.pick({name: places.get(name, rng.random()) for name in sorted(self._space.axes)})

    def _caught_up(self) -> CMA:
        """The engine, told of all whole generations."""
        ended = sorted(self._told.values(), key=_end)
        if self._engine is None or ended[: len(self._used)] != self._used:
            self._restarts = 0
            self._used = ended[: self._startup]
            best = min(self._used, key=lambda told: self._sign * (told.trial.value or 0.0))
            self._engine = self._new(np.array(self._places(best.point)))
        while len(ended) - len(self._used) >= self._engine.population_size:
            generation = ended[len(self._used) :][: self._engine.population_size]
            self._engine.tell([(self._places(one.point), self._sign * (one.trial.value or 0.0)) for one in generation])
            self._used.extend(generation)
            if self._engine.should_stop():
                self._restarts += 1
                self._engine = self._new(None)
        return self._engine

    def _new(self, mean: "np.ndarray[tuple[int], np.dtype[np.float64]] | None") -> CMA:
        count = len(self._names)
        seed = derived(self._seed, 0, self._restarts)
        if mean is None:
            mean = np.random.default_rng(seed).random(count)
        usual = 4 + int(3 * np.log(count))
        return CMA(
            mean=mean,
            sigma=_FIRST_SIGMA,
            bounds=np.array([[0.0, 1.0]] * count),
            seed=seed,
            population_size=usual * 2**self._restarts,
        )

    def _places(self, point: Point) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return np.array([self._space.axes[name].position(point[name]) for name in self._names])


def _end(told: _Told) -> tuple[float, int]:
    """When the trial was over, as the ledger has it."""
    trial = told.trial
    return ((trial.began_at or 0.0) + (trial.duration_s or 0.0), trial.number)
