"""Writes the report of a sweep from what its ledger holds."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from attrs import evolve

from ...errors import SweepError
from ..description.config import SweepConfig
from ..ledger.records import Event
from ..objective import JsonFile, LogPattern, PlatformMetric
from ..result import replace
from ..trial import Trial
from .data import Aim, ReportData
from .importance import importance
from .page import page

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_SEARCHES = {
    "grid": "Grid search",
    "random": "Random search",
    "quasi-random": "Quasi-random search",
    "tpe": "TPE",
    "cma-es": "CMA-ES",
    "gp": "Gaussian process",
    "points": "Points of a list",
}

# Where a trial's log is, as the report links it; None where there is no place to link.
LogOf = Callable[[Trial], str | None]


async def write_report(
    config: SweepConfig,
    opened: "AbstractAsyncContextManager[Ledger]",
    out: Path,
    now: float,
    log_of: LogOf | None = None,
) -> None:
    """Write the report, replacing what is there as a whole.

    Args:
        config: the sweep.
        opened: its ledger, to be read.
        out: the file to write.
        now: seconds since the Unix epoch.
        log_of: says where a trial's log is.

    Raises:
        SweepError: plotly is not installed.
        LedgerError: the ledger cannot be read.
        OSError: the file cannot be written.
    """
    async with opened as ledger:
        events = await ledger.history()
        # After the events: a trial that moves in between is at least as far as its history says.
        trials = await ledger.trials()
    await asyncio.to_thread(_write, config, trials, events, out, now, log_of)


def _write(
    config: SweepConfig,
    trials: Sequence[Trial],
    events: Sequence[Event],
    out: Path,
    now: float,
    log_of: LogOf | None,
) -> None:
    shares, note = importance(config.space.axes, trials, config.objective.goal)
    logs = {} if log_of is None else {trial.number: log_of(trial) for trial in trials}
    data = ReportData(
        name=config.name,
        goal=config.objective.goal,
        metric=_metric(config.objective.source),
        search=_search(config),
        axes=config.space.axes,
        trials=tuple(trials),
        events=tuple(events),
        planned=max(config.count, len(trials)),
        at=now,
        zone=datetime.fromtimestamp(now).astimezone().tzinfo or UTC,
        importance=shares,
        importance_note=note,
        logs={number: link for number, link in logs.items() if link is not None},
        several=_several(config, trials),
        shows_stopped=_shows_stopped(config),
    )
    try:
        text = page(data)
    except ModuleNotFoundError as error:
        raise SweepError(f"{error.name} is not installed; run: pip install 'aiomodelarts[report]'") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    replace(out, text)


def _search(config: SweepConfig) -> str:
    words = _SEARCHES.get(config.search.algorithm, config.search.algorithm)
    seed = getattr(config.search, "seed", None)
    return words if seed is None else f"{words}, seed {seed}"


def _several(config: SweepConfig, trials: Sequence[Trial]) -> dict[str, Aim]:
    aims = {}
    for place, (name, objective) in enumerate(config.several.items()):
        valued = [evolve(trial, value=trial.values[place]) for trial in trials if trial.values]
        shares, note = importance(config.space.axes, valued, objective.goal)
        aims[name] = Aim(objective.goal, _metric(objective.source), shares, note)
    return aims


def _shows_stopped(config: SweepConfig) -> bool:
    source = config.objective.source
    return (
        config.pruning is not None
        and isinstance(source, LogPattern)
        and source.pattern == config.pruning.source.pattern
        and config.pruning.goal is config.objective.goal
    )


def link_to(file: Path, out: Path) -> str:
    """The address of a file as seen from the folder of the report."""
    return quote(Path(os.path.relpath(file.resolve(), out.resolve().parent)).as_posix())


def _metric(source: LogPattern | JsonFile | PlatformMetric) -> str:
    match source:
        case LogPattern():
            return source.pattern.pattern
        case JsonFile():
            return f"{source.key} in {source.path}"
        case PlatformMetric():
            return f"{source.name}, as the platform has it"
