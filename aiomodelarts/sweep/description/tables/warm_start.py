"""Reads ``[warm_start]``."""

from pathlib import Path
from typing import Any

from ...._redact import without_password
from ...search.search import AdaptiveSearch, Search
from ...search.warm_start import LedgerSource, WarmStart
from ..reader import TableReader, kind_of, shown
from .sweep import ledger_url

_KEYS = ("ledgers", "sweeps", "jobs")


def read_warm_start(table: TableReader, folder: Path, search: Search | None) -> WarmStart | None:
    """Where values from before the sweep come from, or None when nothing is said of it, or when it is wrong.

    Args:
        table: the table.
        folder: paths of this machine are taken from it.
        search: the sweep's; one that learns nothing from values needs none.
    """
    if not table.values:
        return None
    table.only(_KEYS)
    if search is not None and not isinstance(search, AdaptiveSearch):
        table.problem(f"goes with tpe, cma-es and gp; {search.algorithm} learns nothing from values")
    ledgers = [LedgerSource(url, without_password(given)) for given, url in _ledgers(table, folder)]
    sweeps = [str(one) for one in _list(table, "sweeps", "text in quotes")]
    jobs = _list(table, "jobs", "a job's id or its name in quotes")
    if not {"ledgers", "jobs"} & table.values.keys():
        table.problem("needs ledgers, jobs or both")
    if "sweeps" in table.values and "ledgers" not in table.values:
        table.problem("goes with ledgers: it names which of their sweeps are meant", "sweeps")
    return WarmStart(tuple(ledgers), tuple(sweeps), tuple(jobs))


def _ledgers(table: TableReader, folder: Path) -> list[tuple[str, str]]:
    given = [str(one) for one in _list(table, "ledgers", "a path, or a URL, in quotes")]
    urls = [(one, ledger_url(one, folder)) for one in given]
    for one, url in urls:
        if url is None:
            what = "which has to be a path, or a URL that begins with postgresql: or sqlite:"
            table.problem(f"holds {shown(without_password(one))}, {what}", "ledgers")
    return [(one, url) for one, url in urls if url is not None]


def _list(table: TableReader, key: str, wanted: str) -> list[Any]:
    """What a list holds, texts and, of jobs, ids; what is wrong is noted and left out."""
    values = table.values.get(key, [])
    if not isinstance(values, list):
        table.problem(f"is {kind_of(values)}, {shown(values)}, and has to be a list, each of it {wanted}", key)
        return []
    if not values and key in table.values:
        table.problem("is empty", key)
    good: list[Any] = []
    for value in values:
        is_id = key == "jobs" and isinstance(value, int) and not isinstance(value, bool) and value > 0
        if not is_id and not (isinstance(value, str) and value.strip()):
            table.problem(f"holds {shown(value)}, which is {kind_of(value)} and has to be {wanted}", key)
        elif value in good:
            table.problem(f"names {shown(value)} twice", key)
        else:
            good.append(value)
    return good
