"""Reads ``[sweep]``."""

import re
from pathlib import Path
from typing import Any

from ..reader import TableReader, shown

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NAME_CHARACTERS = 40  # a date and a mark are added to it, and the name of a job has 64
_JOB_NAME_CHARACTERS = 64
_DEFAULT_CONCURRENCY = 4
_LEDGER_SCHEMES = frozenset({"postgresql", "postgres", "sqlite"})


def read_sweep(table: TableReader, folder: Path) -> dict[str, Any] | None:
    """What the table says, by the names of ``SweepConfig``; paths of this machine are taken from ``folder``."""
    table.only({"name", "concurrency", "job_name", "results_dir", "ledger"})
    name = _name(table, "name", _NAME_CHARACTERS, required=True)
    job_name = _name(table, "job_name", _JOB_NAME_CHARACTERS, required=False)
    concurrency = table.integer("concurrency", low=1) or _DEFAULT_CONCURRENCY
    results_dir = folder / (table.text("results_dir") or f"results/{name}")
    if name is None:
        return None
    return {
        "name": name,
        "concurrency": concurrency,
        "job_name": job_name,
        "results_dir": results_dir,
        "ledger": _ledger(table, folder),
    }


def _ledger(table: TableReader, folder: Path) -> str | None:
    given = table.text("ledger")
    url = None if given is None else ledger_url(given, folder)
    if given is not None and url is None:
        table.problem("has to be a path, or a URL that begins with postgresql: or sqlite:", "ledger")
    return url


def ledger_url(given: str, folder: Path) -> str | None:
    """The URL of a ledger that a file names by its path or URL, or None when it is neither."""
    if given.partition(":")[0] in _LEDGER_SCHEMES:
        return given
    return None if "://" in given else f"sqlite:///{folder / given}"


def _name(table: TableReader, key: str, longest: int, *, required: bool) -> str | None:
    name = table.text(key, required=required)
    if name is not None and (not _NAME.fullmatch(name) or len(name) > longest):
        table.problem(f"is {shown(name)}; allowed are 1 to {longest} letters, digits, - and _", key)
        return None
    return name
