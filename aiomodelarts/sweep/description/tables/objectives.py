"""Reads ``[objective]`` where it may hold several, each in a table of its own."""

from collections.abc import Mapping

from ...objective import Objective
from ..reader import TableReader
from .objective import read_objective


def read_objectives(table: TableReader) -> Mapping[str, Objective]:
    """The objectives by their names, the only one without a name; empty when one of them is wrong."""
    named = [name for name, value in table.values.items() if isinstance(value, dict)]
    if not named:
        only = read_objective(table)
        return {} if only is None else {"": only}
    for key in table.values.keys() - set(named):
        table.problem("stands beside objectives that have tables of their own; move it into one of them", key)
    read = {name: read_objective(table.inside(name)) for name in named}
    return {name: one for name, one in read.items() if one is not None} if None not in read.values() else {}
