"""The place of one run on disk: a copy of its code, its log files, and its command. All of this blocks."""

import os
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import orjson
from attrs import frozen

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local import arguments
from aiomodelarts.local.arguments import CODE_FOLDER, Command
from aiomodelarts.local.board import Job, Version
from aiomodelarts.local.catalogue import ALGORITHMS
from aiomodelarts.local.leftovers import MARK
from aiomodelarts.local.settings import RunSettings
from aiomodelarts.local.storage import Folder, OutsideError, segments

NOTE = "[local platform]"
METRICS_FILE = "metric.json"
_MAX_METRICS_BYTES = 65536
_SHELL_SAFE = re.compile(r"[\w./@%+-]+", re.ASCII)


class CannotRunError(Exception):
    """The run cannot begin; the message is for its log."""


@frozen
class Prepared:
    """What is to be executed, one command a worker; none means that there is nothing to execute."""

    commands: tuple[Command, ...]
    folder: Path
    note: str = ""


class Workplace:
    """Everything about runs on disk, below the root of a platform.

    Args:
        root: absolute, without links.
        storage: OBS as a folder; None means that each run has a folder of its own for the part of OBS that it sees.
        identity: marks the processes of this platform.
    """

    def __init__(self, root: Path, storage: Folder | None, identity: str) -> None:
        self.identity = identity
        self._root = root
        self._shared = storage
        self._environment = arguments.inherited(os.environ)
        self._work = root / "work"

    def open(self) -> None:
        """Make the folders, and remove what an earlier process left in them."""
        if _SHELL_SAFE.fullmatch(str(self._work)) is None:
            # The path becomes part of shell commands, where a blank or a quote would change their meaning.
            self._work = Path(tempfile.mkdtemp(prefix="aiomodelarts-"))
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.rmtree(self._root / "mirror", ignore_errors=True)
        tools = self._work / "bin"
        tools.mkdir(parents=True)
        for name in ("python", "python3"):
            _write_script(tools / name, f'#!/bin/sh\nexec {_quoted(sys.executable)} "$@"\n')
        self._environment["PATH"] = f"{tools}:{self._environment.get('PATH', os.defpath)}"
        self._environment["PYTHONUNBUFFERED"] = "1"

    def close(self) -> None:
        """Remove the working folders."""
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.rmtree(self._root / "mirror", ignore_errors=True)

    def log_path(self, version_id: int, worker: int) -> Path:
        return self._root / "logs" / str(version_id) / f"{worker}.log"

    def storage(self, version_id: int) -> Folder:
        """OBS as a run sees it."""
        return self._shared or Folder(self._root / "mirror" / str(version_id))

    def mark(self, version_id: int) -> str:
        """What every process of a run carries in its environment."""
        return f"{self.identity}/{version_id}"

    def open_logs(self, version: Version) -> None:
        """Make the log files of a run; whatever happens to it from now on can be said there."""
        for index in range(version.settings.workers):
            log = self.log_path(version.version_id, index)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.touch()

    def prepare(self, version: Version) -> Prepared:
        """Copy the code, make the output folder, and say what to execute.

        Raises:
            CannotRunError: something that the run needs is missing or outside the buckets.
            OSError: the disk does not play along.
        """
        home = self._work / str(version.version_id)
        (home / CODE_FOLDER).mkdir(parents=True)
        number = version.version_id
        try:
            return self._prepare(version.settings, home, self.mark(number), self.storage(number))
        except OutsideError as error:
            raise CannotRunError(f"the path {error} leaves its bucket") from None

    def note(self, version: Version, text: str) -> None:
        """Append a remark of the platform to the logs of a run."""
        for index in range(version.settings.workers):
            with self.log_path(version.version_id, index).open("ab+") as log:
                torn = log.tell() > 0 and os.pread(log.fileno(), 1, log.tell() - 1) != b"\n"
                log.write(b"\n" * torn + f"{NOTE} {text}\n".encode())

    def finish(self, job: Job, version: Version) -> JsonObject | None:
        """Remove the working folder, put the logs into the bucket, and read the metrics the run left.

        Raises:
            OutsideError: the place of the logs is outside the buckets.
            OSError: the logs cannot be put there.
        """
        shutil.rmtree(self._work / str(version.version_id), ignore_errors=True)
        settings, storage = version.settings, self.storage(version.version_id)
        if settings.log_url:
            self._publish_logs(job, version, storage.resolve(settings.log_url))
        return _metrics(settings.train_url, storage) if settings.train_url else None

    def drop_mirror(self, version_id: int) -> None:
        """Remove what a run saw of OBS; what it left is there by now."""
        shutil.rmtree(self._root / "mirror" / str(version_id), ignore_errors=True)

    def forget(self, version: Version) -> None:
        """Remove the logs of a deleted version."""
        shutil.rmtree(self.log_path(version.version_id, 0).parent, ignore_errors=True)

    def _prepare(self, settings: RunSettings, home: Path, mark: str, storage: Folder) -> Prepared:
        data, train = self._data(settings, storage), _train(settings, storage)
        code = _copy_code(settings, home, storage) if settings.app_url else None
        if settings.user_image_url is not None and settings.user_command is not None:
            _find_code(settings.user_command, settings, home, storage)
            _write_script(home / "run_train.sh", arguments.WRAPPER)
            line = arguments.user_command(settings.user_command, str(home))
            given = {**arguments.place_variables(data, train), **dict(settings.parameters)}
            return self._for_workers(settings, line, given, home, mark)
        if code is not None:
            boot = _boot_file(settings, code, storage)
            line = (sys.executable, "-u", str(boot), *arguments.boot_arguments(settings, data, train))
            return self._for_workers(settings, line, {}, code, mark)
        if settings.model_id is not None:
            name = ALGORITHMS[settings.model_id].name
            return Prepared((), home, f"the built-in algorithm {name} is not on this machine, so nothing was trained")
        raise CannotRunError("a custom image can only be run by its user_command here")

    def _for_workers(
        self, settings: RunSettings, line: tuple[str, ...], given: dict[str, str], folder: Path, mark: str
    ) -> Prepared:
        port = _free_port() if settings.workers > 1 else 0
        commands = []
        for index in range(settings.workers):
            place = arguments.worker_environment(index, settings.workers, port)
            # The mark comes last: no hyperparameter may hide a process from us.
            commands.append(Command(line, {**self._environment, **given, **place, MARK: mark}))
        return Prepared(tuple(commands), folder)

    def _data(self, settings: RunSettings, storage: Folder) -> str | None:
        """The local folder of the first input."""
        source = next(iter(settings.data_source), {})
        obs = settings.data_url or source.get("data_url")
        if obs:
            return str(storage.resolve(obs))
        dataset = settings.dataset_id or source.get("dataset_id")
        version = settings.dataset_version_id or source.get("dataset_version")
        if dataset is None or version is None:
            return None
        place = self._root / "datasets" / _file_name(dataset) / _file_name(version)
        place.mkdir(parents=True, exist_ok=True)
        return str(place)

    def _publish_logs(self, job: Job, version: Version, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        for index in range(version.settings.workers):
            place = target / f"{job.name}-{version.name}.{index}"
            place.unlink(missing_ok=True)
            try:
                os.link(self.log_path(version.version_id, index), place)
            except OSError:
                shutil.copyfile(self.log_path(version.version_id, index), place)


def _train(settings: RunSettings, storage: Folder) -> str | None:
    """The local folder of the output, which exists from now on."""
    if settings.train_url is None:
        return None
    place = storage.resolve(settings.train_url)
    place.mkdir(parents=True, exist_ok=True)
    return str(place)


def _copy_code(settings: RunSettings, home: Path, storage: Folder) -> Path:
    assert settings.app_url is not None
    source = storage.resolve(settings.app_url)
    if not source.is_dir():
        raise CannotRunError(f"there is no code directory {settings.app_url} (looked for {source})")
    target = home / CODE_FOLDER / source.name
    shutil.copytree(source, target, symlinks=True)
    return target


def _boot_file(settings: RunSettings, code: Path, storage: Folder) -> Path:
    assert settings.app_url is not None
    assert settings.boot_file_url is not None
    app, boot = storage.resolve(settings.app_url), storage.resolve(settings.boot_file_url)
    if not boot.is_file() or not boot.is_relative_to(app):
        raise CannotRunError(f"there is no boot file {settings.boot_file_url} (looked for {boot})")
    return code / boot.relative_to(app)


def _find_code(command: str, settings: RunSettings, home: Path, storage: Folder) -> None:
    """Bring the code folders that a command names: from the buckets of this run, then from any other."""
    own = [segments(path)[0] for path in settings.paths().values()]
    others = sorted(entry.name for entry in storage.root.iterdir() if entry.is_dir())
    buckets = list(dict.fromkeys((*own, *others)))
    for name in arguments.mentioned_folders(command):
        target = home / CODE_FOLDER / name
        places = [bucket for bucket in buckets if (storage.root / bucket / name).is_dir()]
        if places and not target.exists():
            shutil.copytree(storage.resolve(f"/{places[0]}/{name}"), target, symlinks=True)


def _metrics(train_url: str, storage: Folder) -> JsonObject | None:
    try:
        place = storage.resolve(train_url) / METRICS_FILE
        if place.stat().st_size > _MAX_METRICS_BYTES:
            return None
        value = orjson.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "'\\''") + "'"


def _file_name(identifier: str) -> str:
    return quote(identifier, safe="").replace(".", "%2E")[:200]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
