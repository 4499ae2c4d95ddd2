"""The command as a user calls it: a process of its own, its exit code, what it prints and where."""

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
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from aiomodelarts.cli import main

SWEEP = """\
[sweep]
name = "tiny"
concurrency = 2

[estimator]
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
output_path = "/bucket/out/"
inputs = "/bucket/data/"
train_instance_type = "modelarts.vm.cpu.2u"

[space]
layers = { int = [1, 4] }

[search]
algorithm = "grid"

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"
"""

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
    source = str(Path(__file__).parents[2])
    # Where these tests run may be a server in a cloud.
    alone = {"HOME": "/nonexistent", "AIOMODELARTS_METADATA_ENDPOINT": "none"}
    return {**kept, **alone, "PYTHONPATH": source, "COLUMNS": "80", **more}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a sweep file and its script."""
    (tmp_path / "sweep.toml").write_text(SWEEP)
    (tmp_path / "train.py").write_text(TRAIN)
    return tmp_path


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


def edit(project: Path, old: str, new: str) -> None:
    file = project / "sweep.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


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


def test_an_interruption_while_it_still_starts_is_no_traceback() -> None:
    script = (
        "import builtins\nreal = builtins.__import__\n"
        "def slow(name, globals=None, locals=None, fromlist=(), level=0):\n"
        "    if 'sweep_check' in (fromlist or ()): raise KeyboardInterrupt\n"
        "    return real(name, globals, locals, fromlist, level)\n"
        "builtins.__import__ = slow\nfrom aiomodelarts.cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


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


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "layers = { int",
            "layers = { itn",
            'sweep.toml:15: [space] layers.itn: has no kind of values; did you mean "int"?',
        ),
        ("concurrency = 2", 'concurrency = "2"', 'sweep.toml:3: [sweep] concurrency: is text, "2", and has to be'),
        ("layers = { int = [1, 4] }", "", "sweep.toml:14: [space]: is empty"),
        ("([0-9.]+)", "([0-9.+", "sweep.toml:21: [objective] log_pattern: is not a regular expression"),
        ("([0-9.]+)", "", "sweep.toml:21: [objective] log_pattern: the pattern has no group"),
        ('"grid"', '"grid', "sweep.toml:18: is not valid TOML"),
    ],
)
def test_a_bad_sweep_file_is_told_on_stderr_with_line_and_key(
    project: Path, called: Command, old: str, new: str, told: str
) -> None:
    edit(project, old, new)
    done = called("sweep", "run", "sweep.toml", "--local")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not (project / ".aiomodelarts").exists()


def test_results_that_cannot_be_written_are_still_shown(project: Path, command: Command) -> None:
    (project / "results/tiny/results.csv").mkdir(parents=True)
    done = command("sweep", "run", "sweep.toml", "--local")
    assert done.returncode == 1
    assert "Best: 0.4 in trial 4" in done.stdout
    assert "results.csv: " not in done.stdout
    assert "error: the results could not be written: " in done.stderr


def test_a_wrong_flavour_names_the_nearest(project: Path, command: Command) -> None:
    edit(project, "modelarts.vm.cpu.2u", "modelarts.vm.cpu.2")
    done = command("sweep", "run", "sweep.toml", "--local")
    assert done.returncode == 2
    assert "did you mean 'modelarts.vm.cpu.2u'?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["swep"], "No such command 'swep'"),
        (["sweep", "run", "nowhere.toml"], "file 'nowhere.toml' does not exist"),
        (["sweep", "status", "swep.toml"], "file 'swep.toml' does not exist; did you mean 'sweep.toml'?"),
        (["sweep", "status", "no/such/folder.toml"], "file 'no/such/folder.toml' does not exist"),
        (["sweep", "run", "."], "is a directory"),
        (["sweep", "run", "sweep.toml", "--output", "xml"], "xml"),
        (["sweep", "run", "sweep.toml"], "no credentials were found"),
        (["flavors"], "or take a platform on this machine, with --local"),
        (["logs", "1", "x", "--local"], "version_id: got 'x'"),
        (["local", "serve", "--root", "r", "--executor", "magic"], "magic"),
    ],
)
def test_wrong_use_is_exit_code_2(called: Command, arguments: list[str], told: str) -> None:
    done = called(*arguments)
    assert done.returncode == 2
    assert told in re.sub(r"\s+", " ", done.stderr)


def test_check_says_how_many_trials_there_are_and_sends_nothing(called: Command) -> None:
    assert called("sweep", "check", "sweep.toml").stdout == ("sweep.toml: sweep tiny makes 4 trials, 2 at a time.\n")
    assert json.loads(called("sweep", "check", "sweep.toml", "-o", "json").stdout)["trials"] == 4


@pytest.fixture
def served(project: Path) -> Iterator[dict[str, str]]:
    """What a session needs to reach a platform in another process, as environment variables."""
    ready = project / "ready.json"
    with start(project, "local", "serve", "--root", "served", "--ready-file", str(ready)) as process:
        try:
            until(process, ready.exists)
            told = json.loads(ready.read_text())
            yield {
                "HUAWEICLOUD_SDK_AK": told["access_key"],
                "HUAWEICLOUD_SDK_SK": told["secret_key"],
                "HUAWEICLOUD_SDK_PROJECT_ID": told["project_id"],
                "AIOMODELARTS_REGION": told["region_name"],
                "AIOMODELARTS_MODELARTS_ENDPOINT": told["modelarts_endpoint"],
                "AIOMODELARTS_IAM_ENDPOINT": told["iam_endpoint"],
                "AIOMODELARTS_OBS_ENDPOINT": told["obs_endpoint"],
            }
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert errors.startswith("aiomodelarts local serve: http://127.0.0.1:")
    assert len(errors.splitlines()) == 1


def test_a_sweep_on_a_served_platform_goes_by_the_environment(
    project: Path, command: Command, served: dict[str, str]
) -> None:
    source = project / "served/obs/bucket/src"
    source.mkdir(parents=True)
    (source / "train.py").write_text(TRAIN)
    done = command("sweep", "run", "sweep.toml", **served)
    assert done.returncode == 0, done.stderr
    assert "3 of 4 models trained" in done.stdout


def test_wrong_keys_are_exit_code_3(command: Command, served: dict[str, str]) -> None:
    done = command("flavors", **{**served, "HUAWEICLOUD_SDK_SK": "wrong"})
    assert done.returncode == 3
    assert served["HUAWEICLOUD_SDK_SK"] not in done.stderr


def test_the_folder_of_a_served_platform_takes_the_code_and_gives_the_objective(
    project: Path, command: Command, served: dict[str, str]
) -> None:
    edit(project, "log_pattern = 'accuracy=([0-9.]+)'", 'json_file = "metrics.json"\nkey = "val.accuracy"')
    edit(project, 'code_dir = "/bucket/src/"', 'code_dir = "code"\ncode_bucket = "bucket"')
    edit(project, 'boot_file = "/bucket/src/train.py"', 'boot_file = "train.py"')
    (project / "code").mkdir()
    (project / "train.py").rename(project / "code/train.py")
    done = command("sweep", "run", "sweep.toml", **served)
    assert done.returncode == 0, done.stderr
    assert "3 of 4 models trained" in done.stdout
    assert len(list((project / "served/obs/bucket/code").glob("*/train.py"))) == 1


def test_an_interrupted_sweep_lists_what_goes_on_at_modelarts(project: Path, served: dict[str, str]) -> None:
    source = project / "served/obs/bucket/src"
    source.mkdir(parents=True)
    (source / "train.py").write_text("import time; time.sleep(60)")
    with start(project, "sweep", "run", "sweep.toml", **served) as process:
        until(process, lambda: len(list((project / "served/obs/bucket").glob("out/tiny/*"))) == 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted: 0 of 4 trials are over." in errors
    assert re.search(r"trial 1 goes on: job_id=\d+, version_id=\d+\n", errors)
    assert re.search(r"trial 2 goes on: job_id=\d+, version_id=\d+\n", errors)
    assert "TrainingJob.attach" in errors
    assert "The same command again goes on from here." in errors
    assert "Traceback" not in errors


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


def test_a_sweep_that_was_not_run_has_nothing_to_tell(called: Command) -> None:
    done = called("sweep", "status", "sweep.toml")
    assert done.returncode == 2
    assert "the sweep was not run yet" in done.stderr


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


def test_without_the_extra_the_command_says_what_to_install() -> None:
    script = "import sys\nsys.modules['typer'] = None\nfrom aiomodelarts.cli import main\nmain()\n"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "aiomodelarts: typer is not installed; run: pip install 'aiomodelarts[cli]'\n"


def test_the_library_does_not_import_what_only_the_command_line_needs() -> None:
    script = (
        "import sys, aiomodelarts\naiomodelarts.Sweep\nsys.exit(len({'typer', 'rich', 'optuna'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
