"""A sweep on a platform that the command starts itself: what it leaves, its end by a signal, the same command again."""

import contextlib
import csv
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.support.sweep_file import SWEEP

from .calls import TRAIN, Command, edit, environment, start, until


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, subprocess.CompletedProcess[str]]":
    """A folder in which a local sweep has run, and what it printed."""
    folder = tmp_path_factory.mktemp("swept")
    (folder / "sweep.toml").write_text(SWEEP)
    (folder / "train.py").write_text(TRAIN)
    with start(folder, "sweep", "run", "sweep.toml", "--local") as process:
        out, err = process.communicate(timeout=60)
    return folder, subprocess.CompletedProcess((), process.returncode, out, err)


Swept = tuple[Path, "subprocess.CompletedProcess[str]"]


def test_a_local_sweep_trains_every_point_and_keeps_the_results(swept: Swept) -> None:
    folder, done = swept
    assert done.returncode == 0, done.stderr
    assert "3 of 4 models trained" in done.stdout
    assert "Best: 0.4 in trial 4" in done.stdout
    assert "ValueError: three is bad" in re.sub(r"\s+", " ", done.stdout)
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(re.match(r"\d/4  trial \d  (0\.\d|failed: .*three is bad.*)  \(layers=\d\)", line) for line in lines)
    with (folder / "results/tiny/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["trial"], row["state"], row["value"]) for row in rows] == [
        ("1", "succeeded", "0.1"),
        ("2", "succeeded", "0.2"),
        ("3", "failed", ""),
        ("4", "succeeded", "0.4"),
    ]
    assert len({row["version_id"] for row in rows}) == 4
    assert len({row["job_id"] for row in rows}) == 1
    assert json.loads((folder / "results/tiny/results.json").read_text())["best"]["trial"] == 4
    outputs = folder / ".aiomodelarts/local/obs/bucket/out/tiny"
    assert sorted(path.parent.name for path in outputs.glob("*/metrics.json")) == ["0001", "0002", "0004"]


def test_the_versions_of_a_sweep_can_be_looked_at_afterwards(swept: Swept) -> None:
    folder, _ = swept
    best = json.loads((folder / "results/tiny/results.json").read_text())["best"]
    ids = (str(best["job_id"]), str(best["version_id"]))
    with start(folder, "watch", *ids, "--local") as process:
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.split(" after ")[0]) == (0, f"version {ids[1]}: COMPLETED")
    with start(folder, "logs", *ids, "--local") as process:
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "accuracy=0.4\n")


def test_a_reader_that_goes_away_is_no_error(swept: Swept) -> None:
    folder, _ = swept
    with start(folder, "logs", "1", "2", "--local") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, "")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_sweep_whose_reader_goes_away_ends_and_can_go_on(project: Path, command: Command, stream: str) -> None:
    with start(project, "sweep", "run", "sweep.toml", "--local") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        getattr(process, stream).close()
        other = process.stderr if stream == "stdout" else process.stdout
        told = other.read()
    assert process.returncode == 141
    assert "Traceback" not in told
    assert command("sweep", "run", "sweep.toml", "--local").returncode == 0


def test_a_terminal_of_few_signs_is_written_to_all_the_same(swept: Swept) -> None:
    folder, _ = swept
    best = json.loads((folder / "results/tiny/results.json").read_text())["best"]
    few = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for arguments in (("versions", str(best["job_id"]), "--local"), ("sweep", "results", "sweep.toml")):
        with start(folder, *arguments, **few) as process:
            out, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        assert out.isascii()
        assert "---" in out


def test_on_a_narrow_terminal_each_step_of_a_trial_has_its_reason(swept: Swept) -> None:
    with start(swept[0], "sweep", "why", "sweep.toml", "1", COLUMNS="30") as process:
        out, _ = process.communicate(timeout=60)
    lines = out.splitlines()
    assert max(map(len, map(str.rstrip, lines))) <= 30
    assert [line.split()[2] for line in lines if re.match(r"\d{4}-", line)][-1] == "succeeded"
    assert "  value 0.1" in [line.rstrip() for line in lines]


