"""The page on the local platform: both ways to one that is served elsewhere work as they are printed."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.platform import environment, served

PAGE = (Path(__file__).parents[2] / "docs/local-platform.md").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the ready file of a platform lies."""
    folder = tmp_path_factory.mktemp("page")
    with served(folder / "root"):
        (folder / "root.ready.json").rename(folder / "ready.json")
        yield folder


def done(folder: Path, *command: str) -> "tuple[int, str, str]":
    told = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    return told.returncode, told.stdout, told.stderr


def test_by_the_environment(folder: Path) -> None:
    (block,) = (block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "eval" in block)
    here = shlex.quote(sys.executable)
    block = block.replace("python3", here).replace("aiomodelarts jobs", f"{here} -m aiomodelarts.cli jobs")
    assert done(folder, "bash", "-euc", block) == (0, "", "There are none.\n")


def test_from_a_program(folder: Path) -> None:
    (block,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "ready.json" in block)
    code, out, errors = done(folder, sys.executable, "-W", "error", "-c", block)
    assert (code, errors) == (0, "")
    assert out.startswith("JobPage(")
