"""Reads ``[objective]``."""

import re
from pathlib import PurePosixPath

from .._reader import TableReader
from ..objective import Goal, JsonFile, LogPattern, Objective


def read_objective(table: TableReader) -> Objective | None:
    """The objective, or None when it is wrong."""
    table.only({"log_pattern", "json_file", "key", "goal"})
    goal = table.one_of("goal", tuple(goal.value for goal in Goal), required=True)
    source = _source(table)
    return Objective(source, Goal(goal)) if source is not None and goal is not None else None


def _source(table: TableReader) -> LogPattern | JsonFile | None:
    if ("log_pattern" in table.values) == ("json_file" in table.values):
        table.problem("needs one of log_pattern and json_file")
        return None
    if "json_file" in table.values:
        path, key = table.text("json_file"), table.text("key", required=True)
        if path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
            table.problem("is not inside the trial's output folder; give a path relative to it", "json_file")
            return None
        return JsonFile(path, key) if path and key else None
    pattern = table.text("log_pattern")
    if "key" in table.values:
        table.problem("goes with json_file only", "key")
    if pattern is None:
        return None
    try:
        return LogPattern(re.compile(pattern))
    except re.error as error:
        table.problem(f"is not a regular expression: {error}", "log_pattern")
    except ValueError as error:
        table.problem(str(error), "log_pattern")
    return None
