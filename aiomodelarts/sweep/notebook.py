"""A table in a Jupyter notebook that follows a sweep."""

import asyncio
import heapq
import logging
import sys
from importlib import import_module
from typing import Any

from ..errors import SweepError
from .engine.engine import SweepEvent
from .objective import Goal
from .table import BEST_ROWS, live_html
from .trial import Progress, Trial, TrialState

_log = logging.getLogger(__name__)

# A browser that draws more often is busy with nothing else.
_PAUSE_S = 0.5


def in_notebook() -> bool:
    """Whether this program runs in the kernel of a notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class LiveTable:
    """One output of a notebook, drawn again as a sweep gets on.

    Args:
        name: of the sweep.
        goal: which value is better.
    """

    def __init__(self, name: str, goal: Goal) -> None:
        self._name = name
        self._sign = 1 if goal is Goal.MAXIMIZE else -1
        self._going: dict[int, Trial] = {}
        self._best: list[tuple[float, int, Trial]] = []
        self._progress: Progress | None = None
        self._handle: Any = None
        self._again: asyncio.TimerHandle | None = None

    async def listen(self, event: SweepEvent) -> None:
        """Take one step in, and show it now or in a moment."""
        self._progress = event.progress
        if event.trial is not None:
            self._take(event.trial)
        if self._again is None:
            self._draw()
            self._again = asyncio.get_running_loop().call_later(_PAUSE_S, self._draw_again)

    def close(self) -> None:
        """Show how it has ended."""
        if self._again is not None:
            self._again.cancel()
        self._again = None
        self._draw()

    def _take(self, trial: Trial) -> None:
        if trial.state in {TrialState.CREATING, TrialState.RUNNING}:
            self._going[trial.number] = trial
        else:
            self._going.pop(trial.number, None)
        if trial.value is not None:
            # Of equal values the lower number is the better one.
            heapq.heappush(self._best, (self._sign * trial.value, -trial.number, trial))
            if len(self._best) > BEST_ROWS:
                heapq.heappop(self._best)

    def _draw_again(self) -> None:
        self._again = None
        self._draw()

    def _draw(self) -> None:
        if self._progress is None:
            return
        best = [trial for _, _, trial in sorted(self._best, reverse=True)]
        text = live_html(self._name, self._progress, best, list(self._going.values()))
        try:
            self._show(text)
        except SweepError:
            raise
        except Exception:  # noqa: BLE001  (a sweep of days does not end because nobody can look at it)
            _log.warning("the table of sweep %s cannot be shown", self._name, exc_info=True)

    def _show(self, text: str) -> None:
        try:
            ipython: Any = import_module("IPython.display")
        except ModuleNotFoundError as error:
            raise SweepError(f"{error.name} is not installed, and a live table needs a notebook") from error
        if self._handle is None:
            self._handle = ipython.display(ipython.HTML(text), display_id=True)
        else:
            self._handle.update(ipython.HTML(text))
