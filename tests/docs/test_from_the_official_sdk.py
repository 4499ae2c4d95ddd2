"""The page for those who come from the official SDK: complete, and its program runs as printed."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import aiomodelarts
from aiomodelarts import AsyncEstimator, AsyncVisualizationJob, TrainingJob, TrainingJobConfig
from aiomodelarts.obs import Obs
from tests.surface.test_operations import METHODS

PAGE = (Path(__file__).parents[2] / "docs" / "from-the-official-sdk.md").read_text("utf-8")
ROWS = re.findall(r"^\| `(?:\w+\(session\)\.)?(\w+)\(", PAGE, re.MULTILINE)
HOLDERS = (AsyncEstimator, TrainingJob, TrainingJobConfig, AsyncVisualizationJob, Obs)


def test_every_official_method_has_its_row() -> None:
    assert set(METHODS) <= set(ROWS)
    of_obs = re.findall(r"^\| `session\.obs\.(\w+)\((\w+), (\w+)\)`", PAGE, re.MULTILINE)
    assert {name for name, *_ in of_obs} == {"upload_file", "upload_dir", "download_file", "download_dir"}
    for name, *arguments in of_obs:
        assert list(inspect.signature(getattr(Obs, name)).parameters)[1:3] == arguments


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:await )?(?:\w*\.)*(\w+)\(", PAGE))))
def test_what_the_page_names_exists(name: str) -> None:
    holders = (*HOLDERS, aiomodelarts.AsyncSession, aiomodelarts.Inputs, aiomodelarts)
    official = {"Session", "Estimator", "VisualizationJob"}
    assert name in official or any(hasattr(holder, name) for holder in holders)


def test_the_program_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout) == ("", "COMPLETED Hyperparameters({})\n")
