"""Ending a sweep: the question at Ctrl-C on a real terminal, signals without one, and `sweep stop` from outside."""

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import pytest
from rich.console import Console

from aiomodelarts.cli._interruption import Interruption
from aiomodelarts.sweep import Running

from .calls import Command, environment, kept, start, until

QUESTION = "l, s or c? Enter and Ctrl-C leave them: "


class Terminal:
    """The command on a terminal, and what it has shown."""

    def __init__(self, process: "subprocess.Popen[bytes]", near: int) -> None:
        self.process = process
        self._near = near
        self._seen = b""

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._seen.decode(errors="replace"))

    def until(self, there: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + 60
        while not there(self.text):
            assert time.monotonic() < deadline, self.text
            assert self._read(0.1) or self.process.poll() is None, self.text

    def type(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def end(self) -> int:
        while self._read(10):
            pass
        return self.process.wait(30)

    def _read(self, timeout_s: float) -> bool:
        """Whether there may be more."""
        if not select.select([self._near], [], [], timeout_s)[0]:
            return False
        # The other end of a terminal reports its hanging up as an error.
        with contextlib.suppress(OSError):
            piece = os.read(self._near, 65536)
            self._seen += piece
            return bool(piece)
        return False


@contextlib.contextmanager
def terminal(project: Path, *arguments: str, width: int = 60, **more: str) -> Iterator[Terminal]:
    near, far = pty.openpty()
    ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    variables = environment(TERM="xterm-256color", NO_COLOR="1", **more)
    del variables["COLUMNS"]
    called = [sys.executable, "-m", "aiomodelarts.cli", *arguments]

    def take_control() -> None:
        os.setsid()
        ioctl(far, termios.TIOCSCTTY, 0)

    options = {"stdin": far, "stdout": far, "stderr": far, "preexec_fn": take_control}
    with subprocess.Popen(called, cwd=project, env=variables, **options) as process:
        os.close(far)
        try:
            yield Terminal(process, near)
        finally:
            if process.poll() is None:
                process.kill()
    os.close(near)


@pytest.fixture
def slow(project: Path, served: dict[str, str]) -> dict[str, str]:
    """A served platform whose trainings take a minute."""
    source = project / "served/obs/bucket/src"
    source.mkdir(parents=True)
    (source / "train.py").write_text("import time; time.sleep(60)")
    return served


def test_a_second_signal_cancels_and_one_before_the_sweep_has_begun_does_too() -> None:
    ended: list[Running] = []
    going: list[int | None] = [None]
    console = Console(file=io.StringIO())
    interruption = Interruption(ended.append, lambda: going[0], console, usual=Running.STOP, asks=True, outlives=True)
    assert not interruption.take(signal.SIGINT)
    going[0] = 2
    # Nobody can be asked where there is no terminal.
    assert interruption.take(signal.SIGTERM)
    assert ended == [Running.STOP]
    assert not interruption.take(signal.SIGINT)
    assert (ended, interruption.signal) == ([Running.STOP], signal.SIGTERM)


def outputs(project: Path) -> int:
    return len(list((project / "served/obs/bucket").glob("out/tiny/*")))


def running(project: Path) -> int:
    return kept(project / "results/tiny/sweep.sqlite", "running") if outputs(project) == 2 else 0


def states(command: Command) -> dict[str, int]:
    told: dict[str, int] = json.loads(command("sweep", "status", "sweep.toml", "-o", "json").stdout)["states"]
    return told


@pytest.mark.parametrize(("answer", "left"), [("l\n", "running"), ("\n", "running"), ("\x03", "running"), ("s\n", "")])
def test_ctrl_c_asks_once_what_becomes_of_running_versions(
    project: Path, command: Command, slow: dict[str, str], answer: str, left: str
) -> None:
    with terminal(project, "sweep", "run", "sweep.toml", **slow) as shown:
        shown.until(lambda _: outputs(project) == 2)
        shown.until(lambda text: "2 running" in text)
        shown.type("\x03")
        shown.until(lambda text: QUESTION in text)
        assert "2 versions are running. What becomes of them?" in shown.text
        shown.type(answer)
        assert shown.end() == 130
        text = shown.text
    assert "Interrupted: 0 of 4 trials are over." in text
    assert "Traceback" not in text
    assert text.count(QUESTION) == 1
    if left:
        assert len(re.findall(r"trial \d goes on: job_id=\d+, version_id=\d+", text)) == 2
        assert re.search(r"aiomodelarts logs \d+ \d+ --follow", text)
        assert states(command) == {"running": 2}
    else:
        assert "The versions that ran were stopped; the same command makes them anew." in " ".join(text.split())
        assert "goes on" not in text.replace("goes on from here", "").replace("The sweep goes on until", "")
        assert states(command) == {"reserved": 2}
    assert "The same command again goes on from here." in text


def test_a_sweep_goes_on_where_that_is_the_answer_and_ctrl_c_twice_does_not_wait(
    project: Path, slow: dict[str, str]
) -> None:
    with terminal(project, "sweep", "run", "sweep.toml", **slow) as shown:
        shown.until(lambda text: outputs(project) == 2 and "2 running" in text)
        shown.type("\x03")
        shown.until(lambda text: QUESTION in text)
        shown.type("what?\n")
        shown.until(lambda text: "l, s or c? " in text.rpartition(QUESTION)[2])
        before = len(shown.text)
        shown.type("c\n")
        # The line is drawn again.
        shown.until(lambda text: "2 running" in text[before:])
        shown.type("\x03")
        shown.until(lambda text: text.count(QUESTION) == 2)
        shown.type("\x03")
        shown.type("\x03")
        assert shown.end() == 130
    assert "Interrupted: 0 of 4 trials are over." in shown.text
    assert "Traceback" not in shown.text


def test_a_sweep_that_ends_before_the_answer_leaves_the_question_behind(project: Path, slow: dict[str, str]) -> None:
    script = (
        "import pathlib, sys, time\n"
        "while not pathlib.Path(sys.argv[2], 'go').exists():\n    time.sleep(0.05)\n"
        "if sys.argv[-1] == '3':\n    sys.exit('three is bad')\n"
        "print(f'accuracy={int(sys.argv[-1]) / 10}')\n"
    )
    (project / "served/obs/bucket/src/train.py").write_text(script)
    (project / "served/obs/bucket/data").mkdir()
    with terminal(project, "sweep", "run", "sweep.toml", **slow) as shown:
        shown.until(lambda text: outputs(project) == 2 and "2 running" in text)
        shown.type("\x03")
        shown.until(lambda text: QUESTION in text)
        (project / "served/obs/bucket/data/go").touch()
        assert shown.end() == 0
    behind = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.text.rpartition(QUESTION)[2])
    assert "trial 3 failed" in behind
    assert "\n3 of 4 models trained" in behind.replace("\r", "")


def test_what_an_earlier_run_left_is_asked_for_and_listed_too(project: Path, slow: dict[str, str]) -> None:
    for _ in range(2):
        with terminal(project, "sweep", "run", "sweep.toml", **slow) as shown:
            shown.until(lambda text: outputs(project) == 2 and "2 running" in text)
            shown.type("\x03")
            shown.until(lambda text: QUESTION in text)
            shown.type("\n")
            assert shown.end() == 130
    assert "Resumed: 0 of 4 done, 2 taken up again, 2 to go." in shown.text
    assert len(re.findall(r"trial \d goes on: job_id=\d+, version_id=\d+", shown.text)) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_scripts_say_beforehand_what_becomes_of_running_versions(
    project: Path, command: Command, slow: dict[str, str], number: signal.Signals
) -> None:
    arguments = ("sweep", "run", "sweep.toml", "--on-interrupt", "stop", "-o", "json")
    with start(project, *arguments, **slow) as process:
        until(process, lambda: running(project) == 2)
        process.send_signal(number)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "The versions that ran were stopped" in errors
    assert json.loads(out)["stopped_by"].startswith("stopped as asked")
    assert states(command) == {"reserved": 2}


@pytest.mark.parametrize("left", ["leave", "stop"])
def test_a_sweep_is_stopped_from_another_terminal(
    project: Path, command: Command, slow: dict[str, str], left: str
) -> None:
    with start(project, "sweep", "run", "sweep.toml", **slow) as process:
        until(process, lambda: running(project) == 2)
        done = command("sweep", "stop", "sweep.toml", "--running", left, **slow)
        out, errors = process.communicate(timeout=10)
    assert done.returncode == 0, done.stderr
    assert "1 controller drove sweep tiny; 0 of 4 trials are over." in done.stdout
    assert done.stdout.count("goes on: job_id=") == (2 if left == "leave" else 0)
    # Whoever waited for the sweep learns that it did not end by itself.
    assert process.returncode == 1
    assert "Stopped as asked elsewhere: 0 of 4 trials are over." in errors
    assert out == ""


def test_what_a_killed_controller_has_left_is_stopped_through_the_platform(
    project: Path, command: Command, slow: dict[str, str]
) -> None:
    with start(project, "sweep", "run", "sweep.toml", **slow) as process:
        until(process, lambda: running(project) == 2)
        process.kill()
        process.communicate(timeout=10)
    done = command("sweep", "stop", "sweep.toml", "--running", "stop", "-o", "json", **slow)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["stopped"], told["going"], told["silent"]) == (2, [], 1)
    assert states(command) == {"reserved": 2}


def test_stop_needs_a_sweep_that_was_run(command: Command) -> None:
    done = command("sweep", "stop", "sweep.toml")
    assert done.returncode == 2
    assert "the sweep was not run yet" in done.stderr


_HANGS = """
import asyncio, threading, typer
from aiomodelarts.cli._run import run

async def main() -> int:
    print("up", flush=True)
    await asyncio.to_thread(threading.Event().wait, 60)
    return 0

run(main())
"""


def test_a_thread_that_hangs_can_be_interrupted_as_well() -> None:
    # As a look-up of a name does, where the network is down.
    command = [sys.executable, "-c", _HANGS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        ended = process.poll()
        process.kill()
        assert process.stderr is not None
        assert (ended, process.stderr.read()) == (130, "")
