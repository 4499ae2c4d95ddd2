"""Reads ``[space]``."""

from collections.abc import Mapping

from .._axes import read_axis
from .._reader import TableReader
from ..space import Axis, Scalar, Space

_NAMES_OF_THE_PLATFORM = frozenset({"data_url", "train_url"})


def read_space(table: TableReader, fixed: Mapping[str, Scalar]) -> Space | None:
    """The space, or None when an axis is wrong; ``fixed`` are the hyperparameters that do not vary."""
    if not table.values:
        table.problem("is empty; give at least one hyperparameter, as in lr = { log_float = [1e-4, 1e-1] }")
        return None
    axes: dict[str, Axis] = {}
    for name, given in table.values.items():
        if not name:
            table.problem("holds a hyperparameter without a name")
        if name in _NAMES_OF_THE_PLATFORM:
            table.problem("is an option that the platform itself gives to the script; choose another name", name)
        if name in fixed:
            table.problem("stands under [estimator] hyperparameters too; keep one of the two", name)
        axis = read_axis(table, table.inside(name), name, given)
        if axis is not None:
            axes[name] = axis
    return Space(axes) if len(axes) == len(table.values) else None
