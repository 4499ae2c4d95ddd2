"""A sweep in a notebook: what is drawn, and that a real kernel shows it while the sweep runs."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from aiomodelarts.errors import SweepError
from aiomodelarts.sweep import Goal, Progress, SweepEvent, SweepResult, Trial, TrialState, notebook
from aiomodelarts.sweep.notebook import LiveTable, in_notebook
from aiomodelarts.sweep.table import live_html, result_html

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>&amp;"


def trial(number: int, value: float | None = None, state: TrialState | None = None, **point: Any) -> Trial:
    state = state or (TrialState.FAILED if value is None else TrialState.SUCCEEDED)
    reason = "exit code 1" if state is TrialState.FAILED else None
    return Trial(number, point or {"lr": 0.1}, f"/b/{number}/", state, value, reason, 1, number)


def test_a_table_names_the_best_and_those_that_run() -> None:
    best = trial(2, 0.875, lr=0.1, act="relu")
    going = [trial(number, state=TrialState.RUNNING, lr=0.2) for number in range(3, 15)]
    text = live_html("mine", Progress(50, 10, 12, 2, best, 60, waiting_for="waits for room"), [best], going)
    for told in (
        "<b>Sweep mine</b>: 10 of 50 trials over; 12 running; 2 failed; best 0.875 in trial 2; 4 min 0 s left",
        "; waits for room",
        "width:20.0%",
        ">0.875</td>",
        ">relu</td>",
        "and 4 more that run",
    ):
        assert told in text


def test_whatever_trials_hold_is_text() -> None:
    wild = trial(1, state=TrialState.FAILED, **{HOSTILE: HOSTILE * 5})
    for text in (
        result_html(SweepResult(HOSTILE, Goal.MAXIMIZE, (wild, trial(2, 0.5, **{HOSTILE: HOSTILE})))),
        live_html(HOSTILE, Progress(2, 1, 1, 0, None, 1, waiting_for=HOSTILE), [], [wild]),
    ):
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_a_result_shows_itself_in_a_notebook() -> None:
    trials = (
        *(trial(number, number / 100, lr=True) for number in range(1, 21)),
        trial(21),
        trial(22, state=TrialState.RUNNING),
    )
    text = SweepResult("mine", Goal.MAXIMIZE, trials, SweepError("stopped"))._repr_html_()
    for told in (
        "20 of 22 trials have a value; 1 are not over; best 0.2 in trial 20; stopped",
        ">true</td>",
        "and 10 more in result.trials",
        "trial 21 failed: exit code 1",
    ):
        assert told in text
    assert text.count("<tr>") == 11
    assert "0 of 0 trials" in SweepResult("none", Goal.MINIMIZE, ())._repr_html_()


def test_many_hyperparameters_share_a_column() -> None:
    text = SweepResult("mine", Goal.MAXIMIZE, (trial(1, 0.5, **{f"p{at}": at for at in range(20)}),))._repr_html_()
    assert "hyperparameters</th>" in text
    assert "p0=0  p1=1" in text


def test_a_trial_of_several_objectives_shows_all_of_its_values() -> None:
    both = evolve(trial(1, 0.5), values=(0.5, 7.25))
    assert ">0.5 / 7.25</td>" in SweepResult("mine", Goal.MAXIMIZE, (both,))._repr_html_()


class Display:
    """IPython's display, as far as it is used."""

    def __init__(self, *, fails: bool = False) -> None:
        self.shown: list[str] = []
        self._fails = fails

    def HTML(self, text: str) -> str:
        return text

    def display(self, text: str, *, display_id: bool) -> "Display":
        assert display_id
        self.update(text)
        return self

    def update(self, text: str) -> None:
        if self._fails:
            raise RuntimeError("the browser is gone")
        self.shown.append(text)


def with_display(monkeypatch: pytest.MonkeyPatch, display: Display) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)  # type: ignore[misc]


