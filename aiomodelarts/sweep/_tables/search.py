"""Reads ``[search]``."""

from .._reader import TableReader
from ..search import GridSearch, RandomSearch
from ..space import Space


def read_search(table: TableReader, space: Space | None) -> GridSearch | RandomSearch | None:
    """The search, or None when it is wrong; ``space`` is what it goes through, where that could be read."""
    algorithm = table.one_of("algorithm", ("grid", "random"), required=True)
    if algorithm == "grid":
        table.only({"algorithm"})
        search: GridSearch | RandomSearch = GridSearch()
    elif algorithm == "random":
        table.only({"algorithm", "trials", "seed"})
        trials = table.integer("trials", low=1, required=True)
        search = RandomSearch(trials or 1, table.integer("seed", low=0) or 0)
    else:
        return None
    if space is not None:
        try:
            search.count(space)
        except ValueError as error:
            table.problem(str(error))
    return search
