"""The README's Python runs as it is printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = [
    block for block in re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL) if "import" in block
]


@pytest.mark.parametrize(
    "block", BLOCKS, ids=[re.findall(r"\w+", block)[-1] + str(at) for at, block in enumerate(BLOCKS)]
)
def test_a_block_runs(block: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_first_block_shows_what_the_script_was_told(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", BLOCKS[0]], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert told.splitlines() == ["COMPLETED {'lr': '0.001'}", "told: --lr 0.001"]


def test_both_commands_stand_on_lines_of_their_own() -> None:
    lines = README.read_text("utf-8").splitlines()
    start = "python3 -m venv .venv && .venv/bin/pip install -e "
    assert f"{start}'.[all,examples]' && .venv/bin/aiomodelarts sweep run examples/digits/sweep.toml --local" in lines
    assert f"{start}'.[all,examples,test]' && .venv/bin/pytest" in lines
