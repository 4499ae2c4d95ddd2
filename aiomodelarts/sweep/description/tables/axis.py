"""Reads one axis of a space from a sweep file."""

from collections.abc import Callable, Mapping
from typing import Any

from ...problems import nearest
from ...space.axes import Axis, Choice, Float, Int
from ..reader import TableReader, kind_of, shown

# What has to be so for the hyperparameter to be there; read when all axes are known.
WHEN = "when"

_ReadAxis = Callable[[str, object, Mapping[str, Any]], Axis]


def read_axis(table: TableReader, inside: TableReader, name: str, given: object) -> Axis | None:
    """The axis of this name, or None when it is wrong, which is noted.

    Args:
        table: the space.
        inside: what the space holds under the name.
        name: of the hyperparameter.
        given: its value in the file.
    """
    if not isinstance(given, dict):
        hint = f"{{ choice = {shown(given)} }}" if isinstance(given, list) else "{ int = [1, 8] }"
        table.problem(f"is {kind_of(given)}, and has to be a table, as in {hint}", name)
        return None
    kinds = sorted(given.keys() & _AXES.keys())
    if len(kinds) != 1:
        unknown = [key for key in given if key not in _AXES and key not in {"num", "step", WHEN}]
        what = f"{len(kinds)} kinds ({', '.join(kinds)}), and takes one" if kinds else "no kind of values"
        guess = nearest(unknown[0] if unknown and not kinds else "", _AXES)
        table.problem(f"has {what}; {guess}", *((name, unknown[0]) if unknown else (name,)))
        return None
    read, options = _AXES[kinds[0]]
    allowed = {kinds[0], *options, WHEN}
    inside.only(allowed)
    if not given.keys() <= allowed:
        return None
    try:
        return read(kinds[0], given[kinds[0]], {key: given[key] for key in options if key in given})
    except ValueError as error:
        inside.problem(str(error))
        return None


def _ends(kind: str, given: object) -> tuple[float, float]:
    if not isinstance(given, list) or len(given) != 2:
        raise ValueError(f"{kind} is {shown(given)}, and has to be two numbers, as in [1, 10]")
    for end in given:
        if isinstance(end, bool) or not isinstance(end, int | float):
            raise ValueError(f"{kind} holds {shown(end)}, which is {kind_of(end)} and has to be a number")
    return given[0], given[1]


def _number(options: Mapping[str, Any], key: str, wanted: type[int] | type[float]) -> Any:
    value = options.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | wanted)):
        what = "a whole number" if wanted is int else "a number"
        raise ValueError(f"{key} is {shown(value)}, and has to be {what}")
    return value


def _as_float(key: str, value: float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        raise ValueError(f"{key} holds {shown(value)}, which is too large") from None


def _row_or_range(kind: str, given: object, options: Mapping[str, Any], *, log: bool) -> Axis:
    low, high = (_as_float(kind, end) for end in _ends(kind, given))
    assert low is not None
    assert high is not None
    step = _as_float("step", _number(options, "step", float))
    return Float(low, high, log=log, step=step, num=_number(options, "num", int))


def _float(kind: str, given: object, options: Mapping[str, Any]) -> Axis:
    return _row_or_range(kind, given, options, log=False)


def _log_float(kind: str, given: object, options: Mapping[str, Any]) -> Axis:
    return _row_or_range(kind, given, options, log=True)


def _int(kind: str, given: object, options: Mapping[str, Any]) -> Axis:
    return Int(*_whole_ends(kind, given), _number(options, "step", int) if "step" in options else 1)


def _log_int(kind: str, given: object, options: Mapping[str, Any]) -> Axis:
    return Int(*_whole_ends(kind, given), log=True, num=_number(options, "num", int))


def _whole_ends(kind: str, given: object) -> tuple[int, int]:
    low, high = _ends(kind, given)
    for end in (low, high):
        if not isinstance(end, int):
            raise ValueError(f"{kind} holds {shown(end)}, and has to hold whole numbers")
    return int(low), int(high)


def _choice(kind: str, given: object, options: Mapping[str, Any]) -> Axis:  # noqa: ARG001  (every axis is read the same way)
    if not isinstance(given, list):
        raise ValueError(f"{kind} is {shown(given)}, and has to be a list")
    for value in given:
        if not isinstance(value, str | int | float):
            raise ValueError(f"{kind} holds {shown(value)}, which is {kind_of(value)} and has to be one value")
    return Choice(tuple(given))


_AXES: dict[str, tuple[_ReadAxis, frozenset[str]]] = {
    "float": (_float, frozenset({"step", "num"})),
    "log_float": (_log_float, frozenset({"num"})),
    "int": (_int, frozenset({"step"})),
    "log_int": (_log_int, frozenset({"num"})),
    "range": (_int, frozenset({"step"})),
    "choice": (_choice, frozenset()),
}
