"""The two result files."""

import csv
import json
from pathlib import Path

import pytest

from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.result import SweepResult, write_results
from aiomodelarts.sweep.trial import Trial, TrialState

RESULT = SweepResult(
    "digits",
    Goal.MAXIMIZE,
    (
        Trial(1, {"lr": 0.1, "act": 'a,b\n"ü"'}, "/b/1/", TrialState.SUCCEEDED, 0.9, None, 5, 6, 1.23456),
        Trial(2, {"lr": 1e-05, "act": "tanh"}, "/b/2/", TrialState.FAILED, None, "exit code 1", 5, 7, 2.0, 3, "code"),
    ),
)


def test_csv_holds_every_trial_with_one_column_for_each_hyperparameter(tmp_path: Path) -> None:
    as_csv, _ = write_results(RESULT, tmp_path)
    with as_csv.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == ["1", "2"]
    assert rows[0]["params_act"] == 'a,b\n"ü"'
    assert float(rows[1]["params_lr"]) == 1e-05
    assert (rows[0]["value"], rows[1]["value"], rows[1]["reason"]) == ("0.9", "", "exit code 1")
    assert [(row["attempt"], row["failure"]) for row in rows] == [("1", ""), ("3", "code")]


def test_json_holds_the_best_and_every_trial(tmp_path: Path) -> None:
    _, as_json = write_results(RESULT, tmp_path / "new" / "folder")
    told = json.loads(as_json.read_text(encoding="utf-8"))
    assert told == RESULT.as_json()
    assert told["best"] == told["trials"][0]
    assert told["best"]["hyperparameters"] == {"lr": 0.1, "act": 'a,b\n"ü"'}
    assert (told["best"]["version_id"], told["best"]["duration_s"]) == (6, 1.235)


def test_a_sweep_without_a_value_has_no_best() -> None:
    result = SweepResult("x", Goal.MINIMIZE, RESULT.trials[1:])
    assert result.best is None
    assert result.as_json()["best"] is None


def test_a_result_is_short_where_it_is_shown_as_text() -> None:
    assert repr(RESULT) == "<SweepResult 'digits': 2 trials, best 0.9 in trial 1>"
    assert repr(SweepResult("x", Goal.MINIMIZE, ())) == "<SweepResult 'x': 0 trials, none with a value>"


def test_a_write_that_fails_leaves_the_earlier_results_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_results(RESULT, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*/results\.csv"):
        write_results(SweepResult("other", Goal.MAXIMIZE, ()), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
