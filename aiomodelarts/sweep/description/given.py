"""A sweep described in Python, brought into the words of a sweep file, so that one reader checks both."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from os import PathLike, fspath
from typing import Any

from attrs import fields, frozen

from ...estimator import AsyncEstimator
from ..budget import Budget
from ..failures import RetryBudget
from ..objective import JsonFile, LogPattern, Objective, PlatformMetric, Take
from ..pruning import Pruning
from ..search.search import AdaptiveSearch, GridSearch, PointList, QuasiRandomSearch, RandomSearch
from ..search.warm_start import WarmStart
from ..space.axes import Choice, Conditional, Float, Int
from ..space.space import Space
from .toml_lines import KeyPath

_FLAGS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x", re.ASCII: "a"}


@frozen
class GivenDocument:
    """The tables of a sweep that was described by arguments."""

    data: Mapping[str, Any]

    def line_of(self, path: KeyPath) -> int | None:  # noqa: ARG002  (there are no lines)
        """None."""
        return None

    def label_of(self, path: KeyPath) -> str:
        """The key as the arguments have it: ``space['lr']['when']``, or ``concurrency``."""
        if path[:1] == ("sweep",):
            path = path[1:]
        return "".join([*path[:1], *(f"[{key!r}]" for key in path[1:])])


def maximize(**source: Any) -> dict[str, Any]:
    """An objective whose high values are good.

    Args:
        source: where the value is read, in the words of a sweep file: ``log_pattern`` with ``take`` and ``step``,
            ``json_file`` with ``key``, or ``metric``.
    """
    return {**source, "goal": "maximize"}


def minimize(**source: Any) -> dict[str, Any]:
    """An objective whose low values are good; as ``maximize``."""
    return {**source, "goal": "minimize"}


def told(value: Any) -> Any:
    """A value in the words of a sweep file: text, numbers, truth values, lists and tables.

    What has no such words stays as it is, for the reader to refuse.
    """
    if isinstance(value, Enum):
        return told(value.value)
    for kind, tell in _TELLERS:
        if isinstance(value, kind):
            return tell(value)
    return value


def space_told(space: Any) -> tuple[Any, list[str]]:
    """The table of a space, and the rules that every point keeps."""
    if isinstance(space, Space):
        table = {name: told(axis) for name, axis in space.axes.items()}
        for name, when in space.conditions.items():
            table[name] |= {"when": told(when)}
        return table, [constraint.text for constraint in space.constraints]
    if isinstance(space, Mapping):
        return {str(name): _axis(axis) for name, axis in space.items()}, []
    return told(space), []


def search_told(search: Any, trials: Any, seed: Any) -> Any:
    """The table of a search."""
    if search is None:
        search = "grid" if trials is None else "tpe"
    table = told(search)
    if isinstance(table, str):
        table = {"algorithm": table}
    if isinstance(table, list):
        table = {"algorithm": "points", "points": table}
    if not isinstance(table, dict):
        return table
    return table | {key: told(value) for key, value in {"trials": trials, "seed": seed}.items() if value is not None}


def estimator_told(estimator: Any, more: Mapping[str, Any]) -> Any:
    """The table of an estimator.

    Args:
        estimator: the estimator, or its arguments.
        more: arguments that are given beside it.
    """
    table = estimator.arguments if isinstance(estimator, AsyncEstimator) else estimator
    if not isinstance(table, Mapping):
        return told(table)
    table = {key: value for key, value in table.items() if value is not None}
    if more.get("flavors") is not None and isinstance(estimator, AsyncEstimator):
        # The estimator had to name one; these are named in its place.
        table.pop("train_instance_type", None)
    return told(table | {key: value for key, value in more.items() if value is not None})


def pruning_told(pruning: Any) -> Any:
    """The table of early stopping, which may be the name of a method alone."""
    table = told(pruning)
    return {"method": table} if isinstance(table, str) else table


def _axis(axis: Any) -> Any:
    if isinstance(axis, range):
        ends = sorted((axis[0], axis[-1])) if axis else [axis.start, axis.stop]
        return {"range": ends, "step": abs(axis.step)}
    if isinstance(axis, list | tuple):
        return {"choice": told(axis)}
    return told(axis)


def _table(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(told(key)): told(value) for key, value in values.items() if value is not None}


def _fields(value: Any) -> dict[str, Any]:
    return _table({one.name: getattr(value, one.name) for one in fields(type(value))})


def _int(axis: Int) -> dict[str, Any]:
    kind, ends = ("log_int" if axis.log else "int"), [axis.low, axis.high]
    return _table({kind: ends, "num": axis.num, "step": None if axis.step == 1 else axis.step})


def _float(axis: Float) -> dict[str, Any]:
    kind, ends = ("log_float" if axis.log else "float"), [axis.low, axis.high]
    return _table({kind: ends, "num": axis.num, "step": axis.step})


def _conditional(one: Conditional) -> Any:
    table = _axis(one.axis)
    return table | {"when": told(one.others)} if isinstance(table, dict) else table


def _pattern(pattern: "re.Pattern[str]") -> str:
    """A pattern is kept as text, and its flags in it."""
    flags = "".join(letter for flag, letter in _FLAGS.items() if pattern.flags & flag)
    return f"(?{flags}){pattern.pattern}" if flags else pattern.pattern


def _log_pattern(source: LogPattern) -> dict[str, Any]:
    take = None if source.take is Take.LAST else source.take
    return _table({"log_pattern": source.pattern, "take": take, "step": source.step})


def _objective(objective: Objective) -> dict[str, Any]:
    return {**told(objective.source), "goal": objective.goal.value}


def _pruning(pruning: Pruning) -> dict[str, Any]:
    settings = {key: value for key, value in pruning.settings.items() if abs(value) != float("inf")}
    return _table({"method": pruning.method, **settings, "log_pattern": pruning.source.pattern, "goal": pruning.goal})


def _warm_start(source: WarmStart) -> dict[str, Any]:
    ledgers = {"ledgers": [ledger.address for ledger in source.ledgers]} if source.ledgers else {}
    return {**source.as_settings(), **ledgers}


def _search(search: Any) -> dict[str, Any]:
    return {"algorithm": search.algorithm, **_fields(search)}


_TELLERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str),
    (bool, bool),
    (Integral, int),
    (Real | Decimal, float),
    (PathLike, fspath),
    (Mapping, _table),
    (list | tuple, lambda values: [told(one) for one in values]),
    (Choice, lambda axis: {"choice": told(axis.values)}),
    (Int, _int),
    (Float, _float),
    (Conditional, _conditional),
    (re.Pattern, _pattern),
    (LogPattern, _log_pattern),
    (JsonFile, lambda source: {"json_file": source.path, "key": source.key}),
    (PlatformMetric, lambda source: {"metric": source.name}),
    (Objective, _objective),
    (Pruning, _pruning),
    (WarmStart, _warm_start),
    (Budget, _fields),
    (RetryBudget, lambda retry: told(retry.times)),
    (PointList, lambda search: told(search.listed)),
    (GridSearch | RandomSearch | QuasiRandomSearch | AdaptiveSearch, _search),
)
