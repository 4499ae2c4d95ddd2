"""What may stand in ``[search]`` and ``[space]`` beyond single ranges, and how everything else is told."""

from importlib.util import find_spec as find_it
from pathlib import Path

import pytest

from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.description.tables import search as search_table
from aiomodelarts.sweep.search.search import AdaptiveSearch, PointList, QuasiRandomSearch
from aiomodelarts.sweep.space.axes import Choice, Float, Int

from .documents import GOOD, complaint, read

SPACE = """\
optimizer = { choice = ["adam", "sgd"] }
momentum = { float = [0, 1], when = { optimizer = "sgd" } }
batch = { log_int = [8, 512], num = 7 }
units = { log_int = [1, 1024], when = { batch = [8, 16], optimizer = ["adam", "sgd"] } }
layers = { int = [1, 4] }
"""
SEARCH = """\
algorithm = "tpe"
trials = 30
seed = 8
startup = 5
constraints = ["batch * layers <= 512"]
"""
TEXT = GOOD[: GOOD.index("lr =")] + SPACE + "\n[search]\n" + SEARCH + GOOD[GOOD.index("\n[objective]") :]


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


def test_conditions_constraints_and_an_adaptive_search() -> None:
    config = read(TEXT)
    assert config.space.axes["batch"] == Int(8, 512, log=True, num=7)
    assert [config.space.axes["batch"].at(place) for place in range(7)] == [8, 16, 32, 64, 128, 256, 512]
    assert config.space.conditions == {
        "momentum": {"optimizer": ("sgd",)},
        "units": {"batch": (8, 16), "optimizer": ("adam", "sgd")},
    }
    assert [rule.text for rule in config.space.constraints] == ["batch * layers <= 512"]
    assert config.search == AdaptiveSearch("tpe", 30, 8, 5)
    assert config.count == 30


@pytest.mark.parametrize("algorithm", ["quasi-random", "cma-es", "random"])
def test_other_algorithms(algorithm: str) -> None:
    text = changed('"tpe"', f'"{algorithm}"').replace("startup = 5\n", "")
    assert read(text).search.algorithm == algorithm
    assert read(text).count == 30


def test_every_change_of_a_condition_or_constraint_is_a_change_of_the_sweep() -> None:
    before = settings_of(read(TEXT))
    assert before["[space] momentum"]["when"] == {"optimizer": ["sgd"]}
    for old, new in (
        ('when = { optimizer = "sgd" }', 'when = { optimizer = "adam" }'),
        ("<= 512", "<= 256"),
        ("startup = 5", "startup = 6"),
        ("int = [1, 4]", "int = [1, 5]"),
    ):
        assert settings_of(read(changed(old, new))) != before
    assert settings_of(read(changed("trials = 30", "trials = 60"))) == before


