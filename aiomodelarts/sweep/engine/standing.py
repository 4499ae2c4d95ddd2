"""Where a sweep stands: its trials, as far as this controller knows, and the sums over them."""

from collections.abc import Iterable

from ..objective import Goal
from ..result import best_of
from ..trial import Progress, Trial, TrialState


class Standing:
    """The trials of a sweep and how far they are.

    Args:
        goal: which value is better.
        total: how many trials there will be.
        trials: what is known at the start.
    """

    def __init__(self, goal: Goal, total: int, trials: Iterable[Trial]) -> None:
        self._goal = goal
        self._total = total
        self._trials: dict[int, Trial] = {}
        self._open: set[int] = set()
        self._failed: set[int] = set()
        self._best: Trial | None = None
        self._before = 0
        for trial in trials:
            self.take(trial)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, by number."""
        return tuple(self._trials[number] for number in sorted(self._trials))

    @property
    def done(self) -> int:
        """How many are over."""
        return len(self._trials) - len(self._open)

    def begin(self) -> None:
        """What is over now was over before this run."""
        self._before = self.done

    def take(self, trial: Trial) -> None:
        """Take in what a trial is now."""
        number = trial.number
        self._trials[number] = trial
        over = trial.state.is_final
        (self._open.discard if over else self._open.add)(number)
        failed = over and trial.value is None and trial.state is not TrialState.PRUNED
        (self._failed.add if failed else self._failed.discard)(number)
        if trial.value is not None:
            self._best = best_of((trial,) if self._best is None else (self._best, trial), self._goal)

    def progress(self, elapsed_s: float, waiting_for: str | None = None) -> Progress:
        """How far the sweep is, after so long, and what it waits for."""
        return Progress(
            total=self._total,
            done=self.done,
            running=len(self._open),
            failed=len(self._failed),
            best=self._best,
            elapsed_s=elapsed_s,
            before=self._before,
            waiting_for=waiting_for,
        )
