"""What is asked for: settings of a run, its inputs, and the two together as one intent."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson
from attrs import asdict, field, frozen

from ..errors import InvalidArgument
from ..hyperparameters import Hyperparameters, sendable

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BAD_IN_PATH = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_OBS = "obs://"
MAX_DESCRIPTION = 256
_ONE_SOURCE = "it has data_url (type obs), or dataset_id and dataset_version (type dataset)"
_ONE_FORM = "exactly one of inputs, dataset_id with dataset_version_id, and data_source is given"


def obs_path(value: object, argument: str, *, directory: bool = False) -> str:
    """The path as REST wants it: ``/bucket/key``, with a slash at the end of a directory.

    Args:
        value: ``/bucket/key`` or ``obs://bucket/key``.
        argument: whose value it is, for the error.
        directory: whether a missing slash is added.

    Raises:
        InvalidArgument: for another form, or a path that climbs with ``..``.
    """
    if not isinstance(value, str):
        raise InvalidArgument(argument, value, "it is a path as text: /bucket/dir/ or obs://bucket/dir/")
    path = "/" + value.removeprefix(_OBS) if value.startswith(_OBS) else value
    bucket, *rest = path[1:].split("/")
    if not path.startswith("/") or not bucket or _BAD_IN_PATH.search(path) or {".", ".."} & {bucket, *rest}:
        raise InvalidArgument(argument, value, "it is an OBS path without '..': /bucket/dir/ or obs://bucket/dir/")
    return path + "/" if directory and not path.endswith("/") else path


def code_target(value: object) -> str:
    """The folder that holds uploaded code, as ``/bucket/dir/``.

    Args:
        value: ``bucket``, which means its folder ``code/``, or ``/bucket/dir/``, or ``obs://bucket/dir/``.

    Raises:
        InvalidArgument: for another form.
    """
    if isinstance(value, str) and "/" not in value:
        value = f"/{value}/code/"
    return obs_path(value, "code_bucket", directory=True)


def check_name(value: object, argument: str, longest: int) -> str:
    """A name: ASCII letters, digits, underscores and hyphens, at least one and at most ``longest``."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None or len(value) > longest:
        allowed = f"it has 1 to {longest} ASCII letters, digits, underscores and hyphens"
        raise InvalidArgument(argument, value, allowed)
    return value


def check_job_name(value: object, argument: str = "job_name") -> str:
    """The name of a training job."""
    return check_name(value, argument, 64)


def check_description(value: object, argument: str) -> str:
    """A description: up to 256 characters."""
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION or not sendable(value):
        raise InvalidArgument(argument, value, f"it is text of at most {MAX_DESCRIPTION} characters")
    return value