BAD = [
    ('{ optimizer = "sgd" }', '{ optimiser = "sgd" }', 17, "[space] momentum.when.optimiser: is no hyperparameter"),
    (
        '{ optimizer = "sgd" }',
        '{ optimiser = "sgd" }',
        17,
        '[space] momentum.when.optimiser: is no hyperparameter of this space; did you mean "optimizer"? Allowed: batch',
    ),
    (
        '{ optimizer = "sgd" }',
        '{ optimizer = "sgdm" }',
        17,
        '[space] momentum.when.optimizer: never is "sgdm"; did you mean "sgd"?',
    ),
    ('{ optimizer = "sgd" }', "{ optimizer = [] }", 17, "[space] momentum.when.optimizer: lists no value"),
    (
        '{ optimizer = "sgd" }',
        "{ optimizer = [[1]] }",
        17,
        "[space] momentum.when.optimizer: holds [1], which is a list",
    ),
    ('{ optimizer = "sgd" }', '"sgd"', 17, "[space] momentum.when: is text, and has to be a table, as in"),
    ('{ optimizer = "sgd" }', "{}", 17, "[space] momentum.when: is empty, and has to be a table, as in"),
    ('{ optimizer = "sgd" }', "{ momentum = 0.5 }", 17, "[space] momentum.when.momentum: has no single values to wait"),
    ("when = { batch = [8, 16],", "when = { batch = [8, 17],", 19, "[space] units.when.batch: never is 17"),
    (", num = 7", ", step = 7", 18, "[space] batch.step: unknown key; Allowed: log_int, num, when"),
    ("[8, 512]", "[0, 512]", 18, "[space] batch: a logarithmic range starts above 0, and this one at 0"),
    ("num = 7", "num = 70", 18, "[space] batch: 70 whole numbers, spread evenly, do not fit between 8 and 512"),
    ('["batch * layers <= 512"]', '"batch <= 5"', 27, "[search] constraints: is text, and has to be a list, as in"),
    (
        '["batch * layers <= 512"]',
        "[5]",
        27,
        "[search] constraints: holds 5, which is a whole number and has to be text",
    ),
    (
        '"batch * layers <= 512"',
        '"bach <= 5"',
        27,
        '[search] constraints: "bach <= 5" names bach; did you mean "batch"?',
    ),
    ('"batch * layers <= 512"', '"batch + 5"', 27, '[search] constraints: "batch + 5" is a number, and has to be'),
    ('"batch * layers <= 512"', '"batch < 5"', 22, "[search]: none of 10000 points keeps batch < 5"),
    ("startup = 5", "start_up = 5", 26, '[search] start_up: unknown key; did you mean "startup"?'),
    ("startup = 5", "startup = 0", 26, "[search] startup: is 0, and has to be at least 1"),
    ("trials = 30\n", "", 22, "[search]: trials is missing"),
    ('"tpe"', '"points"', 22, "[search]: file is missing"),
    ('"tpe"', '"points"\nfile = "no.csv"', 24, "[search] file: here/no.csv cannot be read: No such file"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_a_mistake_is_told_with_file_line_and_key(old: str, new: str, line: int, words: str) -> None:
    told = complaint(changed(old, new))
    assert any(one.startswith(f"sweep.toml:{line}: {words}") for one in told.split("\n")), told


def test_a_circle_of_conditions_is_told_for_each_of_its_members() -> None:
    text = changed('choice = ["adam", "sgd"] }', 'choice = ["adam", "sgd"], when = { layers = 2 } }')
    text = text.replace("{ int = [1, 4] }", '{ int = [1, 4], when = { optimizer = "sgd" } }')
    assert [line.partition(": ")[2] for line in complaint(text).split("\n")] == [
        "[space] optimizer.when: waits for itself, by way of the conditions of others",
        "[space] layers.when: waits for itself, by way of the conditions of others",
    ]


def test_cma_es_needs_two_numbers() -> None:
    text = changed('"tpe"', '"cma-es"').replace("batch = ", "# batch = ").replace("layers = ", "# layers = ")
    text = text.replace("units =", "# units =").replace("constraints =", "# constraints =")
    assert "[search]: cma-es needs two hyperparameters that are numbers" in complaint(text)


@pytest.mark.parametrize(
    ("algorithm", "gone", "told"),
    [
        (
            "quasi-random",
            {"scipy"},
            "quasi-random needs scipy, which is not installed; run: pip install 'aiomodelarts[search]'",
        ),
        ("cma-es", {"cmaes"}, "cma-es needs cmaes, which is not installed; run: pip install 'aiomodelarts[search]'"),
        (
            "gp",
            {"torch", "scipy"},
            "gp needs scipy and torch, which are not installed; run: pip install 'aiomodelarts[gp]'",
        ),
    ],
)
def test_a_missing_library_is_named(algorithm: str, gone: set[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_table, "find_spec", lambda name: None if name in gone else find_it(name) or object())
    assert f"sweep.toml:23: [search] algorithm: {told}" in complaint(changed('"tpe"', f'"{algorithm}"'))


def test_points_from_a_file_with_and_without_a_space(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(
        "optimizer,momentum,batch,units,layers\nsgd,0.5,32,,4\nadam,,8,1000,1\n", encoding="utf-8"
    )
    search = 'algorithm = "points"\nfile = "points.csv"\n'
    config = read(changed(SEARCH, search), tmp_path)
    assert config.search == PointList(
        (
            {"optimizer": "sgd", "momentum": 0.5, "batch": 32, "layers": 4},
            {"optimizer": "adam", "batch": 8, "units": 1000, "layers": 1},
        )
    )
    assert config.count == 2
    free = read(changed(SEARCH, search).replace("[space]\n" + SPACE, ""), tmp_path)
    assert free.space.axes["batch"] == Choice((32, 8))
    assert free.search == config.search
    (tmp_path / "points.csv").write_text("optimizer,momentum,batch,units,layers\nsgd,0.5,33,,4\n", encoding="utf-8")
    told = complaint(changed(SEARCH, search), tmp_path)
    assert told.startswith(f"sweep.toml:24: [search] file: {tmp_path}/points.csv: line 2, column batch: '33' is not")


def test_names_of_the_platform_and_fixed_ones_are_no_columns(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("train_url,epochs\n1,2\n", encoding="utf-8")
    text = changed(SEARCH, 'algorithm = "points"\nfile = "points.csv"\n').replace("[space]\n" + SPACE, "")
    told = complaint(text, tmp_path)
    assert "train_url: is an option that the platform itself gives" in told
    assert "epochs: stands under [estimator] hyperparameters too" in told


def test_quasi_random_points_are_spread_and_prefixes_of_each_other() -> None:
    space = read(TEXT).space
    few, many = (list(QuasiRandomSearch(count, 3).points(space)) for count in (20, 90))
    assert many[:20] == few
    assert all(space.own(point) == point for point in many)
    line = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}
    points = list(QuasiRandomSearch(64, 1).points(type(space)(line)))
    cells = {(int(float(point["x"]) * 8), int(float(point["y"]) * 8)) for point in points}
    assert len(cells) == 64, "a Sobol sequence has one of 64 points in each of 64 cells"
