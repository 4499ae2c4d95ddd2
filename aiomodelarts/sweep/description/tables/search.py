"""Reads ``[search]``."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from attrs import evolve, frozen

from ...search.search import AdaptiveSearch, GridSearch, PointList, QuasiRandomSearch, RandomSearch, Search
from ...space.constraints import Constraint
from ...space.space import Scalar, Space
from ..reader import TableReader, kind_of, shown
from .points import PointsFile, PointsFileError, listed_points, read_points
from .space import check_axis, read_space

_DRAWN = frozenset({"trials", "seed"})
# By the name of an algorithm: the keys it takes beside its name and the constraints.
_KEYS = {
    "grid": frozenset[str](),
    "random": _DRAWN,
    "quasi-random": _DRAWN,
    "tpe": _DRAWN | {"startup"},
    "cma-es": _DRAWN | {"startup"},
    "gp": _DRAWN | {"startup"},
    "points": frozenset({"file", "points"}),
}
_NEEDS = {
    "quasi-random": (("scipy",), "search"),
    "tpe": (("optuna",), "sweep"),
    "cma-es": (("cmaes",), "search"),
    "gp": (("optuna", "scipy", "torch"), "gp"),
}


@frozen
class Way:
    """What ``[space]`` and ``[search]`` say together."""

    space: Space
    search: Search


def read_way(table: TableReader, space_table: TableReader, folder: Path, fixed: Mapping[str, Scalar]) -> Way | None:
    """The space and the way through it, or None when something is wrong, which is noted.

    Args:
        table: ``[search]``.
        space_table: ``[space]``; a list of points may do without.
        folder: paths of this machine are taken from it.
        fixed: the hyperparameters that do not vary.
    """
    algorithm = table.one_of("algorithm", tuple(_KEYS), required=True)
    table.only({"algorithm", "constraints"}.union(*(_KEYS.values() if algorithm is None else [_KEYS[algorithm]])))
    if algorithm is not None:
        _check_installed(table, algorithm)
    listed = algorithm == "points" and not space_table.values
    space = None if listed else _constrained(table, read_space(space_table, fixed))
    if algorithm is None or (space is None and not listed):
        return None
    if algorithm != "points":
        search = _search(table, algorithm)
        return None if search is None or space is None else _counted(table, Way(space, search))
    if listed and "constraints" in table.values:
        table.problem("goes with a [space]", "constraints")
    found = _points(table, folder, space)
    if found is None:
        return None
    if listed:
        for name, axis in found.space.axes.items():
            check_axis(space_table, name, axis, fixed)
    return Way(found.space, PointList(found.points))


def _constrained(table: TableReader, space: Space | None) -> Space | None:
    """The space with the constraints that the table names."""
    given = table.values.get("constraints", [])
    if not isinstance(given, list):
        table.problem(f'is {kind_of(given)}, and has to be a list, as in ["batch * layers <= 512"]', "constraints")
        return space
    if space is None:
        return None
    rules: list[Constraint] = []
    for text in given:
        if not isinstance(text, str):
            table.problem(f"holds {shown(text)}, which is {kind_of(text)} and has to be text in quotes", "constraints")
            continue
        try:
            rules.append(Constraint.parse(text, space.axes))
        except ValueError as error:
            table.problem(f"{shown(text)} {error}", "constraints")
    return evolve(space, constraints=tuple(rules))


def _counted(table: TableReader, way: Way) -> Way | None:
    try:
        way.search.count(way.space)
    except ValueError as error:
        table.problem(str(error))
        return None
    return way


def _points(table: TableReader, folder: Path, space: Space | None) -> PointsFile | None:
    if "points" in table.values:
        return _listed_here(table, space)
    given = table.text("file", required=True)
    if given is None:
        return None
    try:
        return read_points(folder / given, space)
    except PointsFileError as error:
        table.problem(f"{folder / given}: {error}", "file")
    except OSError as error:
        table.problem(f"{folder / given} cannot be read: {error.strerror}", "file")
    return None


def _listed_here(table: TableReader, space: Space | None) -> PointsFile | None:
    listed = table.values["points"]
    if "file" in table.values:
        table.problem("excludes file; keep one of the two", "points")
    if not isinstance(listed, list):
        table.problem(f"is {kind_of(listed)}, and has to be a list of tables, as in [{{ lr = 0.1 }}]", "points")
        return None
    try:
        return listed_points(listed, space)
    except PointsFileError as error:
        table.problem(str(error), "points")
    return None


def _search(table: TableReader, algorithm: str) -> Search | None:
    if algorithm == "grid":
        return GridSearch()
    trials = table.integer("trials", low=1, required=True)
    if trials is None:
        return None
    seed = table.integer("seed", low=0) or 0
    if algorithm == "random":
        return RandomSearch(trials, seed)
    if algorithm == "quasi-random":
        return QuasiRandomSearch(trials, seed)
    startup = table.integer("startup", low=1)
    return AdaptiveSearch(algorithm, trials, seed, *([] if startup is None else [startup]))


def _check_installed(table: TableReader, algorithm: str) -> None:
    packages, extra = _NEEDS.get(algorithm, ((), ""))
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        verb = "is" if len(missing) == 1 else "are"
        table.problem(
            f"{algorithm} needs {names}, which {verb} not installed; run: pip install 'aiomodelarts[{extra}]'",
            "algorithm",
        )