def check_id(value: object, argument: str) -> int:
    """A job or version id: a whole number of at most 19 digits, or its digits."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value, re.ASCII) and int(value) < 2**63:
        return int(value)
    raise InvalidArgument(argument, value, "it is a whole number from 0 up, or its digits")


@frozen
class DataSource:
    """One input of a run: an OBS path, or a dataset together with its version."""

    data_url: str | None = None
    dataset_id: str | None = None
    dataset_version: str | None = None

    def __attrs_post_init__(self) -> None:
        given = {name for name, value in asdict(self).items() if value is not None}
        if given not in ({"data_url"}, {"dataset_id", "dataset_version"}):
            raise InvalidArgument("data_source", sorted(given), _ONE_SOURCE)

    @classmethod
    def of(cls, item: object, argument: str) -> "DataSource":
        """A data source from itself or from a mapping with the members of the documents."""
        if isinstance(item, DataSource):
            return item
        if not isinstance(item, Mapping):
            raise InvalidArgument(
                argument, item, "it is a mapping with data_url, or with dataset_id and dataset_version"
            )
        given = {name: value for name, value in item.items() if name != "type" and value is not None}
        kind = item.get("type", "obs" if "data_url" in given else "dataset")
        if kind == "obs" and set(given) == {"data_url"}:
            return cls(data_url=obs_path(given["data_url"], f"{argument}.data_url"))
        if kind == "dataset" and set(given) == {"dataset_id", "dataset_version"}:
            return cls(
                dataset_id=_identifier(given["dataset_id"], f"{argument}.dataset_id"),
                dataset_version=_identifier(given["dataset_version"], f"{argument}.dataset_version"),
            )
        raise InvalidArgument(argument, dict(item), _ONE_SOURCE)

    def as_wire(self) -> dict[str, str]:
        """The member of a request; its type is always said."""
        if self.data_url is not None:
            return {"type": "obs", "data_url": self.data_url}
        return {
            "type": "dataset",
            "dataset_id": self.dataset_id or "",
            "dataset_version": self.dataset_version or "",
        }


@frozen
class Inputs:
    """What a run reads: exactly one of an OBS path, a dataset with its version, or a list of sources."""

    data_url: str | None = None
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    data_source: tuple[DataSource, ...] = ()

    def __attrs_post_init__(self) -> None:
        given = {name for name in ("data_url", "dataset_id", "dataset_version_id") if getattr(self, name) is not None}
        given |= {"data_source"} if self.data_source else set()
        if given not in ({"data_url"}, {"dataset_id", "dataset_version_id"}, {"data_source"}):
            raise InvalidArgument("inputs", sorted(given), _ONE_FORM)

    @classmethod
    def of(
        cls,
        inputs: object = None,
        dataset_id: object = None,
        dataset_version_id: object = None,
        data_source: object = None,
    ) -> "Inputs":
        """The inputs from the arguments of ``fit`` and ``create_job_version``.

        Raises:
            InvalidArgument: unless exactly one form is given, and given whole.
        """
        pair = dataset_id is not None or dataset_version_id is not None
        if (inputs is not None) + pair + (data_source is not None) != 1:
            given = {
                "inputs": inputs,
                "dataset_id": dataset_id,
                "dataset_version_id": dataset_version_id,
                "data_source": data_source,
            }
            raise InvalidArgument(
                "inputs",
                {name: value for name, value in given.items() if value is not None},
                _ONE_FORM,
            )
        if isinstance(inputs, Inputs):
            return inputs
        if inputs is not None:
            return cls(data_url=obs_path(inputs, "inputs"))
        if pair:
            return cls(
                dataset_id=_identifier(dataset_id, "dataset_id"),
                dataset_version_id=_identifier(dataset_version_id, "dataset_version_id"),
            )
        return cls(data_source=_sources(data_source))

    def as_wire(self) -> dict[str, Any]:
        """The members of ``config``."""
        if self.data_url is not None:
            return {"data_url": self.data_url}
        if self.dataset_id is not None:
            return {"dataset_id": self.dataset_id, "dataset_version_id": self.dataset_version_id}
        return {"data_source": [source.as_wire() for source in self.data_source]}


@frozen(kw_only=True)
class RunSettings:
    """What an estimator says about every run, checked; flavour, engine and algorithm still by name.

    With ``code_bucket``, ``code_dir`` is a folder of this machine and ``boot_file`` a path in it.
    """

    train_instance_count: int
    train_instance_type: str | None = None
    pool_id: str | None = None
    output_path: str
    code_dir: str | None = None
    boot_file: str | None = None
    code_bucket: str | None = None
    framework_type: str | None = None
    framework_version: str | None = None
    model_name: str | None = None
    user_image_url: str | None = None
    user_command: str | None = None
    hyperparameters: Hyperparameters = field(factory=Hyperparameters)
    log_url: str | None = None

    def as_wire(self, *, spec_id: int | None, engine_id: int | None, model_id: int | None = None) -> dict[str, Any]:
        """The members of ``config`` that are the same for every run, without those that are not set.

        Where the code is stays open as long as it is on this machine.

        Args:
            spec_id: number of the flavour.
            engine_id: number of the engine.
            model_id: number of the built-in algorithm.
        """
        uploaded = self.code_bucket is None
        members = {
            "worker_server_num": self.train_instance_count,
            "spec_id": spec_id,
            "pool_id": self.pool_id,
            "app_url": self.code_dir if uploaded else None,
            "boot_file_url": self.boot_file if uploaded else None,
            "engine_id": engine_id,
            "model_id": model_id,
            "user_image_url": self.user_image_url,
            "user_command": self.user_command,
            "log_url": self.log_url,
        }
        return {name: value for name, value in members.items() if value is not None}


@frozen(kw_only=True)
class TrainingSpec:
    """One intent: everything that makes a version, ready to be sent. A plain value that can be stored and compared.

    Args:
        config: the members of ``config`` that are common to all runs of an estimator.
        inputs: what the run reads.
        hyperparameters: what the run is told.
        output_path: where it writes; with a path of its own a version can be told from all others.
        job_desc: description; the service keeps it per job, so it tells nothing of a version.
        pre_version_id: the version it derives from; None for the first version of a new job.
        job_id: the job it belongs to; None for a new job.
        job_name: the name of a new job.
        intent_id: the caller's own key; asking again with it gives the same version.
        own_path: whether the output path was given for this run alone, so that it tells the run from all others.
    """

    config: Mapping[str, Any]
    inputs: Inputs
    hyperparameters: Hyperparameters
    output_path: str
    job_desc: str | None = None
    pre_version_id: int | None = None
    job_id: int | None = None
    job_name: str | None = None
    intent_id: str | None = field(default=None, eq=False)
    own_path: bool = False

    @property
    def digest(self) -> str:
        """A short text that is the same for the same intent."""
        body = self.wire_config() | {"job_id": self.job_id, "job_name": self.job_name}
        body["parameter"] = self.hyperparameters.digest
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    def as_plain(self) -> dict[str, Any]:
        """The intent as JSON can hold it."""
        return {
            "job_id": self.job_id,
            "job_name": self.job_name,
            "job_desc": self.job_desc,
            "intent_id": self.intent_id,
            "own_path": self.own_path,
            "settings": dict(self.config),
            "config": self.wire_config(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "TrainingSpec":
        """The intent that ``as_plain`` wrote down."""
        config = plain["config"]
        inputs = {name: config.get(name) for name in ("dataset_id", "dataset_version_id", "data_source")}
        return cls(
            config=plain["settings"],
            inputs=Inputs.of(config.get("data_url"), **inputs),
            hyperparameters=Hyperparameters.of(config["parameter"]),
            output_path=config["train_url"],
            job_desc=plain["job_desc"],
            pre_version_id=config.get("pre_version_id"),
            job_id=plain["job_id"],
            job_name=plain["job_name"],
            intent_id=plain["intent_id"],
            own_path=plain["own_path"],
        )

    def wire_config(self) -> dict[str, Any]:
        """The member ``config`` of the request."""
        config = {
            **self.config,
            **self.inputs.as_wire(),
            "parameter": self.hyperparameters.as_parameters(),
            "train_url": self.output_path,
        }
        if self.pre_version_id is not None:
            config["pre_version_id"] = self.pre_version_id
        return config


def _identifier(value: object, argument: str) -> str:
    if not isinstance(value, str) or not value.strip() or not sendable(value):
        raise InvalidArgument(argument, value, "it is text; dataset_id and its version are given together")
    return value


def _sources(given: object) -> tuple[DataSource, ...]:
    if not isinstance(given, list | tuple) or not given:
        raise InvalidArgument("data_source", given, "it is a list of at least one source")
    sources = tuple(DataSource.of(item, f"data_source[{index}]") for index, item in enumerate(given))
    if len({source.data_url is None for source in sources}) > 1:
        raise InvalidArgument("data_source", given, "OBS paths and datasets are not mixed in one list")
    return sources
