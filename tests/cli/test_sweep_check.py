"""What is tried offline, and what leaves a sweep for other programs: ``sweep check --log`` and ``sweep export``."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep import Sweep
from aiomodelarts.sweep.description.config import load
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Move
from aiomodelarts.sweep.planning.trying import try_patterns
from aiomodelarts.sweep.trial import Trial, TrialState

from .calls import Command

LOG = "".join(f"epoch {step}: accuracy={step / 10:.2f}\n" for step in range(1, 9))
TWO = """\
[objective.accuracy]
log_pattern = 'epoch (?P<step>\\d+): accuracy=(?P<value>\\S+)'
take = "best"
goal = "maximize"

[objective.size]
json_file = "metrics.json"
key = "size"
goal = "minimize"
"""


@pytest.fixture
def edit(project: Path) -> Callable[[str, str], None]:
    """Changes the project's sweep file."""

    def change(old: str, new: str) -> None:
        text = (project / "sweep.toml").read_text()
        assert old in text
        (project / "sweep.toml").write_text(text.replace(old, new))

    return change


def test_a_pattern_is_tried_on_a_log(called: Command, project: Path) -> None:
    (project / "sample.log").write_text(LOG)
    done = called("sweep", "check", "sweep.toml", "--log", "sample.log")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "sweep.toml: sweep tiny makes 4 trials, 2 at a time.",
        "[objective] log_pattern 'accuracy=([0-9.]+)'",
        (
            "  8 matches in 8 lines: '0.10' at step 1, '0.20' at step 2, '0.30' at step 3, ..., '0.60' at step 6, "
            "'0.70' at step 7, '0.80' at step 8"
        ),
        "  the value is 0.8",
    ]
    (told,) = json.loads(called("sweep", "check", "sweep.toml", "--log", "sample.log", "-o", "json").stdout)["log"]
    assert (told["count"], told["value"], told["problem"]) == (8, 0.8, None)


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("", "no log line matches 'accuracy=([0-9.]+)'"),
        ("loss=0.3\nacc=0.9\n", "no log line matches"),
        ("accuracy=0.5\naccuracy=1.2.3\n", "the log says '1.2.3', which is no number"),
    ],
)
def test_a_missing_value_has_its_name_and_its_exit_code(called: Command, project: Path, log: str, why: str) -> None:
    (project / "sample.log").write_text(log)
    done = called("sweep", "check", "sweep.toml", "--log", "sample.log")
    assert done.returncode == 1
    assert f"no value: {why}" in done.stdout


def test_what_is_not_a_number_is_told(called: Command, project: Path, edit: Callable[[str, str], None]) -> None:
    edit("[0-9.]+", "\\S+")
    (project / "sample.log").write_text("accuracy=0.5\naccuracy=nan\n")
    done = called("sweep", "check", "sweep.toml", "--log", "sample.log")
    assert done.returncode == 1
    assert "no value: the metric is nan" in done.stdout


def test_a_pattern_that_never_ends_is_given_up(
    called: Command, project: Path, edit: Callable[[str, str], None]
) -> None:
    edit("accuracy=([0-9.]+)", "^(a|aa)+$")
    (project / "sample.log").write_text("a" * 60 + "b\n")
    done = called("sweep", "check", "sweep.toml", "--log", "sample.log")
    assert done.returncode == 1
    assert "the pattern takes longer than 1 s on a log line of 61 characters" in done.stdout


def test_every_objective_and_early_stopping_are_tried(
    called: Command, project: Path, edit: Callable[[str, str], None]
) -> None:
    text = (project / "sweep.toml").read_text()
    (project / "sweep.toml").write_text(text[: text.index("[objective]")] + TWO)
    (project / "sample.log").write_text(LOG + "epoch 9: accuracy=0.05\n")
    told = called("sweep", "check", "sweep.toml", "--log", "sample.log").stdout
    assert "[objective.accuracy] log_pattern" in told
    assert "the value is 0.8" in told
    assert "[objective.size]: comes from elsewhere, so that a log says nothing of it" in told
    pruned = text + "[pruning]\nmethod = \"median\"\nlog_pattern = 'epoch (?P<step>\\d+): accuracy=(?P<value>\\S+)'\n"
    (project / "sweep.toml").write_text(pruned)
    told = called("sweep", "check", "sweep.toml", "--log", "sample.log").stdout
    assert "[pruning] log_pattern" in told
    assert "9 steps are looked at while a version runs" in told


def test_a_log_is_read_as_the_platform_gives_it(project: Path) -> None:
    """Progress bars write over their own line, and a log may hold anything."""
    log = project / "sample.log"
    log.write_bytes(b"50%\r100% accuracy=0.25\r\n\xff\xfe accuracy=0.5 \x00\n")
    (tried,), _ = try_patterns(load(project / "sweep.toml"), log)
    assert (tried.lines, tried.count, tried.value) == (2, 2, 0.5)


def test_a_log_that_is_not_there_is_told(called: Command) -> None:
    assert called("sweep", "check", "sweep.toml", "--log", "none.log").returncode == 2


def test_a_large_log_is_gone_through_in_little_memory(project: Path) -> None:
    log = project / "sample.log"
    with log.open("w") as file:
        for step in range(100_000):
            file.write(f"step {step} accuracy=0.5 {'.' * 40}\n")
    (tried,), _ = try_patterns(load(project / "sweep.toml"), log)
    assert (tried.count, len(tried.first) + len(tried.last)) == (100_000, 6)


async def run_it(project: Path) -> None:
    """Have the ledger hold one trial."""
    sweep = await asyncio.to_thread(Sweep.from_file, project / "sweep.toml")
    await asyncio.to_thread(sweep.config.results_dir.mkdir, parents=True)
    definition = Definition("tiny", settings_of(sweep.config))
    async with Ledger.open(sweep.config.ledger_address, definition, SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        trial = Trial(1, {"layers": 2}, "/b/", state=TrialState.RESERVED)
        await ledger.reserve(1, lambda _: trial)
        over = Trial(1, {"layers": 2}, "/b/", state=TrialState.SUCCEEDED, value=0.5, job_id=7, version_id=8)
        await ledger.move(Move(TrialState.RESERVED, over, "as it came"))


def test_a_sweep_is_exported_and_says_how_to_look_at_it(called: Command, project: Path) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    asyncio.run(run_it(project))
    done = called("sweep", "export", "sweep.toml")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "1 trial in the study tiny; to look at it:",
        "optuna-dashboard results/tiny/optuna.log",
    ]
    told = json.loads(
        called("sweep", "export", "sweep.toml", "--to", "sqlite:///o.db", "--name", "n", "-o", "json").stdout
    )
    assert told == {"sweep": "tiny", "study": "n", "storage": "sqlite:///o.db", "trials": 1}
    assert (project / "o.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ((), 2, "was not run yet"),
        (("--to", "study.db"), 2, "write journal:study.db, sqlite:///study.db"),
        (("--to", "postgresql://me:hush@nowhere.invalid/b"), 2, "the storage cannot be used"),
    ],
)
def test_what_cannot_be_exported_is_told(
    called: Command, project: Path, arguments: tuple[str, ...], code: int, why: str
) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    if arguments:
        asyncio.run(run_it(project))
    done = called("sweep", "export", "sweep.toml", *arguments)
    assert (done.returncode, why in done.stderr) == (code, True)
    assert "hush" not in done.stdout + done.stderr
