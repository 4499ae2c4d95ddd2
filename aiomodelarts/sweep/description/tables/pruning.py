"""Reads ``[pruning]``."""

import math

from ...objective import Goal, LogPattern, Objective
from ...pruning import METHODS, Pruning
from ..reader import TableReader
from .objective import read_pattern

_ALWAYS = frozenset({"method", "log_pattern", "goal"})
_AT_LEAST_TWO = frozenset({"reduction_factor"})
_FROM_ZERO = frozenset({"n_startup_trials", "n_warmup_steps", "min_early_stopping_rate", "bootstrap_count", "patience"})


def read_pruning(table: TableReader, objective: Objective | None) -> Pruning | None:
    """When versions are stopped early, or None when nothing is said of it, or when it is wrong."""
    if not table.values:
        return None
    method = table.one_of("method", METHODS, required=True)
    if method is None:
        table.only(_ALWAYS.union(*METHODS.values()))
        return None
    table.only(_ALWAYS | METHODS[method].keys())
    settings = _settings(table, method)
    goal = table.one_of("goal", tuple(goal.value for goal in Goal))
    source = _source(table, objective)
    if source is None or objective is None:
        return None
    return Pruning(method, settings, source, objective.goal if goal is None else Goal(goal))


def _source(table: TableReader, objective: Objective | None) -> LogPattern | None:
    if "log_pattern" in table.values:
        pattern = read_pattern(table, "log_pattern")
        return None if pattern is None else LogPattern(pattern)
    if objective is not None and isinstance(objective.source, LogPattern):
        return LogPattern(objective.source.pattern)
    if objective is not None:
        table.problem("log_pattern is missing: values are read from the log while it grows, and the objective is not")
    return None


def _settings(table: TableReader, method: str) -> dict[str, int | float]:
    settings: dict[str, int | float] = {}
    for key, usual in METHODS[method].items():
        if isinstance(usual, float):
            value: int | float | None = table.number(key)
        else:
            value = table.integer(key, low=_lowest(key), required=usual is None)
        if value is None:
            value = usual
        if value is not None:
            settings[key] = value
    _check_together(table, method, settings)
    return settings


def _check_together(table: TableReader, method: str, settings: dict[str, int | float]) -> None:
    if method == "threshold":
        if not {"lower", "upper"} & table.values.keys():
            table.problem("needs lower, upper or both: a value outside stops the version")
        elif settings["lower"] > settings["upper"]:
            table.problem(f"is {settings['lower']}, above upper, which is {settings['upper']}", "lower")
    if method == "hyperband" and settings.get("max_resource", math.inf) < settings["min_resource"]:
        table.problem(f"is {settings['max_resource']}, below min_resource", "max_resource")
    if settings.get("min_delta", 0.0) < 0:
        table.problem(f"is {settings['min_delta']}, and has to be at least 0", "min_delta")


def _lowest(key: str) -> int:
    if key in _AT_LEAST_TWO:
        return 2
    return 0 if key in _FROM_ZERO else 1
