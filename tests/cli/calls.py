"""The command as a process of its own, and a small sweep for it."""

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.platform import ROOT

TRAIN = """\
import argparse, json, pathlib, sys, time
parser = argparse.ArgumentParser()
for name in ("--data_url", "--train_url", "--layers"):
    parser.add_argument(name)
options = parser.parse_args()
layers = int(options.layers)
if pathlib.Path(options.data_url, "slow").exists():
    time.sleep(60)
if layers == 3:
    raise ValueError("three is bad")
print(f"accuracy={layers / 10}")
pathlib.Path(options.train_url, "metrics.json").write_text(json.dumps({"val": {"accuracy": layers / 5}}))
"""

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would lead the command to a real account."""
    kept = {name: value for name, value in os.environ.items() if not re.match("HUAWEI|OS_|AIOMODEL", name)}
    # Where these tests run may be a server in a cloud.
    alone = {"HOME": "/nonexistent", "AIOMODELARTS_METADATA_ENDPOINT": "none"}
    return {**kept, **alone, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **more}


def start(project: Path, *arguments: str, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "aiomodelarts.cli", *arguments],
        cwd=project,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: "subprocess.Popen[str]", there: Callable[[], bool]) -> None:
    """Return once it is there; a process that ended before, or never gets there, is a failure."""
    deadline = time.monotonic() + 60
    while not there():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def edit(project: Path, old: str, new: str) -> None:
    file = project / "sweep.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def kept(ledger: Path, state: str) -> int:
    """How many trials are in this state by the file of the ledger, while a controller may write it."""
    if not ledger.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("SELECT count(*) FROM trials WHERE state = ?", (state,))
        except sqlite3.OperationalError:
            # The tables are being made.
            return 0
        return int(found.fetchone()[0])
