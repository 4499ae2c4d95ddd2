"""What may stand in a sweep file, and how everything else is told."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.sweep.description.config import load
from aiomodelarts.sweep.failures import Failure, RetryBudget
from aiomodelarts.sweep.objective import Goal, JsonFile, LogPattern
from aiomodelarts.sweep.problems import SweepFileError
from aiomodelarts.sweep.search.search import GridSearch, RandomSearch
from aiomodelarts.sweep.space.space import Choice, Float, Int

from .documents import GOOD, changed, complaint, read


def test_a_good_file() -> None:
    config = read(GOOD)
    assert (config.name, config.concurrency, config.job_name, config.count) == ("digits", 3, None, 16)
    assert config.space.axes == {"lr": Float(1e-4, 0.1, log=True, num=4), "layers": Int(1, 4)}
    assert config.search == GridSearch()
    assert isinstance(config.objective.source, LogPattern)
    assert config.objective.goal is Goal.MAXIMIZE
    assert config.inputs == {"inputs": "/bucket/data/"}
    assert config.settings == {
        "train_instance_type": "modelarts.vm.cpu.2u",
        "train_instance_count": 1,
        "output_path": "/bucket/out/",
        "code_dir": "/bucket/src/",
        "boot_file": "/bucket/src/train.py",
        "framework_type": "PyTorch",
        "framework_version": "PyTorch-1.0.0-python3.6",
        "hyperparameters": {"epochs": 3},
    }
    assert config.results_dir == Path("here/results/digits")
    assert config.local_folders == {"code_dir": Path("here")}
    assert config.output_path(7) == "/bucket/out/digits/0007/"


def test_every_kind_of_axis() -> None:
    space = """\
a = { float = [0, 1], step = 0.25 }
b = { float = [0, 1] }
c = { range = [1, 120] }
d = { int = [1, 9], step = 2 }
e = { choice = ["relu", 1, 0.5, true] }

