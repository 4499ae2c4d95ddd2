"""From an answer back to a request: an answer tells every form of a thing, a request may tell only one."""

from typing import Any, TypeVar

from attrs import evolve

from .run import DataSourceInfo, RunInfo
from .spec import Inputs

R = TypeVar("R", bound=RunInfo)
_ENGINE = ("engine_type", "engine_name", "engine_id", "engine_version")
_CODE = ("app_url", "boot_file_url")
_IMAGE = ("user_image_url", "user_command")


def one_form(info: R) -> R:
    """The run with one form left of each group whose members exclude each other; the others are None.

    Of what runs an image comes first, then a built-in algorithm, then own code; a pool comes before a flavour; of the
    inputs see ``inputs_of``.
    """
    dropped: tuple[str, ...]
    if info.user_image_url:
        dropped = ("model_id", *_ENGINE)
    elif info.model_id:
        dropped = (*_CODE, *_IMAGE, *_ENGINE)
    else:
        dropped = ("model_id", *_IMAGE)
    if info.pool_id:
        dropped += ("spec_id", "spec_code")
    inputs = inputs_of(info)
    kept: dict[str, Any] = {"data_url": None, "dataset_id": None, "dataset_version_id": None, "data_source": None}
    if inputs is not None:
        kept["data_url"], kept["dataset_id"] = inputs.data_url, inputs.dataset_id
        kept["dataset_version_id"] = inputs.dataset_version_id
        kept["data_source"] = info.data_source if inputs.data_source else None
    kept |= dict.fromkeys(dropped)
    return evolve(info, **kept)


def inputs_of(info: RunInfo) -> Inputs | None:
    """What the run reads, in one form, or None where the answer tells of no input.

    The list of sources says most, and is kept where it has several; a single source is told by its own members. Without
    a list, a dataset with its version comes before a path.

    Raises:
        InvalidArgument: for a list that mixes paths and datasets, which no request may.
    """
    sources = [_source(source) for source in info.data_source or ()]
    if len(sources) > 1:
        return Inputs.of(data_source=sources)
    if sources and "data_url" in sources[0]:
        return Inputs.of(sources[0]["data_url"])
    if sources:
        return Inputs.of(dataset_id=sources[0]["dataset_id"], dataset_version_id=sources[0]["dataset_version"])
    if info.dataset_id and info.dataset_version_id:
        return Inputs.of(dataset_id=info.dataset_id, dataset_version_id=info.dataset_version_id)
    return Inputs.of(info.data_url) if info.data_url else None


def _source(source: DataSourceInfo) -> dict[str, str]:
    # The type can be missing, and the members of the other type can be there as well.
    if source.type == "dataset" or not source.data_url:
        return {"dataset_id": source.dataset_id or "", "dataset_version": source.dataset_version or ""}
    return {"data_url": source.data_url}
