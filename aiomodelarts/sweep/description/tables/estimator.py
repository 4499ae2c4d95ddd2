"""Reads ``[estimator]``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...._settings import RUN_ARGUMENTS, check_settings
from ....errors import InvalidArgument
from ....models.spec import Inputs, check_description
from ...space.space import Scalar
from ..reader import TableReader, kind_of, shown

# The estimator's arguments that a sweep can set, by the type each takes in the file.
TEXT_SETTINGS = frozenset(
    {
        "boot_file",
        "code_bucket",
        "code_dir",
        "dataset_id",
        "dataset_version_id",
        "framework_type",
        "framework_version",
        "inputs",
        "job_description",
        "log_url",
        "model_name",
        "output_path",
        "pool_id",
        "train_instance_type",
        "user_command",
        "user_image_url",
    }
)
ESTIMATOR_KEYS = TEXT_SETTINGS | {"flavors", "hyperparameters", "train_instance_count"}
# Arguments of fit and create_job_version; the rest are the estimator's own.
INPUT_KEYS = frozenset({"inputs", "dataset_id", "dataset_version_id"})


def read_estimator(table: TableReader, folder: Path, flavors: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    """The estimator's arguments, and those of its creating calls that say where the data are.

    Args:
        table: the table.
        folder: code of this machine is looked for from here.
        flavors: what versions may run on; the first one is the estimator's.
    """
    table.only(ESTIMATOR_KEYS)
    settings: dict[str, Any] = {}
    for key in sorted(TEXT_SETTINGS):
        value = table.text(key, required=key == "output_path")
        if value is not None:
            settings[key] = value
    if flavors:
        settings["train_instance_type"] = flavors[0]
    settings["train_instance_count"] = table.integer("train_instance_count", low=1) or 1
    settings["hyperparameters"] = _fixed(table)
    inputs = {key: settings.pop(key) for key in INPUT_KEYS & settings.keys()}
    if table.file_is_good:
        _check(table, settings, inputs)
    if table.file_is_good and "code_bucket" in settings:
        settings["code_dir"] = _code_folder(table, folder, settings["code_dir"])
    return settings, inputs


def _code_folder(table: TableReader, folder: Path, given: str) -> str:
    place = folder / Path(given).expanduser()
    if not place.is_dir():
        table.problem(f"is no folder of this machine: {place}", "code_dir")
    return str(place.absolute())


def read_flavors(table: TableReader) -> tuple[str, ...]:
    """What versions may run on, the first choice first; empty where a pool is named."""
    given = table.values.get("flavors")
    if given is None:
        only = table.values.get("train_instance_type")
        return (only,) if isinstance(only, str) else ()
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one.strip() for one in given):
        table.problem(f"is {shown(given)}, and has to be a list of flavours, the first choice first", "flavors")
        return ()
    for other in ("train_instance_type", "pool_id"):
        if other in table.values:
            table.problem(f"excludes {other}; keep one of the two", "flavors")
    if len(set(given)) < len(given):
        table.problem("names a flavour twice", "flavors")
    return tuple(given)


def _check(table: TableReader, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
    """Have the estimator's own rules applied now: what excludes what, and what a path looks like."""
    try:
        check_settings(**{name: settings.get(name) for name in RUN_ARGUMENTS})
        check_description(settings.get("job_description", ""), "job_description")
        Inputs.of(**inputs)
    except InvalidArgument as error:
        key = error.argument.partition("[")[0]
        given = f"is {shown(error.given)}; " if key in table.values else ""
        table.problem(given + error.allowed, key)


def _fixed(table: TableReader) -> dict[str, Scalar]:
    """The hyperparameters that every trial gets, as a table of names and values."""
    given = table.values.get("hyperparameters", {})
    if not isinstance(given, dict):
        table.problem(
            f'is {kind_of(given)}, and has to be a table, as in {{ epochs = 10, optimizer = "adam" }}',
            "hyperparameters",
        )
        return {}
    for name, value in given.items():
        if not isinstance(value, str | int | float):
            table.problem(f"is {kind_of(value)}, and has to be one value", "hyperparameters", name)
    return {name: value for name, value in given.items() if isinstance(value, str | int | float)}
