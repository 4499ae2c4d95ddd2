"""What the package offers: pinned names, and types that a strict checker agrees with."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import aiomodelarts

ROOT = Path(__file__).parents[2]


def test_exported_names_are_sorted_unique_and_there() -> None:
    names = aiomodelarts.__all__
    assert names == sorted(set(names), key=lambda name: (name.lower(), name))
    for name in names:
        assert getattr(aiomodelarts, name) is not None
        assert not name.startswith("_")


def test_nothing_public_is_left_out() -> None:
    bound = {name for name, value in vars(aiomodelarts).items() if isinstance(value, type) and name[0].isalpha()}
    assert bound - set(aiomodelarts.__all__) == set()


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy comes with the extra 'dev'")
def test_types_are_as_a_strict_checker_wants_them() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "tests/surface/typed_calls.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
