"""The command as a user calls it: a process of its own, its exit code, what it prints and where."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .calls import Command, edit, environment


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


@pytest.mark.parametrize(("right", "wrong"), [("modelarts.vm.cpu.2u", "modelarts.vm.cpu.2"), ("python3.6", "python36")])
def test_a_misspelt_name_names_the_nearest_and_can_be_mended(
    project: Path, command: Command, right: str, wrong: str
) -> None:
    edit(project, right, wrong)
    done = command("sweep", "run", "sweep.toml", "--local")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"error: .*did you mean '.*{right}'\\?\n", done.stderr)
    edit(project, wrong, right)
    assert command("sweep", "plan", "sweep.toml", "--local").returncode == 0
    assert command("sweep", "run", "sweep.toml", "--local").returncode == 0


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


def test_a_sweep_that_was_not_run_has_nothing_to_tell(called: Command) -> None:
    done = called("sweep", "status", "sweep.toml")
    assert done.returncode == 2
    assert "the sweep was not run yet" in done.stderr


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
