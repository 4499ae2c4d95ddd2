"""What of a sweep its trials depend on, as plain settings that two runs can be compared by. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

from attrs import asdict

from ...obs.code.local import LocalCode
from ..objective import LogPattern, Objective, PlatformMetric, Take
from ..search.search import AdaptiveSearch, PointList, QuasiRandomSearch, RandomSearch, Search
from ..search.warm_start import ORDER_OF_OBJECTIVES
from ..space.space import Int, Space, key_of
from .config import SweepConfig


def settings_of(config: SweepConfig) -> Mapping[str, Any]:
    """Every setting that changes what a trial is or what its value means, by the place in the file.

    How many trials a search makes is none of them: more of them begin with the same ones.
    """
    settings = _of_the_space(config.space) | _of_the_search(config.search)
    for name, objective in config.objectives.items():
        table = f"[objective.{name}]" if name else "[objective]"
        settings |= {f"{table} {key}": value for key, value in _of_an_objective(objective).items()}
    if config.several:
        settings[ORDER_OF_OBJECTIVES] = list(config.several)
    if config.warm_start is not None:
        settings |= {f"[warm_start] {key}": value for key, value in config.warm_start.as_settings().items()}
    for name, value in {**config.settings, **config.inputs}.items():
        # Of code on this machine the content counts, not the folder.
        settings[f"[estimator] {name}"] = value.manifest.name if isinstance(value, LocalCode) else value
    return settings


def settings_of_a_history(config: SweepConfig) -> Mapping[str, Any]:
    """Those settings that say which values from before the sweep it can take, and what they mean."""
    places = ("[space]", "[search] constraints", "[objective", "[warm_start]", "[estimator] hyperparameters")
    return {name: value for name, value in settings_of(config).items() if name.startswith(places)}


def _of_an_objective(objective: Objective) -> dict[str, Any]:
    source = objective.source
    settings: dict[str, Any] = {"goal": objective.goal.value}
    if isinstance(source, LogPattern):
        settings["log_pattern"] = source.pattern.pattern
        if source.take is not Take.LAST:
            settings["take"] = source.take.value
        if source.step is not None:
            settings["step"] = source.step
    elif isinstance(source, PlatformMetric):
        settings["metric"] = source.name
    else:
        settings["json_file"] = source.path
        settings["key"] = source.key
    return settings


def _of_the_space(space: Space) -> dict[str, Any]:
    settings: dict[str, Any] = {f"[space] {name}": _axis(axis) for name, axis in space.axes.items()}
    for name, when in space.conditions.items():
        settings[f"[space] {name}"]["when"] = {parent: list(values) for parent, values in when.items()}
    if space.constraints:
        settings["[search] constraints"] = sorted(constraint.text for constraint in space.constraints)
    return settings


def _of_the_search(search: Search) -> dict[str, Any]:
    settings: dict[str, Any] = {"[search] algorithm": search.algorithm}
    if isinstance(search, PointList):
        digest = hashlib.sha256("\n".join(map(key_of, search.listed)).encode()).hexdigest()[:12]
        settings["[search] file"] = f"{len(search.listed)} points, {digest}"
    elif isinstance(search, RandomSearch | QuasiRandomSearch | AdaptiveSearch):
        settings["[search] seed"] = search.seed
    if isinstance(search, AdaptiveSearch):
        settings["[search] startup"] = search.startup
    return settings


def _axis(axis: Any) -> dict[str, Any]:
    told = {name: value for name, value in asdict(axis).items() if value is not None}
    if isinstance(axis, Int) and not axis.log:
        # Ledgers of the first version know nothing of logarithmic whole numbers.
        del told["log"]
    return {"kind": type(axis).__name__.lower()} | {
        name: list(value) if isinstance(value, tuple) else value for name, value in told.items()
    }
