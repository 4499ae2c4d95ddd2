"""Reads ``[space]``."""

from collections.abc import Mapping
from typing import Any

from ....errors import InvalidArgument
from ....hyperparameters import sendable, to_text
from ...problems import nearest
from ...space.axes import Axis, Choice, Scalar, own_value
from ...space.conditions import When, faults
from ...space.space import Space
from ..reader import TableReader, kind_of, shown
from .axis import WHEN, read_axis

_NAMES_OF_THE_PLATFORM = frozenset({"data_url", "train_url"})


def read_space(table: TableReader, fixed: Mapping[str, Scalar]) -> Space | None:
    """The space, or None when an axis is wrong; ``fixed`` are the hyperparameters that do not vary."""
    if not table.values:
        table.problem("is empty; give at least one hyperparameter, as in lr = { log_float = [1e-4, 1e-1] }")
        return None
    axes: dict[str, Axis] = {}
    for name, given in table.values.items():
        axis = read_axis(table, table.inside(name), name, given)
        check_axis(table, name, axis, fixed)
        if axis is not None:
            axes[name] = axis
    if len(axes) < len(table.values):
        return None
    conditions = _conditions(table, axes)
    return None if conditions is None else Space(axes, conditions)


def check_axis(table: TableReader, name: str, axis: Axis | None, fixed: Mapping[str, Scalar]) -> None:
    """Note what speaks against a hyperparameter that varies: its name, or a value that no script can be given.

    Args:
        table: the space.
        name: of the hyperparameter.
        axis: its values; None where they are wrong otherwise.
        fixed: the hyperparameters that do not vary.
    """
    if not name:
        table.problem("holds a hyperparameter without a name")
    elif not sendable(name):
        table.problem("has a name with a zero character or half a character, which no script can be given", name)
    if name in _NAMES_OF_THE_PLATFORM:
        table.problem("is an option that the platform itself gives to the script; choose another name", name)
    if name in fixed:
        table.problem("stands under [estimator] hyperparameters too; keep one of the two", name)
    for value in axis.values if isinstance(axis, Choice) else ():
        try:
            to_text(value)
        except InvalidArgument:
            table.problem(f"holds {shown(value)}, which no script can be given", name)


def _conditions(table: TableReader, axes: Mapping[str, Axis]) -> dict[str, When] | None:
    """By name, what the hyperparameter waits for; None when that is wrong, which is noted."""
    given = {name: axis[WHEN] for name, axis in table.values.items() if WHEN in axis}
    conditions: dict[str, When] = {}
    for name, when in given.items():
        if not isinstance(when, dict) or not when:
            what = "is empty" if when == {} else f"is {kind_of(when)}"
            table.problem(f'{what}, and has to be a table, as in {{ optimizer = "sgd" }}', name, WHEN)
            continue
        read = {parent: _values(table, name, parent, value) for parent, value in when.items()}
        conditions[name] = {parent: values for parent, values in read.items() if values is not None}
    wrong = list(faults(axes, conditions))
    for fault in wrong:
        message = fault.message
        if fault.unknown:
            message += f"; {nearest(fault.parent or '', set(axes) - {fault.name})}"
        table.problem(message, fault.name, WHEN, *([fault.parent] if fault.parent else []))
    if wrong or any(len(conditions.get(name, ())) < len(when) for name, when in given.items()):
        return None
    return {name: _as_their_axes_write(axes, when) for name, when in conditions.items()}


def _values(table: TableReader, name: str, parent: str, given: Any) -> tuple[Scalar, ...] | None:
    values = given if isinstance(given, list) else [given]
    for value in values:
        if not isinstance(value, str | int | float):
            table.problem(
                f"holds {shown(value)}, which is {kind_of(value)} and has to be one value", name, WHEN, parent
            )
            return None
    return tuple(values)


def _as_their_axes_write(axes: Mapping[str, Axis], when: When) -> When:
    """1 is 1.0 on an axis of numbers with a point."""
    return {
        parent: tuple(own for value in values if (own := own_value(axes[parent], value)) is not None)
        for parent, values in when.items()
    }
