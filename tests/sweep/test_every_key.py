"""Every key and every value of a sweep file, misspelt and of the wrong kind: told with its line, and never a crash."""

from pathlib import Path

import pytest

from aiomodelarts.sweep.description.config import parse
from aiomodelarts.sweep.problems import Problem, SweepFileError, nearest

SWEEP = """\
[sweep]
name = "digits"
concurrency = 3
job_name = "digits-1"
results_dir = "results/here"
ledger = "here.sqlite"

[estimator]
output_path = "/bucket/out/"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
inputs = "/bucket/data/"
log_url = "/bucket/log/"
flavors = ["cpu", "gpu"]
train_instance_count = 2
job_description = "some words"
hyperparameters = { epochs = 3 }

[space]
lr = { log_float = [1e-4, 1e-1] }
width = { float = [0, 1], step = 0.25 }
batch = { log_int = [8, 512], num = 7 }
layers = { int = [1, 9], step = 2 }
units = { range = [1, 9] }
optimizer = { choice = ["adam", "sgd"] }
momentum = { float = [0, 1], when = { optimizer = "sgd" } }

[search]
algorithm = "tpe"
trials = 9
seed = 8
startup = 5
constraints = ["batch * layers <= 512"]

[warm_start]
ledgers = ["old.sqlite"]
sweeps = ["old"]
jobs = [7]

[objective]
log_pattern = 'accuracy=([0-9.]+)'
take = "step"
step = 3
goal = "maximize"

[pruning]
method = "median"
log_pattern = 'loss=([0-9.]+)'
goal = "minimize"
n_startup_trials = 5
n_warmup_steps = 1
interval_steps = 1
n_min_trials = 1

[budget]
max_trials = 9
max_hours = 10
max_cost = 100
max_trial_hours = 1

[budget.prices]
cpu = 0.5
gpu = 3.5

[retry]
code = 1
platform = 1
lost = 3
preempted = 0
overtime = 0
capacity = 10
unknown = 0
"""
LINES = SWEEP.splitlines()
KEYS = [number for number, line in enumerate(LINES, start=1) if " = " in line]
TABLES = [number for number, line in enumerate(LINES, start=1) if line.startswith("[") and "." not in line]
# What a user of the space, of prices or of a list names freely.
FREE = {"lr", "width", "batch", "layers", "units", "optimizer", "momentum", "cpu", "gpu"}


def problems(text: str) -> tuple[Problem, ...]:
    try:
        parse(text, file="sweep.toml", folder=Path("here"))
    except SweepFileError as error:
        return error.problems
    return ()


def with_line(number: int, line: str) -> str:
    return "\n".join([*LINES[: number - 1], line, *LINES[number:]]) + "\n"


def misspelt(word: str) -> str:
    """Two letters in the middle change places, or one comes twice."""
    at = len(word) // 2
    swapped = word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return swapped if swapped != word and len(word) > 3 else word + word[-1]


def test_the_file_itself_is_good() -> None:
    assert problems(SWEEP) == ()


@pytest.mark.parametrize("number", [number for number in KEYS if LINES[number - 1].split(" ")[0] not in FREE])
def test_a_misspelt_key_is_told_with_its_line_and_the_right_one(number: int) -> None:
    key, _, rest = LINES[number - 1].partition(" = ")
    found = [one for one in problems(with_line(number, f"{misspelt(key)} = {rest}")) if one.line == number]
    assert any(f'did you mean "{key}"?' in one.message and misspelt(key) in one.key for one in found), found


@pytest.mark.parametrize("number", TABLES)
def test_a_misspelt_table_is_told_with_its_line_and_the_right_one(number: int) -> None:
    name = LINES[number - 1].strip("[]")
    found = [one for one in problems(with_line(number, f"[{misspelt(name)}]")) if one.line == number]
    assert any(f'did you mean "{name}"?' in one.message for one in found), found


@pytest.mark.parametrize("number", [number for number in KEYS if "{" in LINES[number - 1]])
def test_a_misspelt_key_within_a_line_is_told(number: int) -> None:
    line = LINES[number - 1]
    for inner in ("log_float", "float", "log_int", "int", "range", "choice", "step", "num", "when"):
        if f" {inner} = " in line:
            found = problems(with_line(number, line.replace(f" {inner} = ", f" {misspelt(inner)} = ")))
            assert any(f'did you mean "{inner}"?' in one.message and one.line == number for one in found), found


VALUES = ["true", "7", "-1.5", "'text'", "''", "[]", "[1,2]", "['a']", "{}", "{a=1}", "2024-01-01", "nan", "inf"]


@pytest.mark.parametrize("number", KEYS)
def test_a_value_of_any_kind_is_taken_or_told_with_its_line_and_key(number: int) -> None:
    key = LINES[number - 1].partition(" = ")[0]
    for value in VALUES:
        found = problems(with_line(number, f"{key} = {value}"))
        # What follows from it elsewhere may be told as well.
        told = any(one.line == number and key in one.key for one in found)
        assert not found or told or _follows(key, found), (value, found)


def _follows(key: str, found: tuple[Problem, ...]) -> bool:
    """Whether a good value is one that others do not go with."""
    others = {
        "code_dir": {"[estimator] code_bucket"},
        "flavors": {"[budget.prices]", "[budget] prices"},
        "optimizer": {"[space] momentum.when.optimizer"},
        "batch": {"[search] constraints"},
        "layers": {"[search] constraints"},
        "take": {"[objective]"},
        "step": {"[objective]"},
        "trials": {"[search]"},
    }
    return bool(found) and {one.key for one in found} <= others.get(key, set())


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("max", "maximize"),
        ("Maximise", "maximize"),
        ("MIN", "minimize"),
        ("maximzie", "maximize"),
    ],
)
def test_the_nearest_name_is_found_from_its_beginning_too(given: str, right: str) -> None:
    assert nearest(given, ["maximize", "minimize"]).startswith(f'did you mean "{right}"?')


def test_names_are_told_as_they_are_written() -> None:
    assert nearest("gama", ["C", "Gamma"]).startswith('did you mean "Gamma"?')
    assert nearest("m", ["maximize", "minimize"]) == "Allowed: maximize, minimize"
