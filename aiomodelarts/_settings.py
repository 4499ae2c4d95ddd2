"""Checks of an estimator's arguments: bounds and exclusions, told before anything is sent."""

from typing import Any

from .errors import InvalidArgument
from .hyperparameters import Hyperparameters, sendable
from .models.spec import RunSettings, obs_path

_WAYS = "own code (code_dir, boot_file, framework_type, framework_version), model_name, or user_image_url"


def check_settings(**given: Any) -> RunSettings:
    """The settings of a run from an estimator's arguments.

    Raises:
        InvalidArgument: with the argument's name, what was given and what is allowed.
    """
    _check_texts(given)
    _check_way(given)
    _check_place(given)
    code_dir, boot_file = _code(given)
    return RunSettings(
        train_instance_count=check_count(given["train_instance_count"]),
        train_instance_type=given["train_instance_type"],
        pool_id=given["pool_id"],
        output_path=_directory(given, "output_path", demanded=True) or "",
        code_dir=code_dir,
        boot_file=boot_file,
        framework_type=given["framework_type"],
        framework_version=given["framework_version"],
        model_name=given["model_name"],
        user_image_url=given["user_image_url"],
        user_command=given["user_command"],
        hyperparameters=Hyperparameters.of(given["hyperparameters"]),
        log_url=_directory(given, "log_url"),
    )


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
    "log_url",
)


def _check_texts(given: dict[str, Any]) -> None:
    """The official SDK asks to leave arguments blank, so a blank text is as good as none."""
    for name in _TEXTS:
        if given[name] == "":
            given[name] = None
        if given[name] is not None and not (isinstance(given[name], str) and sendable(given[name])):
            raise InvalidArgument(name, given[name], "it is text")


def _check_way(given: dict[str, Any]) -> None:
    engine = given["framework_type"] is not None or given["framework_version"] is not None
    code = given["code_dir"] is not None or given["boot_file"] is not None
    algorithm, image = given["model_name"] is not None, given["user_image_url"] is not None
    if algorithm and (engine or code or image):
        raise InvalidArgument("model_name", given["model_name"], f"what runs is named in one way: {_WAYS}")
    if image and engine:
        raise InvalidArgument("framework_type", given["framework_type"], "an own image brings its own engine")
    if given["user_command"] is not None and not image:
        raise InvalidArgument("user_command", given["user_command"], "it goes with user_image_url")
    if not algorithm and not image:
        for name in ("code_dir", "boot_file", "framework_type", "framework_version"):
            if given[name] is None:
                raise InvalidArgument(name, None, f"what runs is named in one way: {_WAYS}")


def _check_place(given: dict[str, Any]) -> None:
    flavor, pool = given["train_instance_type"], given["pool_id"]
    if (flavor is None) == (pool is None):
        raise InvalidArgument("train_instance_type", flavor, "exactly one of train_instance_type and pool_id is given")


def _code(given: dict[str, Any]) -> tuple[str | None, str | None]:
    if (given["code_dir"] is None) != (given["boot_file"] is None):
        missing = "code_dir" if given["code_dir"] is None else "boot_file"
        raise InvalidArgument(missing, None, "code_dir and boot_file are given together")
    if given["code_dir"] is None:
        return None, None
    code_dir = obs_path(given["code_dir"], "code_dir", directory=True)
    boot_file = obs_path(given["boot_file"], "boot_file")
    if not boot_file.startswith(code_dir) or boot_file == code_dir:
        raise InvalidArgument("boot_file", given["boot_file"], f"it is a file inside code_dir {code_dir}")
    return code_dir, boot_file


def _directory(given: dict[str, Any], name: str, *, demanded: bool = False) -> str | None:
    if given[name] is None and not demanded:
        return None
    return obs_path(given[name], name, directory=True)
