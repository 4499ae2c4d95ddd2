"""Reads ``[objective]``."""

import re
from pathlib import PurePosixPath

from ...matching import prepare
from ...objective import Goal, JsonFile, LogPattern, Objective, PlatformMetric, Take
from ..reader import TableReader

_SOURCES = ("log_pattern", "json_file", "metric")
_GO_WITH = {"key": "json_file", "take": "log_pattern", "step": "log_pattern"}


def read_objective(table: TableReader) -> Objective | None:
    """The objective, or None when it is wrong."""
    table.only({*_SOURCES, *_GO_WITH, "goal"})
    goal = table.one_of("goal", tuple(goal.value for goal in Goal), required=True)
    source = _source(table)
    return Objective(source, Goal(goal)) if source is not None and goal is not None else None


def read_pattern(table: TableReader, key: str) -> re.Pattern[str] | None:
    """The regular expression under the key, or None."""
    pattern = table.text(key)
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
        LogPattern(compiled)
        prepare(compiled)
    except re.error as error:
        table.problem(f"is not a regular expression: {error}", key)
    except ValueError as error:
        table.problem(str(error), key)
    else:
        return compiled
    return None


def _source(table: TableReader) -> LogPattern | JsonFile | PlatformMetric | None:
    given = [key for key in _SOURCES if key in table.values]
    if len(given) != 1:
        table.problem("needs one of log_pattern, json_file and metric")
        return None
    for key in _GO_WITH.keys() & table.values.keys():
        if _GO_WITH[key] != given[0]:
            table.problem(f"goes with {_GO_WITH[key]} only", key)
    if given == ["json_file"]:
        return _json_file(table)
    if given == ["metric"]:
        name = table.text("metric")
        return PlatformMetric(name) if name else None
    return _log_pattern(table)


def _json_file(table: TableReader) -> JsonFile | None:
    path, key = table.text("json_file"), table.text("key", required=True)
    if path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
        table.problem("is not inside the trial's output folder; give a path relative to it", "json_file")
        return None
    return JsonFile(path, key) if path and key else None


def _log_pattern(table: TableReader) -> LogPattern | None:
    pattern = read_pattern(table, "log_pattern")
    take = table.one_of("take", tuple(take.value for take in Take)) or Take.LAST.value
    step = table.integer("step", low=0)
    if ("step" in table.values) != (take == Take.STEP.value):
        table.problem('take = "step" and step = N go together')
        return None
    return None if pattern is None else LogPattern(pattern, Take(take), step)
