"""Checks of an estimator's arguments: bounds and exclusions, told before anything is sent."""

from pathlib import Path, PurePosixPath
from typing import Any

import attrs

from .errors import InvalidArgument
from .hyperparameters import Hyperparameters, sendable
from .models.spec import RunSettings, code_target, obs_path

RUN_ARGUMENTS = tuple(attrs.fields_dict(RunSettings))
_WAYS = "own code (code_dir, boot_file, framework_type, framework_version), model_name, or user_image_url"
_PLACE = "exactly one of train_instance_type and pool_id is given"


def check_settings(**given: Any) -> RunSettings:
    """The settings of a run from an estimator's arguments; raises as ``check_given`` and ``whole_settings`` do."""
    return whole_settings(check_given(**given))


def check_given(**given: Any) -> dict[str, Any]:
    """The arguments of an estimator, each checked by itself and against the others; what is missing stays None.

    Raises:
        InvalidArgument: with the argument's name, what was given and what is allowed.
    """
    _check_texts(given)
    _check_exclusions(given)
    if given["train_instance_count"] is not None:
        check_count(given["train_instance_count"])
    for name in ("output_path", "log_url"):
        if given[name] is not None:
            given[name] = obs_path(given[name], name, directory=True)
    if given["code_bucket"] is None:
        _check_code_in_bucket(given)
    else:
        _check_local_code(given)
    given["hyperparameters"] = Hyperparameters.of(given["hyperparameters"])
    return given


def whole_settings(given: dict[str, Any]) -> RunSettings:
    """The settings of a run from checked arguments.

    Raises:
        InvalidArgument: for what a run needs and was not given.
    """
    if given["model_name"] is None and given["user_image_url"] is None:
        for name in ("code_dir", "boot_file", "framework_type", "framework_version"):
            if given[name] is None:
                raise InvalidArgument(name, None, f"what runs is named in one way: {_WAYS}")
    if (given["code_dir"] is None) != (given["boot_file"] is None):
        missing = "code_dir" if given["code_dir"] is None else "boot_file"
        raise InvalidArgument(missing, None, "code_dir and boot_file are given together")
    if given["train_instance_type"] is None and given["pool_id"] is None:
        raise InvalidArgument("train_instance_type", None, _PLACE)
    check_count(given["train_instance_count"])
    obs_path(given["output_path"], "output_path")
    return RunSettings(**given)


def check_count(count: object) -> int:
    """The number of nodes of a run."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InvalidArgument("train_instance_count", count, "it is a whole number from 1 up")
    return count


_TEXTS = (
    "train_instance_type",
    "pool_id",
    "framework_type",
    "framework_version",
    "model_name",
    "user_image_url",
    "user_command",
    "code_dir",
    "boot_file",
    "code_bucket",
    "log_url",
    "output_path",
)


def _check_texts(given: dict[str, Any]) -> None:
    """The official SDK asks to leave arguments blank, so a blank text is as good as none."""
    for name in _TEXTS:
        if given[name] == "":
            given[name] = None
        if given[name] is not None and not (isinstance(given[name], str) and sendable(given[name])):
            raise InvalidArgument(name, given[name], "it is text")


def _check_exclusions(given: dict[str, Any]) -> None:
    engine = given["framework_type"] is not None or given["framework_version"] is not None
    code = any(given[name] is not None for name in ("code_dir", "boot_file", "code_bucket"))
    algorithm, image = given["model_name"] is not None, given["user_image_url"] is not None
    if algorithm and (engine or code or image):
        raise InvalidArgument("model_name", given["model_name"], f"what runs is named in one way: {_WAYS}")
    if image and engine:
        raise InvalidArgument("framework_type", given["framework_type"], "an own image brings its own engine")
    if given["user_command"] is not None and not image:
        raise InvalidArgument("user_command", given["user_command"], "it goes with user_image_url")
    if given["train_instance_type"] is not None and given["pool_id"] is not None:
        raise InvalidArgument("train_instance_type", given["train_instance_type"], _PLACE)


def _check_code_in_bucket(given: dict[str, Any]) -> None:
    code_dir, boot_file = given["code_dir"], given["boot_file"]
    if code_dir is not None:
        if not code_dir.startswith(("/", "obs:")):
            allowed = f"code_dir {code_dir!r} is a folder of this machine; say where it goes, as in /bucket/code/"
            raise InvalidArgument("code_bucket", None, allowed)
        given["code_dir"] = code_dir = obs_path(code_dir, "code_dir", directory=True)
    if boot_file is not None:
        given["boot_file"] = path = obs_path(boot_file, "boot_file")
        if code_dir is not None and (not path.startswith(code_dir) or path == code_dir):
            raise InvalidArgument("boot_file", boot_file, f"it is a file inside code_dir {code_dir}")


def _check_local_code(given: dict[str, Any]) -> None:
    """A folder of this machine is looked at when it is needed; what its name and the boot file's tell is told now."""
    given["code_bucket"] = code_target(given["code_bucket"])
    code_dir, boot_file = given["code_dir"], given["boot_file"]
    if code_dir is None:
        raise InvalidArgument("code_dir", None, "code_bucket goes with a folder of this machine as code_dir")
    if "://" in code_dir:
        raise InvalidArgument("code_dir", code_dir, "with code_bucket it is a folder of this machine")
    given["code_dir"] = str(Path(code_dir).expanduser().absolute())
    if boot_file is not None:
        path = PurePosixPath(boot_file)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise InvalidArgument("boot_file", boot_file, "it is the path of a file inside code_dir, as in train.py")
        given["boot_file"] = str(path)
