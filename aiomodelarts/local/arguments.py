"""Settings become a command: options for a boot file, environment variables for a user's command."""

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from aiomodelarts.local.settings import RunSettings

HOME = "/home/work"
CODE_FOLDER = "user-job-dir"
_MENTIONED = re.compile(rf"{HOME}/{CODE_FOLDER}/([^/\s'\"$;|&<>()]+)")
_HOME = re.compile(rf"(?<![\w./-]){HOME}(?![\w.-])")
# What a training container would not see: the keys and endpoints of whoever started the platform.
_PRIVATE = re.compile(r"(HUAWEICLOUD_SDK_|OS_|AIOMODELARTS_)")

WRAPPER = '#!/bin/sh\n# Runs what it is given, as the wrapper of the platform\'s own images does.\nexec "$@"\n'


@frozen
class Command:
    """What is executed for one worker."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def boot_arguments(settings: RunSettings, data: str | None, train: str | None) -> tuple[str, ...]:
    """The options of a boot file: both places, then the hyperparameters in the order of the request."""
    options = [*(("--data_url", data) if data else ()), *(("--train_url", train) if train else ())]
    for label, value in settings.parameters:
        options += (f"--{label}", value)
    return tuple(options)


def place_variables(data: str | None, train: str | None) -> dict[str, str]:
    """Where input and output of a user's command are."""
    places = {"DLS_DATA_URL": data, "DLS_TRAIN_URL": train}
    return {name: place for name, place in places.items() if place is not None}


def user_command(command: str, home: str) -> tuple[str, ...]:
    """The shell that runs a user's command, with ``/home/work`` in it meaning ``home``."""
    return ("/bin/sh", "-c", _HOME.sub(home.replace("\\", r"\\"), command))


def mentioned_folders(command: str) -> Sequence[str]:
    """The names of the code folders that a command expects below ``/home/work/user-job-dir``."""
    return sorted(set(_MENTIONED.findall(command)) - {".", ".."})


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the platform's own environment that a run may see."""
    return {name: value for name, value in environment.items() if not _PRIVATE.match(name)}


def worker_environment(index: int, workers: int, port: int) -> dict[str, str]:
    """What tells a worker its place among the others."""
    if workers == 1:
        return {}
    return {
        "MA_NUM_HOSTS": str(workers),
        "VC_WORKER_NUM": str(workers),
        "VC_TASK_INDEX": str(index),
        "WORLD_SIZE": str(workers),
        "RANK": str(index),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
