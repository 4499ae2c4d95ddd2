"""Reads the points of a sweep: from a CSV file, with a column for each hyperparameter, or from a list."""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from ...problems import nearest
from ...space.axes import Axis, Choice, Int, Scalar, own_value
from ...space.readings import read_as, readings
from ...space.space import Point, Space, key_of

_PADDED = re.compile(r"[+-]?0[0-9]")


class PointsFileError(Exception):
    """There are no usable points; the message says where and why."""


@frozen
class PointsFile:
    """The points that are given, and the space they lie in."""

    points: tuple[Point, ...]
    space: Space


def read_points(path: Path, space: Space | None) -> PointsFile:
    """The points of a CSV file. Blocks.

    Args:
        path: its first row names the hyperparameters; an empty cell leaves one out.
        space: what the points have to lie in; None takes whatever values are there.

    Raises:
        PointsFileError: a row is wrong, with its line and column.
        OSError: the file cannot be read.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        try:
            names = _names(next(rows, []), space)
            points = [(rows.line_num, _point(cells, names, rows.line_num, space)) for cells in rows if any(cells)]
        except csv.Error as error:
            raise PointsFileError(f"line {rows.line_num}: {error}") from None
        except UnicodeDecodeError as error:
            raise PointsFileError(f"is not UTF-8 text ({error.reason})") from None
    if not points:
        raise PointsFileError("has no row of values below the names")
    _check_once(points)
    listed = tuple(point for _, point in points)
    return PointsFile(listed, space if space is not None else _space_of(names, listed))


def listed_points(given: Sequence[Any], space: Space | None) -> PointsFile:
    """The points of a list of tables.

    Args:
        given: the tables, each with the values of one point.
        space: as in ``read_points``.

    Raises:
        PointsFileError: one of them is wrong; it says which, counted from 1.
    """
    points = [(number, _listed_point(point, number, space)) for number, point in enumerate(given, start=1)]
    if not points:
        raise PointsFileError("holds no point")
    _check_once(points, "point")
    listed = tuple(point for _, point in points)
    names = list(dict.fromkeys(name for point in listed for name in point))
    return PointsFile(listed, space if space is not None else _space_of(names, listed))


def _listed_point(given: Any, number: int, space: Space | None) -> Point:
    if not isinstance(given, dict) or not given:
        raise PointsFileError(f"point {number}: is no table of values, as in {{ lr = 0.1 }}")
    for name, value in given.items():
        if space is not None and name not in space.axes:
            raise PointsFileError(f"point {number}: {name} is not in the space; {nearest(name, space.axes)}")
        if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise PointsFileError(f"point {number}: {name} is {value!r}, and has to be one value")
        if space is not None and own_value(space.axes[name], value) is None:
            raise PointsFileError(f"point {number}: {name} is {value!r}, not {_described(space.axes[name])}")
    return given if space is None else _own(given, f"point {number}", space, "what it leaves out does")


def _names(cells: Sequence[str], space: Space | None) -> list[str]:
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise PointsFileError("line 1: has to name the hyperparameters, one in each column")
    for column, name in enumerate(names, start=1):
        if not name:
            raise PointsFileError(f"line 1, column {column}: has no name")
        if names.index(name) < column - 1:
            raise PointsFileError(f"line 1, column {column}: {name} is named twice")
        if space is not None and name not in space.axes:
            raise PointsFileError(f"line 1, column {column}: {name} is not under [space]; {nearest(name, space.axes)}")
    missing = sorted(set(space.axes) - set(names)) if space is not None else []
    if missing:
        raise PointsFileError(f"line 1: has no column for {', '.join(missing)}")
    return names


def _point(cells: Sequence[str], names: Sequence[str], line: int, space: Space | None) -> Point:
    if len(cells) != len(names):
        raise PointsFileError(f"line {line}: has {len(cells)} values under {len(names)} names")
    point: Point = {}
    for name, cell in zip(names, cells, strict=True):
        if cell.strip():
            point[name] = _value(cell.strip(), name, line, None if space is None else space.axes[name])
    return point if space is None else _own(point, f"line {line}", space, "its empty cells do")


def _own(point: Point, where: str, space: Space, left_out: str) -> Point:
    """The point as the space itself writes it."""
    own = space.own(point)
    if own is None:
        broken = [rule.text for rule in space.constraints if not rule.is_kept(point)]
        why = f"breaks {' and '.join(broken)}" if broken else f"{left_out} not go with the conditions"
        raise PointsFileError(f"{where}: {why}")
    return own


def _value(cell: str, name: str, line: int, axis: Axis | None) -> Scalar:
    if axis is None:
        # 007 is no number to whoever writes it so, and a script would get 7.
        return cell if _PADDED.match(cell) else next(readings(cell))
    value = read_as(axis, cell)
    if value is None:
        raise PointsFileError(f"line {line}, column {name}: {cell!r} is not {_described(axis)}")
    return value


def _described(axis: Axis) -> str:
    if isinstance(axis, Choice):
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in axis.values)
    if axis.num is not None:
        return f"one of the {axis.num} numbers from {axis.low} to {axis.high}"
    steps = f" in steps of {axis.step}" if axis.step not in {None, 1} else ""
    return f"a {'whole ' if isinstance(axis, Int) else ''}number from {axis.low} to {axis.high}{steps}"


def _check_once(points: Sequence[tuple[int, Point]], what: str = "line") -> None:
    places: dict[str, int] = {}
    for place, point in points:
        before = places.setdefault(key_of(point), place)
        if before != place:
            raise PointsFileError(f"{what} {place}: is the same point as {what} {before}")


def _space_of(names: Sequence[str], points: Sequence[Point]) -> Space:
    """The values that the file names, as a space."""
    values: Mapping[str, dict[str, Scalar]] = {name: {} for name in names}
    for point in points:
        for name, value in point.items():
            values[name].setdefault(json.dumps(value), value)
    return Space({name: Choice(tuple(found.values())) for name, found in values.items() if found})
