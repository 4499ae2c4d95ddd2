"""The page on sweeps: its program runs as printed, its commands are all there, and its pictures too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from aiomodelarts.cli.app import app

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "sweeps.md").read_text("utf-8")
_BYTES = 400_000


def test_the_program_runs(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="reports need plotly: pip install 'aiomodelarts[report]'")
    (program,) = (one for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "asyncio.run(" in one)
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == ["best", *(f"trial {at}" for at in range(1, 7))]
    assert (tmp_path / "report.html").exists()


def test_every_command_is_listed() -> None:
    root = typer.main.get_command(app)
    there = set(root.commands["sweep"].commands)  # type: ignore[attr-defined]
    listed = set(re.findall(r"^\| `sweep (\w+) FILE", PAGE, re.MULTILINE))
    assert there <= listed


def test_its_pictures_are_there_and_small() -> None:
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", PAGE):
        assert (DOCS / name).stat().st_size < _BYTES, name
