"""A folder with a sweep, the command in it, and a platform that it may use."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from aiomodelarts.cli import main
from tests.support.platform import keys
from tests.support.sweep_file import SWEEP

from .calls import TRAIN, Command, start, until


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a sweep file and its script."""
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


@pytest.fixture
def command(project: Path) -> Command:
    def run(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        with start(project, *arguments, **more) as process:
            out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


@pytest.fixture
def called(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The same command within this process, for what ends before anything is begun."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr(sys, "argv", ["aiomodelarts", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def served(project: Path) -> Iterator[dict[str, str]]:
    """What a session needs to reach a platform in another process, as environment variables."""
    ready = project / "ready.json"
    with start(project, "local", "serve", "--root", "served", "--ready-file", str(ready)) as process:
        try:
            until(process, ready.exists)
            told = SimpleNamespace(**json.loads(ready.read_bytes()))
            yield {**keys(told), "AIOMODELARTS_OBS_ENDPOINT": told.obs_endpoint}
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors.startswith("aiomodelarts local serve: http://127.0.0.1:")
    assert len(errors.splitlines()) == 1