def test_a_fresh_run_makes_its_own_job_and_json_is_all_it_prints(swept: Swept, tmp_path: Path) -> None:
    shutil.copytree(swept[0], tmp_path / "again")
    project = tmp_path / "again"
    edit(project, "log_pattern = 'accuracy=([0-9.]+)'", 'json_file = "metrics.json"\nkey = "val.accuracy"')
    with start(project, "sweep", "run", "sweep.toml", "--local", "--fresh", "--output", "json") as process:
        out, _ = process.communicate(timeout=60)
    told = json.loads(out)
    assert told["best"]["value"] == 0.8
    assert [trial["state"] for trial in told["trials"]] == ["succeeded", "succeeded", "failed", "succeeded"]
    assert (project / told["results_csv"]).is_file()
    earlier = json.loads((swept[0] / "results/tiny/results.json").read_text())
    assert told["best"]["job_id"] != earlier["best"]["job_id"]


def test_a_sweep_in_which_nothing_succeeds_failed(project: Path, command: Command) -> None:
    edit(project, "int = [1, 4]", "int = [3, 3]")
    done = command("sweep", "run", "sweep.toml", "--local")
    assert done.returncode == 1
    assert "0 of 1 models trained" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_local_sweep_leaves_no_process_behind(project: Path, number: signal.Signals, code: int) -> None:
    (project / "data").mkdir()
    (project / "data/slow").touch()
    edit(project, 'goal = "maximize"', 'goal = "maximize"\n[local]\ninputs = "data"')
    with start(project, "sweep", "run", "sweep.toml", "--local") as process:
        until(process, lambda: len(list(project.glob(".aiomodelarts/local/obs/bucket/out/tiny/*"))) == 2)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "The local platform stopped the 2 that were going on." in errors
    assert "Traceback" not in errors
    assert json.loads((project / "results/tiny/results.json").read_text())["best"] is None
    still = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(project) not in still


def test_a_killed_local_sweep_is_gone_on_with_by_the_same_command(project: Path, command: Command) -> None:
    (project / "data").mkdir()
    (project / "data/slow").touch()
    edit(project, 'goal = "maximize"', 'goal = "maximize"\n[local]\ninputs = "data"')
    with start(project, "sweep", "run", "sweep.toml", "--local") as process:
        until(process, lambda: len(list(project.glob(".aiomodelarts/local/obs/bucket/out/tiny/*"))) == 2)
        process.kill()
        process.communicate(timeout=30)
    (project / ".aiomodelarts/local/obs/bucket/data/slow").unlink()
    (project / "data/slow").unlink()
    done = command("sweep", "run", "sweep.toml", "--local")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Resumed: 0 of 4 done, [12] taken up again, [23] to go\.$", done.stderr, re.MULTILINE)
    told = json.loads((project / "results/tiny/results.json").read_text())
    assert [trial["state"] for trial in told["trials"]] == ["succeeded", "succeeded", "failed", "succeeded"]
    assert len({trial["job_id"] for trial in told["trials"]}) == 1
    again = command("sweep", "run", "sweep.toml", "--local")
    assert (again.returncode, again.stderr) == (0, "All 4 trials were over already; --fresh begins anew.\n")
    assert "3 of 4 models trained.\n" in again.stdout
    assert "Best: 0.4 in trial 4" in again.stdout


def test_a_sweep_that_was_changed_is_refused_with_the_difference(swept: Swept, tmp_path: Path) -> None:
    project = tmp_path / "changed"
    shutil.copytree(swept[0], project)
    edit(project, "int = [1, 4]", "int = [1, 5]")
    with start(project, "sweep", "run", "sweep.toml", "--local") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "[space] layers: {" in err
    assert '"high":4' in err
    assert '"high":5' in err
    assert "--allow-change" in err
    with start(project, "sweep", "run", "sweep.toml", "--local", "--allow-change") as process:
        _, err = process.communicate(timeout=60)
    assert "Resumed: 4 of 5 done, 0 taken up again, 1 to go." in err
    told = json.loads((project / "results/tiny/results.json").read_text())
    assert [trial["hyperparameters"] for trial in told["trials"]] == [{"layers": number} for number in range(1, 6)]
    assert len({trial["version_id"] for trial in told["trials"]}) == 5


