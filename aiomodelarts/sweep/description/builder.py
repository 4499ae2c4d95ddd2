"""Builds a checked sweep from Python arguments."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from ..problems import InvalidSweep, Problem
from .config import SweepConfig, read
from .definition import settings_of
from .given import GivenDocument, estimator_told, pruning_told, search_told, space_told, told

_NAMELESS = "sweep"


def build(
    *,
    space: Any,
    objective: Any,
    estimator: Any,
    search: Any,
    trials: Any,
    seed: Any,
    constraints: Any,
    of_the_sweep: Mapping[str, Any],
    of_the_estimator: Mapping[str, Any],
    warm_start: Any,
    pruning: Any,
    budget: Any,
    retry: Any,
    local: Any,
) -> SweepConfig:
    """The checked sweep; the arguments are those of ``Sweep``.

    Raises:
        InvalidSweep: everything that is wrong with them.
    """
    table, rules = space_told(space)
    way = search_told(search, trials, seed)
    if isinstance(way, dict) and (rules or constraints is not None):
        given = told([constraints] if isinstance(constraints, str) else constraints)
        way = {**way, "constraints": [*rules, *given] if isinstance(given, list) else given or rules}
    kept = {key: told(value) for key, value in of_the_sweep.items() if value is not None}
    tables = {
        "sweep": {"name": _NAMELESS} | kept,
        "estimator": estimator_told(estimator, of_the_estimator),
        "space": table,
        "search": way,
        "objective": told(objective),
        "warm_start": told(warm_start),
        "pruning": pruning_told(pruning),
        "budget": told(budget),
        "retry": told(retry),
        "local": told(local),
    }
    document = GivenDocument({name: value for name, value in tables.items() if value is not None})
    doubled = _doubled(estimator, of_the_estimator)
    config, problems = read(document, Path())
    if config is None or doubled:
        raise InvalidSweep([*doubled, *problems])
    if local is None:
        # Beside a file lies its code; beside a call lies anything.
        config = evolve(config, local_folders={})
    return config if "name" in kept else _named(config, results_given="results_dir" in kept)


def _doubled(estimator: Any, of_the_estimator: Mapping[str, Any]) -> list[Problem]:
    told_twice = [
        key
        for key, value in of_the_estimator.items()
        if value is not None and isinstance(estimator, Mapping) and estimator.get(key) is not None
    ]
    return [Problem(None, key, f"stands in estimator[{key!r}] too; keep one of the two") for key in told_twice]


def _named(config: SweepConfig, *, results_given: bool) -> SweepConfig:
    """The sweep under a name that follows from what its trials depend on: the same call again goes on with it."""
    settings = json.dumps(settings_of(config), sort_keys=True, default=str)
    name = f"{_NAMELESS}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"
    return evolve(config, name=name, results_dir=config.results_dir if results_given else Path("results", name))
