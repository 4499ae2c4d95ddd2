"""What of a sweep its trials depend on, as plain settings that two runs can be compared by. Pure."""

from collections.abc import Mapping
from typing import Any

from attrs import asdict

from ..obs.code import LocalCode
from .config import SweepConfig
from .objective import LogPattern
from .search import RandomSearch


def settings_of(config: SweepConfig) -> Mapping[str, Any]:
    """Every setting that changes what a trial is or what its value means, by the place in the file.

    How many trials a random search draws is none of them: more of them begin with the same ones.
    """
    settings: dict[str, Any] = {f"[space] {name}": _axis(axis) for name, axis in config.space.axes.items()}
    settings["[search] algorithm"] = "random" if isinstance(config.search, RandomSearch) else "grid"
    if isinstance(config.search, RandomSearch):
        settings["[search] seed"] = config.search.seed
    source = config.objective.source
    settings["[objective] goal"] = config.objective.goal.value
    if isinstance(source, LogPattern):
        settings["[objective] log_pattern"] = source.pattern.pattern
    else:
        settings["[objective] json_file"] = source.path
        settings["[objective] key"] = source.key
    for name, value in {**config.settings, **config.inputs}.items():
        # Of code on this machine the content counts, not the folder.
        settings[f"[estimator] {name}"] = value.manifest.name if isinstance(value, LocalCode) else value
    return settings


def _axis(axis: Any) -> dict[str, Any]:
    told = {name: value for name, value in asdict(axis).items() if value is not None}
    return {"kind": type(axis).__name__.lower()} | {
        name: list(value) if isinstance(value, tuple) else value for name, value in told.items()
    }
