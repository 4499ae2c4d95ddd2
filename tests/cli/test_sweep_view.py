"""What a sweep looks like on terminals of several widths, and in a pipe."""

import asyncio
import io
import re
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from aiomodelarts.cli.render import duration, number
from aiomodelarts.cli.sweep_left import Left, print_interruption
from aiomodelarts.cli.sweep_view import Tally, print_result, progress_line, sweep_view
from aiomodelarts.errors import QuotaExceeded
from aiomodelarts.sweep.engine.engine import SweepEvent
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.result import SweepResult
from aiomodelarts.sweep.trial import Progress, Trial, TrialState

WIDTHS = [60, 80, 120]
NARROW = 40


def trial(number: int, value: float | None, reason: str | None = None, **point: float | str) -> Trial:
    state = TrialState.SUCCEEDED if value is not None else TrialState.FAILED
    return Trial(number, point or {"lr": 0.001}, f"/b/x/{number:04d}/", state, value, reason, 1, number, 75.4)


def screen(width: int, *, terminal: bool = True) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, highlight=False, color_system="truecolor")


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return Text.from_ansi(re.sub(r"\x1b\[\?25[lh]", "", console.file.getvalue())).plain.rstrip("\n")


def lines_of(console: Console) -> list[str]:
    return text_of(console).split("\n")


MANY = SweepResult(
    "x",
    Goal.MAXIMIZE,
    (
        *(
            trial(index, index / 7, lr=10.0**-index, layers=index, activation="relu", optimizer="adam [bold]x")
            for index in range(1, 25)
        ),
        trial(25, None, "exit code 1; last line of the log: ValueError: " + "bad " * 40),
    ),
)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_result_fits_the_terminal(width: int) -> None:
    console = screen(width)
    print_result(MANY, 125, console)
    told = text_of(console)
    assert max(len(line.rstrip()) for line in told.split("\n")) <= width
    assert told.startswith("24 of 25 models trained in 2 min 5 s.\n")
    assert "Best: 3.42857 in trial 24" in told
    assert "and 14 more in results.csv" in told
    assert "1 without a value" in told
    # Values are text, never markup of the terminal.
    assert "[bold]" in told.replace("\n", "")


def test_hyperparameters_have_columns_of_their_own_where_they_fit() -> None:
    wide, narrow = screen(120), screen(60)
    for console in (wide, narrow):
        print_result(MANY, 1, console)
    assert any("activation" in line and "optimizer" in line for line in lines_of(wide))
    assert any("hyperparameters" in line for line in lines_of(narrow))


def test_a_hyperparameter_that_waits_for_others_leaves_its_place_empty() -> None:
    trials = (trial(1, 0.5, optimizer="adam"), trial(2, 0.7, optimizer="sgd", momentum=0.9))
    console = screen(120)
    print_result(SweepResult("x", Goal.MAXIMIZE, trials), 125, console)
    rows = [line.split() for line in lines_of(console)]
    assert ["2", "0.7", "sgd", "0.9", "1", "min", "15", "s"] in rows
    assert ["1", "0.5", "adam", "1", "min", "15", "s"] in rows


def test_a_sweep_that_was_stopped_says_by_what() -> None:
    console = screen(80)
    full = QuotaExceeded("at most 3 jobs", status=400)
    print_result(SweepResult("x", Goal.MAXIMIZE, (trial(1, 0.5),), full), 1, console)
    assert "No more trials were begun: request: at most 3 jobs (status 400)" in text_of(console)


async def play(console: Console, *, total: int = 2000) -> Tally:
    tally = Tally()
    best = trial(1, 0.123456789)
    with sweep_view(console, tally) as view:
        await view.listen(SweepEvent(None, Progress(total, 0, 0, 0, None, 0)))
        going = Trial(2, {"lr": 0.1}, "/b/x/0002/", TrialState.RUNNING, job_id=1, version_id=2)
        await view.listen(SweepEvent(going, Progress(total, 0, 1, 0, None, 1)))
        await view.listen(SweepEvent(best, Progress(total, 1, 1, 0, best, 2)))
        failed = trial(3, None, "exit code 1")
        await view.listen(SweepEvent(failed, Progress(total, 1999, 64, 12, best, 3600)))
    return tally