async def test_many_steps_are_drawn_now_and_then_and_the_end_always(monkeypatch: pytest.MonkeyPatch) -> None:
    display = Display()
    with_display(monkeypatch, display)
    monkeypatch.setattr(notebook, "_PAUSE_S", 0.01)
    table = LiveTable("mine", Goal.MINIMIZE)
    for number in range(1, 101):
        ended = trial(number, float(number), lr=0.5)
        await table.listen(SweepEvent(ended, Progress(100, number, 0, 0, None, 1)))
    assert len(display.shown) < 10
    await asyncio.sleep(0.1)
    # What came in between two drawings is shown without another step.
    assert "100 of 100 trials over" in display.shown[-1]
    # The best ones, best first.
    assert re.findall(r">([0-9]+)</td>", display.shown[-1]) == ["1", "2", "3", "4", "5"]
    drawn = len(display.shown)
    await asyncio.sleep(0.05)
    assert len(display.shown) == drawn
    await table.listen(SweepEvent(trial(101, state=TrialState.RUNNING), Progress(101, 100, 1, 0, None, 1)))
    table.close()
    assert "100 of 101 trials over" in display.shown[-1]
    assert [text.count("<tr>") for text in display.shown][-1] == 1 + 1 + 5


async def test_a_table_that_cannot_be_shown_does_not_end_the_sweep(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_display(monkeypatch, Display(fails=True))
    table = LiveTable("mine", Goal.MINIMIZE)
    with caplog.at_level(logging.WARNING):
        await table.listen(SweepEvent(None, Progress(1, 0, 0, 0, None, 1)))
    table.close()
    assert "the table of sweep mine cannot be shown" in caplog.text


async def test_without_a_notebook_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", None)  # type: ignore[misc]
    monkeypatch.setitem(sys.modules, "IPython.display", None)  # type: ignore[misc]
    table = LiveTable("mine", Goal.MINIMIZE)
    with pytest.raises(SweepError, match="a live table needs a notebook"):
        await table.listen(SweepEvent(None, Progress(1, 0, 0, 0, None, 1)))


CELL = """
import asyncio, pathlib
from aiomodelarts import AsyncSession, AsyncEstimator, LocalPlatform
from aiomodelarts.sweep import Sweep, maximize
async with LocalPlatform("ROOT", executor="simulated", simulate="duration=0.05,metric=accuracy") as platform:
    source = pathlib.Path(str(platform.obs_root), "bucket/src")
    source.mkdir(parents=True)
    (source / "train.py").write_text("")
    a = platform.access
    async with AsyncSession(a.access_key, a.secret_key, project_id=a.project_id, region_name=a.region_name,
                            endpoints={"modelarts": a.modelarts_endpoint, "iam": a.iam_endpoint,
                                       "obs": a.obs_endpoint}) as session:
        estimator = AsyncEstimator(
            session, framework_type="PyTorch", framework_version="PyTorch-1.0.0-python3.6", code_dir="/bucket/src/",
            boot_file="/bucket/src/train.py", output_path="/bucket/out/", train_instance_type="modelarts.vm.cpu.2u",
            train_instance_count=1)
        sweep = Sweep(space={"layers": range(1, 7)}, objective=maximize(log_pattern="accuracy=([0-9.]+)"),
                      estimator=estimator, inputs="/bucket/data/", results_dir="ROOT/results", name="mine")
        result = await sweep.run()
result
"""


def test_a_real_kernel_shows_a_table_that_follows_the_sweep_and_the_result(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel", reason="notebooks are tried with: pip install ipykernel")
    done = subprocess.run(
        [sys.executable, "-m", "tests.sweep.kernel"],
        input=CELL.replace("ROOT", str(tmp_path / "platform")),
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert [one for one in shown if one["kind"] == "error"] == []
    tables = [one for one in shown if one["kind"] != "execute_result"]
    assert tables[0]["kind"] == "display_data"
    assert {one["kind"] for one in tables[1:]} == {"update_display_data"}
    # One output, which is drawn again.
    assert len({one["transient"]["display_id"] for one in tables}) == 1
    assert "6 of 6 trials over" in tables[-1]["data"]["text/html"]
    results = [one["data"]["text/html"] for one in shown if one["kind"] == "execute_result"]
    assert len(results) == 1
    assert "6 of 6 trials have a value; best 0." in results[0]
