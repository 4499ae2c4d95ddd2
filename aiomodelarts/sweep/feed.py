"""The trials of a run as they end, for whoever wants to read them."""

import asyncio
from collections.abc import AsyncGenerator

from .trial import Trial


class Feed:
    """The trials of one run that are over, in the order in which they ended.

    Every reader has a place of its own, so a slow one holds up neither the run nor the others.
    """

    def __init__(self) -> None:
        self._ended: list[Trial] = []
        self._news = asyncio.Event()
        self._over = False

    @property
    def is_over(self) -> bool:
        """Whether the run is over."""
        return self._over

    def add(self, trial: Trial) -> None:
        """One more trial is over."""
        self._ended.append(trial)
        self._wake()

    def close(self) -> None:
        """The run is over."""
        self._over = True
        self._wake()

    async def read(self) -> AsyncGenerator[Trial, None]:
        """Every trial, from the run's first; it ends when the run has ended."""
        place = 0
        while True:
            news = self._news
            for trial in self._ended[place:]:
                place += 1
                yield trial
            if place < len(self._ended):
                continue
            if self._over:
                return
            await news.wait()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
