"""A disk without room stops the creating, loses nothing, and is told; with room, the sweep goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.full_disk import TRIALS

ROOT = Path(__file__).parents[2]
# A disk of its own, which only the process sees that mounts it.
_ON_A_SMALL_DISK = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=32m small "$1" && shift && exec "$@"', "sh")


def _can_mount(folder: Path) -> bool:
    try:
        return subprocess.run([*_ON_A_SMALL_DISK, folder, "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.parametrize(
    ("how", "what"),
    [("disk", "the disk is full; make room and give the same command again"), ("limit", "the disk does not take")],
)
def test_a_disk_without_room_stops_the_creating_and_loses_nothing(tmp_path: Path, how: str, what: str) -> None:
    around: list[Any] = []
    if how == "disk":
        if not _can_mount(tmp_path):
            pytest.skip("no small disk can be mounted here")
        around = [*_ON_A_SMALL_DISK, tmp_path]
    done = subprocess.run(
        [*around, sys.executable, "-m", "tests.sweep.full_disk", how, tmp_path],
        check=True,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=100,
    )
    told = json.loads(done.stdout)
    assert what in told["error"]
    assert 0 < told["sent at first"] < TRIALS / 2
    # What was written is whole, and everything that was sent is known to the ledger.
    assert len(told["kept"]) >= told["sent at first"]
    assert told["later"] is None
    assert told["states"] == ["succeeded"] * TRIALS
    assert told["versions"] == [1] * TRIALS
