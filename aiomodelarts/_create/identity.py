"""Whether a row of the version list, or a configuration, is what an intent asked for: pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..models.configuration import Configuration, ConfigurationSpec
from ..models.job import VersionInfo
from ..models.run import DataSourceInfo, RunInfo
from ..models.spec import Inputs, TrainingSpec

_ECHOED = (
    "worker_server_num",
    "spec_id",
    "pool_id",
    "app_url",
    "boot_file_url",
    "engine_id",
    "model_id",
    "user_image_url",
    "user_command",
    "log_url",
)


def is_echo(row: VersionInfo, spec: TrainingSpec) -> bool:
    """Whether every member that the row echoes is what the intent asked for.

    The output path has to be there and the same. Any other member may be missing: answers leave members out, and
    return forms beside each other that a request may not combine.
    """
    if row.pre_version_id is not None and row.pre_version_id != spec.pre_version_id:
        return False
    return _same_run(row, spec) and _same_inputs(row, spec.inputs)


def is_saved(saved: Configuration, spec: ConfigurationSpec) -> bool:
    """Whether a configuration holds what was to be saved under its name."""
    if (saved.config_desc or "") != spec.config_desc:
        return False
    if spec.inputs is None:
        return _same_run(saved, spec) and not (saved.data_url or saved.dataset_id or saved.data_source)
    return _same_run(saved, spec) and _same_inputs(saved, spec.inputs)


def explained(rows: Iterable[VersionInfo], specs: Iterable[TrainingSpec]) -> set[int]:
    """The ids of rows that these intents account for, each intent for one row at most.

    The newest rows are taken first. The oldest is left to whoever lost an answer: those who lose one later look only
    at what is newer than their own sending.
    """
    left = sorted(rows, key=lambda row: row.version_id, reverse=True)
    taken = set()
    for spec in specs:
        row = next((row for row in left if is_echo(row, spec)), None)
        if row is not None:
            taken.add(row.version_id)
            left.remove(row)
    return taken


def _same_run(row: RunInfo, spec: TrainingSpec | ConfigurationSpec) -> bool:
    if row.train_url is None or _path(row.train_url) != _path(spec.output_path):
        return False
    if row.parameter is not None and row.parameter != spec.hyperparameters:
        return False
    return _same_settings(row, spec.config)


def _same_settings(row: RunInfo, config: Mapping[str, Any]) -> bool:
    for name in _ECHOED:
        asked, echoed = config.get(name), getattr(row, name)
        # What was not asked for may be filled in by the service; what is echoed as empty was not set.
        if asked is None or echoed is None or echoed == "":
            continue
        if _path(echoed) != _path(asked):
            return False
    return True


def _same_inputs(row: RunInfo, inputs: Inputs) -> bool:
    if inputs.data_url is not None:
        return row.data_url in (None, "") or _path(row.data_url) == _path(inputs.data_url)
    if inputs.dataset_id is not None:
        echoed = (row.dataset_id or inputs.dataset_id, row.dataset_version_id or inputs.dataset_version_id)
        return echoed == (inputs.dataset_id, inputs.dataset_version_id)
    if not row.data_source:
        return True
    return [_source(one) for one in row.data_source] == [
        (_path(one.data_url), one.dataset_id, one.dataset_version) for one in inputs.data_source
    ]


def _source(info: DataSourceInfo) -> tuple[Any, str | None, str | None]:
    return (_path(info.data_url or None), info.dataset_id or None, info.dataset_version or None)


def _path(value: Any) -> Any:
    return value.rstrip("/") if isinstance(value, str) else value