@pytest.mark.parametrize("width", [NARROW, *WIDTHS])
async def test_the_live_line_is_one_line_that_fits(width: int) -> None:
    console = screen(width)
    await play(console)
    assert isinstance(console.file, io.StringIO)
    drawn = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue()))
    assert max(len(line.rstrip()) for line in drawn) <= width
    # Nothing is cut, and of a time that is not known nothing is told.
    assert "\u2026" not in "".join(drawn)
    assert not [line for line in drawn if re.search(r"\D\s+left$", line.rstrip())]
    last = next(line for line in reversed(drawn) if "1999/2000" in line)
    words = "1999/2000 done  64 running  12 failed  best 0.123457" if width != NARROW else "1999/2000  best 0.123457"
    assert last.startswith(words)
    assert ("left" in last) == (width >= 80)
    assert "trial 3 failed: exit code 1" in text_of(console)


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (80, "3/24 done  2 running  1 failed  best 0.123457"),
        (43, "3/24  2 running  1 failed  best 0.123457"),
        (30, "3/24  best 0.123457"),
        (5, "3/24  best 0.123457"),
    ],
)
def test_a_narrow_line_leaves_words_out(room: int, line: str) -> None:
    assert progress_line(Progress(24, 3, 2, 1, trial(1, 0.123456789), 3600), room) == line


def test_a_narrow_line_says_what_is_waited_for() -> None:
    waiting = Progress(24, 3, 2, 1, None, 3600, waiting_for="no room for p100")
    assert progress_line(waiting, 80) == "3/24 done  best -  no room for p100"
    assert progress_line(waiting, 25) == "3/24  no room for p100"


async def test_in_a_pipe_each_finished_trial_is_a_plain_line() -> None:
    console = screen(40, terminal=False)
    await play(console)
    assert lines_of(console) == [
        "1/2000  trial 1  0.123457  (lr=0.001)  best 0.123457  1 h 6 min left",
        "1999/2000  trial 3  failed: exit code 1  (lr=0.001)  best 0.123457  2 s left",
    ]


@pytest.mark.parametrize("width", WIDTHS)
async def test_what_a_sweep_waits_for_is_on_its_line_and_fits(width: int) -> None:
    waiting = Progress(50, 12, 4, 0, trial(1, 0.5), 60, waiting_for="waits for room at the platform, " + "long " * 40)
    for terminal in (True, False):
        console = screen(width, terminal=terminal)
        with sweep_view(console, Tally()) as view:
            for _ in range(3):
                await view.listen(SweepEvent(None, waiting))
        assert isinstance(console.file, io.StringIO)
        drawn = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue()))
        told = [line for line in drawn if "waits for room" in line]
        if terminal:
            assert max(len(line.rstrip()) for line in drawn) <= width
            assert told[-1].startswith("12/50 done  best 0.5  waits for room")
        else:
            # Once for each thing that is waited for, however often it is told.
            assert len(told) == 1


async def test_nothing_is_printed_into_a_question() -> None:
    console = screen(80)
    with sweep_view(console, Tally()) as view:
        await view.listen(SweepEvent(None, Progress(9, 0, 1, 0, None, 1)))
        view.pause()
        before = text_of(console)
        await view.listen(SweepEvent(trial(3, None, "exit code 1"), Progress(9, 1, 0, 1, None, 2)))
        assert text_of(console) == before
        view.resume()
        assert "trial 3 failed: exit code 1" in text_of(console)


def test_an_interruption_lists_what_goes_on() -> None:
    tally = asyncio.run(play(screen(80)))
    console = screen(80)
    print_interruption(Left(tally, Path.cwd() / "results/x", local=False), console)
    told = text_of(console)
    assert "Interrupted: 1999 of 2000 trials are over." in told
    assert "trial 2 goes on: job_id=1, version_id=2" in told
    assert "TrainingJob.attach" in told
    assert told.endswith("What is known so far: results/x")


def test_an_interruption_before_the_first_step_says_so() -> None:
    console = screen(80)
    print_interruption(Left(Tally(), Path("results"), local=False), console)
    assert text_of(console) == "Interrupted before anything was made."


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599.9, "1 h 0 min"), (90061, "25 h 1 min")],
)
def test_durations(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(("value", "told"), [(0.98444444, "0.984444"), (1e-9, "1e-09"), (12.0, "12")])
def test_numbers(value: float, told: str) -> None:
    assert number(value) == told