def test_a_sweep_that_was_run_can_be_asked_and_a_failed_trial_tried_again(swept: Swept, tmp_path: Path) -> None:
    project = tmp_path / "asked"
    shutil.copytree(swept[0], project)

    def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
        with start(project, "sweep", *arguments) as process:
            out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    assert ask("status", "sweep.toml").stdout == ("sweep tiny: 1 failed, 3 succeeded, 0 to go; best 0.4 in trial 4\n")
    assert json.loads(ask("results", "sweep.toml", "-o", "json").stdout)["best"]["trial"] == 4
    history = json.loads(ask("why", "sweep.toml", "3", "-o", "json").stdout)
    assert [event["state"] for event in history] == ["reserved", "creating", "running", "failed"]
    told = ask("why", "sweep.toml", "3").stdout
    assert "three is bad" in re.sub(r"\s+", " ", told)
    # The end of the log is kept, and told as it was.
    assert re.search(r"The log of attempt 1 ended:\n(?:.*\n)*Traceback .*\n(?:.*\n)*ValueError: three is bad\n", told)
    assert "ValueError: three is bad" in history[-1]["detail"]
    assert (ask("why", "sweep.toml", "9").returncode, ask("retry", "sweep.toml", "--class", "cod").returncode) == (2, 2)
    assert json.loads(ask("retry", "sweep.toml", "--class", "lost", "-o", "json").stdout)["trials"] == []
    assert json.loads(ask("retry", "sweep.toml", "--class", "lost,code", "-o", "json").stdout)["trials"] == [3]
    (project / "train.py").write_text(TRAIN.replace("if layers == 3", "if layers == 30"))
    done = ask("run", "sweep.toml", "--local")
    assert "Resumed: 3 of 4 done, 0 taken up again, 1 to go." in done.stderr
    assert "4 of 4 models trained, 1 of them in this run" in done.stdout
    told = json.loads((project / "results/tiny/results.json").read_text())["trials"][2]
    assert (told["state"], told["output_path"]) == ("succeeded", "/bucket/out/tiny/0003-2/")


def test_two_local_sweeps_at_once_do_not_mix(project: Path, command: Command) -> None:
    with start(project, "local", "serve", "--root", ".aiomodelarts/local", "--ready-file", "r") as process:
        until(process, (project / "r").exists)
        done = command("sweep", "run", "sweep.toml", "--local")
        process.terminate()
        process.communicate(timeout=30)
    assert done.returncode == 3
    assert "another local platform is using" in done.stderr


@pytest.mark.parametrize(("width", "colour"), [(60, True), (80, False), (120, True)])
def test_on_a_terminal_one_live_line_stays_within_its_width(project: Path, width: int, colour: bool) -> None:
    near, far = pty.openpty()
    ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    variables = environment(TERM="xterm-256color", **({} if colour else {"NO_COLOR": "1"}))
    del variables["COLUMNS"]
    arguments = [sys.executable, "-m", "aiomodelarts.cli", "sweep", "run", "sweep.toml", "--local"]
    with subprocess.Popen(arguments, cwd=project, env=variables, stdin=far, stdout=far, stderr=far) as process:
        os.close(far)
        seen = b""
        # The other end of a terminal reports its hanging up as an error.
        with contextlib.suppress(OSError):
            while piece := os.read(near, 65536):
                seen += piece
        os.close(near)
    assert process.returncode == 0
    text = seen.decode()
    assert ("\x1b[1;32m" in text or "\x1b[32m" in text) is colour
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", plain)]
    drawn = [line for line in lines if re.match(r"\d/4 done", line)]
    assert drawn
    assert all(re.match(r"\d/4 done  \d running  \d failed  best (-|0\.\d)(\s|$)", line) for line in drawn)
    ours = [line for line in lines if "results" not in line and not line.startswith("trial 3 failed")]
    assert max(map(len, ours)) <= width
    assert "3 of 4 models trained" in plain
