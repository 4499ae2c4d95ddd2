"""Early stopping: which values of a running version are looked at, and by which rule. Pure."""

from collections.abc import Mapping

from attrs import frozen

from .objective import Goal, LogPattern

# All steps up to here are kept, then every tenth up to ten times as far, and so on.
_ALL_STEPS_UP_TO = 200

# For each rule its settings, by the names that Optuna has for them, with what is meant unless they are given.
# None has to be given; a number tells by its type whether a whole one is wanted.
METHODS: Mapping[str, Mapping[str, int | float | None]] = {
    "median": {"n_startup_trials": 5, "n_warmup_steps": 0, "interval_steps": 1, "n_min_trials": 1},
    "successive-halving": {
        "min_resource": 1,
        "reduction_factor": 4,
        "min_early_stopping_rate": 0,
        "bootstrap_count": 0,
    },
    "hyperband": {"max_resource": None, "min_resource": 1, "reduction_factor": 3, "bootstrap_count": 0},
    "threshold": {"lower": float("-inf"), "upper": float("inf"), "n_warmup_steps": 0, "interval_steps": 1},
    "patience": {"patience": None, "min_delta": 0.0},
}

# What a stopped version's value was found to be.
_VERDICTS = {
    "median": "does worse than the median of others",
    "successive-halving": "is not among the best that come so far",
    "hyperband": "is not among the best of its bracket that come so far",
    "threshold": "lies outside of what is allowed",
    "patience": "has not become better for long enough",
}


@frozen
class Pruning:
    """When a version is stopped before its end.

    Args:
        method: one of ``METHODS``.
        settings: of the method.
        source: finds the values in the log while it grows.
        goal: which value is better.
    """

    method: str
    settings: Mapping[str, int | float]
    source: LogPattern
    goal: Goal

    @property
    def verdict(self) -> str:
        """Why a version is stopped, in words that its trial is the subject of."""
        return _VERDICTS[self.method]


def kept_step(step: int) -> int:
    """The step as which a value is kept: steps that are far apart for their size stay, others share one.

    So a log of any length leaves few values, and those of different trials can be compared.
    """
    width = 1
    while abs(step) >= _ALL_STEPS_UP_TO * width:
        width *= 10
    return step // width * width