[search]
algorithm = "random"
trials = 5
seed = 8
"""
    old = GOOD[GOOD.index("lr =") : GOOD.index("\n[objective]")]
    config = read(changed(old, space))
    assert config.space.axes == {
        "a": Float(0, 1, step=0.25),
        "b": Float(0, 1),
        "c": Int(1, 120),
        "d": Int(1, 9, 2),
        "e": Choice(("relu", 1, 0.5, True)),
    }
    assert config.search == RandomSearch(5, 8)


def test_a_json_objective() -> None:
    config = read(changed("log_pattern = 'accuracy=([0-9.]+)'", 'json_file = "m.json"\nkey = "a.b"'))
    assert config.objective.source == JsonFile("m.json", "a.b")


def test_local_folders_are_taken_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    config = read(GOOD + '[local]\ncode_dir = "code"\n', tmp_path)
    assert config.local_folders == {"code_dir": tmp_path / "code"}


BAD = [
    ('name = "digits"', 'nmae = "digits"', 2, '[sweep] nmae: unknown key; did you mean "name"? Allowed: '),
    ('name = "digits"', 'nmae = "digits"', 1, "[sweep]: name is missing"),
    ('name = "digits"', 'name = "a b"', 2, '[sweep] name: is "a b"; allowed are 1 to 40 letters, digits'),
    ('name = "digits"', "name = 5", 2, "[sweep] name: is a whole number, 5, and has to be text in quotes"),
    ('name = "digits"', 'name = ""', 2, "[sweep] name: is empty"),
    ("concurrency = 3", "concurrency = 0", 3, "[sweep] concurrency: is 0, and has to be at least 1"),
    ("concurrency = 3", "concurrency = true", 3, "[sweep] concurrency: is true or false, true, and has"),
    ("concurrency = 3", 'concurrency = "3"', 3, '[sweep] concurrency: is text, "3", and has to be a whole'),
    ("[sweep]", "[swep]", 1, '[swep]: unknown key; did you mean "sweep"? Allowed: budget, estimator'),
    ("[estimator]", "x = 2024-01-01\n[estimator]", 5, "[sweep] x: unknown key"),
    (
        'output_path = "/bucket/out/"',
        'outputpath = "/bucket/out/"',
        7,
        '[estimator] outputpath: unknown key; did you mean "output_path"?',
    ),
    ('output_path = "/bucket/out/"', "", 5, "[estimator]: output_path is missing"),
    ("{ epochs = 3 }", "3", 13, "[estimator] hyperparameters: is a whole number, and has to be a table"),
    (
        "{ epochs = 3 }",
        "{ epochs = [3] }",
        13,
        "[estimator] hyperparameters.epochs: is a list, and has to be",
    ),
    ("{ epochs = 3 }", "{ lr = 3 }", 16, "[space] lr: stands under [estimator] hyperparameters too"),
    ("log_float", "log_flaot", 16, '[space] lr.log_flaot: has no kind of values; did you mean "log_float"'),
    (
        ", num = 4",
        ", nmu = 4",
        16,
        '[space] lr.nmu: unknown key; did you mean "num"? Allowed: log_float',
    ),
    (", num = 4", "", 19, "[search]: a grid needs a number of points on lr: give num or step"),
    (", num = 4", ", num = 2.5", 16, "[space] lr: num is 2.5, and has to be a whole number"),
    ("[1e-4, 1e-1]", "[1e-1, 1e-4]", 16, "[space] lr: the low end 0.1 lies above the high end 0.0001"),
    ("[1e-4, 1e-1]", "[0, 1e-1]", 16, "[space] lr: a logarithmic range starts above 0"),
    ("[1e-4, 1e-1]", "[nan, 1e-1]", 16, "[space] lr: nan is not a finite number"),
    ("[1e-4, 1e-1]", "[1e-4]", 16, "[space] lr: log_float is [0.0001], and has to be two numbers"),
    ("[1e-4, 1e-1]", '[1e-4, "1"]', 16, '[space] lr: log_float holds "1", which is text'),
    ("{ int = [1, 4] }", "{ int = [1, 4.5] }", 17, "[space] layers: int holds 4.5, and has to hold whole"),
    ("{ int = [1, 4] }", "{ choice = [] }", 17, "[space] layers: there is nothing to choose from"),
    ("{ int = [1, 4] }", "{ choice = [1, 1] }", 17, "[space] layers: 1 is listed twice"),
    ("{ int = [1, 4] }", "{ choice = 1 }", 17, "[space] layers: choice is 1, and has to be a list"),
    ("{ int = [1, 4] }", "{ choice = [[1]] }", 17, "[space] layers: choice holds [1], which is a list"),
    (
        "{ int = [1, 4] }",
        "[1, 4]",
        17,
        "[space] layers: is a list, and has to be a table, as in { choice",
    ),
    ("{ int = [1, 4] }", "7", 17, "[space] layers: is a whole number, and has to be a table, as in { int"),
    ("{ int = [1, 4] }", "{}", 17, "[space] layers: has no kind of values; Allowed: choice, float, int"),
    ("{ int = [1, 4] }", "{ int = [1, 2], float = [1, 2] }", 17, "[space] layers: has 2 kinds (float, int)"),
    (
        '"grid"',
        '"gird"',
        20,
        '[search] algorithm: is "gird"; did you mean "grid"? Allowed: cma-es, gp, grid, points, quasi-random',
    ),
    ('"grid"', '"grid"\ntrials = 4', 21, "[search] trials: unknown key; Allowed: algorithm"),
    ('"grid"', '"random"', 19, "[search]: trials is missing"),
    ('"grid"', '"random"\ntrials = 17', 19, "[search]: the space has 16 points, and 17 trials are asked for"),
    (
        "'accuracy=([0-9.]+)'",
        "'accuracy=([0-9.+'",
        23,
        "[objective] log_pattern: is not a regular expression: ",
    ),
    ("'accuracy=([0-9.]+)'", "'accuracy='", 23, "[objective] log_pattern: the pattern has no group"),
    (
        "'accuracy=([0-9.]+)'",
        "'" + "(?:" * 250 + "(a)" + ")" * 250 + "'",
        23,
        "[objective] log_pattern: cannot be matched",
    ),
    ("log_pattern", "json_file", 22, "[objective]: key is missing"),
    ("log_pattern = 'accuracy=([0-9.]+)'", "", 22, "[objective]: needs one of log_pattern, json_file and metric"),
    ("log_pattern", 'key = "a"\nlog_pattern', 23, "[objective] key: goes with json_file only"),
    (
        "log_pattern = 'accuracy=([0-9.]+)'",
        'key = "a"\njson_file = "../m.json"',
        24,
        "[objective] json_file: is not inside the trial's output folder",
    ),
    (
        '"maximize"',
        '"maximise"',
        24,
        '[objective] goal: is "maximise"; did you mean "maximize"?',
    ),
    ('"maximize"', '"maximize"\n[local]\ninputs = "no"', 26, "[local] inputs: is no folder: here/no"),
    ('"maximize"', '"maximize"\n[local]\nlog = "x"', 26, "[local] log: unknown key"),
    ('"maximize"', "", 24, "is not valid TOML: "),
    ("[space]", "[search]", 19, "is not valid TOML: Cannot declare ('search',) twice"),
    ("{ int = [1, 4] }", "{ float = [1, 1" + "0" * 400 + "], num = 3 }", 17, "[space] layers: float holds 1000"),
    ("layers = ", '"" = ', 15, "[space]: holds a hyperparameter without a name"),
    ("layers = ", "train_url = ", 17, "[space] train_url: is an option that the platform itself gives"),
    ('"/bucket/out/"', '"/bucket/../x/"', 7, '[estimator] output_path: is "/bucket/../x/"; it is an OBS path without'),
    (
        '"/bucket/src/train.py"',
        '"/other/train.py"',
        9,
        '[estimator] boot_file: is "/other/train.py"; it is a file inside',
    ),
    ('framework_type = "PyTorch"', "", 5, "[estimator] framework_type: what runs is named in one way"),
    ('inputs = "/bucket/data/"', "", 5, "[estimator] inputs: exactly one of inputs, dataset_id"),
    ("{ epochs = 3 }", "{ epochs = nan }", 13, "[estimator] hyperparameters: is nan; a hyperparameter is a finite"),
    ("{ int = [1, 4] }", "{ log_int = [1, 1" + "0" * 400 + "], num = 3 }", 17, "[space] layers: a whole number has at"),
    ("{ int = [1, 4] }", "{ int = [0, 0x" + "f" * 9000 + "] }", 17, "[space] layers: a whole number has at most 64"),
    ("{ int = [1, 4] }", "{ float = [-1.7e308, 1.7e308], num = 3 }", 17, "[space] layers: -1.7e+308 and 1.7e+308 are"),
    ("{ int = [1, 4] }", r'{ choice = ["a\u0000b"] }', 17, "[space] layers: holds "),
    ("{ int = [1, 4] }", "{ choice = [0x" + "f" * 9000 + "] }", 17, "[space] layers: holds a number of thousands of"),
    ("layers = ", r'"a\u0000b" = ', 17, "[space] a\0b: has a name with a zero character"),
    ("{ int = [1, 4] }", "{ int = [1, 1000000000] }", 19, "[search]: makes 4,000,000,000 trials, and a sweep has at"),
    (
        '"grid"',
        '"tpe"\ntrials = 1\nseed = 0x' + "f" * 9000,
        22,
        "[search] seed: is a number of thousands of",
    ),
    (
        "concurrency = 3",
        "concurrency = 9223372036854775808",
        3,
        "[sweep] concurrency: is 9223372036854775808, and",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_a_mistake_is_told_with_file_line_and_key(old: str, new: str, line: int, words: str) -> None:
    told = complaint(changed(old, new))
    assert any(one.startswith(f"sweep.toml:{line}: {words}") for one in told.split("\n")), told


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5000])
def test_a_value_beyond_what_the_parser_takes_is_told(value: str) -> None:
    assert complaint(f"{GOOD}x = {value}").startswith("sweep.toml: is not valid TOML: ")


def test_a_vast_grid_is_a_grid_of_as_many_trials_as_the_budget_has() -> None:
    vast = changed("{ int = [1, 4] }", "{ int = [1, 1000000000000] }")
    assert read(f"{vast}[budget]\nmax_trials = 50\n").count == 50


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        ("grid", "has at most 200000 points, found among at most 1000000 combinations"),
        ("random", "none of 10000 points keeps a + b + c + d + e + f < 0"),
        ("tpe", "none of 10000 points keeps a + b + c + d + e + f < 0"),
    ],
)
def test_a_rule_that_nothing_keeps_is_told_soon_however_many_combinations_there_are(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, words: str
) -> None:
    monkeypatch.setattr("aiomodelarts.sweep.space.space.MOST_STEPS", 10_000)
    axes = "".join(f"{name} = {{ int = [1, 100] }}\n" for name in "abcdef")
    trials = "" if algorithm == "grid" else "\ntrials = 3"
    text = changed('"grid"', f'"{algorithm}"{trials}\nconstraints = ["a + b + c + d + e + f < 0"]')
    assert words in complaint(text.replace("layers = { int = [1, 4] }\n", axes))


def test_more_dimensions_than_a_sobol_sequence_has_are_told() -> None:
    axes = "".join(f"x{place} = {{ float = [0, 1] }}\n" for place in range(21_201))
    text = changed('"grid"', '"quasi-random"\ntrials = 3').replace("layers = { int = [1, 4] }\n", axes)
    assert "[search]: quasi-random takes at most 21201 hyperparameters" in complaint(text)


def test_an_empty_space_is_told_on_its_line() -> None:
    axes = GOOD[GOOD.index("lr =") : GOOD.index("\n[search]")]
    assert complaint(changed(axes, "")).startswith("sweep.toml:15: [space]: is empty; give at least one")


def test_missing_tables_are_told_together() -> None:
    told = complaint("[sweep]\nname = 'x'\n").split("\n")
    assert told == [f"sweep.toml: [{name}] is missing" for name in ("estimator", "space", "search", "objective")]


def test_a_value_where_a_table_belongs() -> None:
    assert "sweep.toml:1: [space]: is a whole number, and has to be a table: [space]" in complaint("space = 1")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = changed('"maximize"', '"best"').replace("int = [1, 4]", "int = [4, 1]").replace("3\n", "-3\n")
    lines = [line.partition(" ")[0] for line in complaint(text).split("\n")]
    assert lines == ["sweep.toml:3:", "sweep.toml:17:", "sweep.toml:24:"]


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes('name = "zählen"'.encode("latin-1"))
    with pytest.raises(SweepFileError, match="is not UTF-8 text"):
        load(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).count == 16


@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text("=\"'[]{}9.,\n a", max_size=4))
def test_nothing_but_the_known_error_comes_out_of_a_mangled_file(start: int, cut: int, put: str) -> None:
    with contextlib.suppress(SweepFileError):
        read(GOOD[:start] + put + GOOD[start + cut :])


def test_the_documented_file_is_a_good_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/sweeps.md").read_text(encoding="utf-8")
    sweep, *others = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    local = next(other for other in others if other.startswith("[local]"))
    for folder in ("src", "data"):
        (tmp_path / folder).mkdir()
    config = read(sweep + local, tmp_path)
    assert (config.count, config.space.size) == (40, 4 * 6 * 4 * 4 * 2)
    assert config.local_folders == {"code_dir": tmp_path / "src", "inputs": tmp_path / "data"}


def test_where_the_ledger_is_and_how_often_failures_are_tried_again() -> None:
    config = read(GOOD)
    assert config.ledger_address == Path("here/results/digits/sweep.sqlite")
    assert config.retry == RetryBudget()
    config = read(
        changed("concurrency = 3", 'concurrency = 3\nledger = "kept/here.sqlite"') + "[retry]\ncode = 2\nlost = 0\n"
    )
    assert config.ledger_address == "sqlite:///here/kept/here.sqlite"
    assert [config.retry.allows(failure, 1) for failure in (Failure.CODE, Failure.LOST)] == [True, False]
    url = "postgresql://user@/base?host=/run"
    assert read(changed("concurrency = 3", f'ledger = "{url}"')).ledger_address == url


def test_a_ledger_of_another_kind_and_an_unknown_class_are_told() -> None:
    assert "[sweep] ledger: has to be a path, or a URL" in complaint(changed("concurrency = 3", 'ledger = "redis://x"'))
    assert '[retry] lots: unknown key; did you mean "lost"?' in complaint(GOOD + "[retry]\nlots = 1\n")
    assert "[retry] lost: is -1" in complaint(GOOD + "[retry]\nlost = -1\n")
