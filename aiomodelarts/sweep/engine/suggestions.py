"""Reserves the next trial of a sweep with the point that belongs to it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from ..budget import Limit
from ..description.config import SweepConfig
from ..ledger.errors import LedgerError, NumberTaken
from ..ledger.records import Held
from ..search.points import Points
from ..search.search import AdaptiveSearch
from ..search.searcher import Searcher
from ..space.space import NoPoint, Point
from ..trial import Trial
from .aside import aside

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

# Points that are known beforehand are drawn in another thread, so many ahead of the trials.
_AHEAD = 64

Begin = Callable[[int, Point], Trial]


class Suggestions(Protocol):
    """Where the points of a sweep's trials come from."""

    async def stand(self, trials: Sequence[Trial]) -> int:
        """How many trials there will be, given those that the ledger has; called before the first reservation."""
        ...

    async def reserve(self, total: int) -> Held | None:
        """Begin the next trial, or None when all of them were begun.

        Args:
            total: how many there may be.

        Raises:
            NoRoom: the budget has no room for it.
            Fenced: this controller was taken for dead.
        """
        ...


def suggestions(config: SweepConfig, ledger: "Ledger", begin: Begin, limit: Limit | None = None) -> Suggestions:
    """Where the points of this sweep come from.

    Args:
        config: of the sweep.
        ledger: open, of this sweep.
        begin: makes the trial of a number and a point.
        limit: keeps the sweep's accounts; None where there are none.
    """
    kind = _Suggested if isinstance(config.search, AdaptiveSearch) else _Listed
    return kind(config, ledger, begin, limit)


class _NotDrawn(LedgerError):
    """The point of a trial is still to be drawn; nothing was reserved."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the point of trial {number} is not drawn yet")
        self.number = number


class _Listed:
    """Points that are known beforehand: the number of a trial says which is its own."""

    def __init__(self, config: SweepConfig, ledger: "Ledger", begin: Begin, limit: Limit | None) -> None:
        self._config = config
        self._ledger = ledger
        self._begin = begin
        self._limit = limit
        self._points = Points(config.search, config.space)

    async def stand(self, trials: Sequence[Trial]) -> int:
        base = self._ledger.sweep.base
        self._points = Points(self._config.search, self._config.space, (trial.point for trial in trials[:base]))
        return max(await aside(self._points.count), len(trials))

    async def reserve(self, total: int) -> Held | None:
        while True:
            try:
                return await self._ledger.reserve(total, self._trial, self._limit)
            except _NotDrawn as missing:
                await aside(self._points.draw, missing.number + max(_AHEAD, self._config.concurrency))
                if not self._points.is_drawn(missing.number):
                    raise NoPoint(f"the search gives no point for trial {missing.number}") from None

    def _trial(self, number: int) -> Trial:
        # Asked within a transaction, where nothing may take its time.
        if not self._points.is_drawn(number):
            raise _NotDrawn(number)
        return self._begin(number, self._points.at(number))


class _Suggested:
    """Points that are suggested from the history: each one by itself, in another thread.

    The suggestion is made before the reservation, which fails when another controller has taken the number meanwhile;
    what that one has reserved then belongs to the history of the next suggestion.
    """

    def __init__(self, config: SweepConfig, ledger: "Ledger", begin: Begin, limit: Limit | None) -> None:
        assert isinstance(config.search, AdaptiveSearch)
        self._search = config.search
        self._space = config.space
        self._ledger = ledger
        self._begin = begin
        self._limit = limit
        before = [] if ledger.known_before is None else ledger.known_before.as_trials()
        self._searcher = Searcher(config.search, config.space, list(config.goals.values()), before)
        self._history: list[Trial] = []
        self._open: set[int] = set()
        self._asking = asyncio.Lock()

    async def stand(self, trials: Sequence[Trial]) -> int:
        self._history = list(trials)
        self._open = {trial.number for trial in trials if not trial.state.is_final}
        return max(await aside(self._search.count, self._space), len(trials))

    async def reserve(self, total: int) -> Held | None:
        async with self._asking:
            while True:
                await self._look()
                number = len(self._history) + 1
                if number > total:
                    return None
                suggestion = await aside(self._searcher.suggest, number, self._history)
                trial = self._begin(number, suggestion.point)
                why = f"reserved: {suggestion.why}{_still_open(self._open)}"
                try:
                    return await self._ledger.reserve(total, lambda _: trial, self._limit, number=number, why=why)  # noqa: B023
                except NumberTaken:
                    continue

    async def _look(self) -> None:
        for trial in await self._ledger.look(len(self._history), self._open):
            self._history[trial.number - 1 : trial.number] = [trial]
            (self._open.discard if trial.state.is_final else self._open.add)(trial.number)


def _still_open(numbers: Iterable[int]) -> str:
    """The trials that were not over, so that the record says what a suggestion could know."""
    rows = ", ".join(_rows(sorted(numbers)))
    return f", while {rows} ran" if rows else ""


def _rows(numbers: Sequence[int]) -> Iterator[str]:
    """Neighbouring numbers as 3-7."""
    first = last = None
    for number in [*numbers, None]:
        if first is not None and last is not None and number != last + 1:
            yield str(first) if first == last else f"{first}-{last}"
            first = None
        first = number if first is None else first
        last = number
