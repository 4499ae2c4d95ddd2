"""Points from a CSV file."""

from pathlib import Path

import pytest

from aiomodelarts.sweep.description.tables.points import PointsFileError, read_points
from aiomodelarts.sweep.space.constraints import Constraint
from aiomodelarts.sweep.space.space import Axis, Choice, Float, Int, Space

AXES: dict[str, Axis] = {
    "lr": Float(0.0001, 1.0, log=True),
    "layers": Int(1, 9, 2),
    "act": Choice(("relu", "1", 1, True)),
    "momentum": Float(0.0, 1.0, step=0.25),
}
SPACE = Space(AXES, {"momentum": {"act": ("relu",)}}, (Constraint.parse("layers < 9", AXES),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "points.csv"


def test_each_row_is_a_point_of_the_space(file: Path) -> None:
    file.write_text("\ufefflr, layers,act,momentum\r\n0.01,3,relu,0.5\r\n\r\n1e-3,5,1,\r\n1,7,true,\r\n", "utf-8")
    assert read_points(file, SPACE).points == (
        {"lr": 0.01, "layers": 3, "act": "relu", "momentum": 0.5},
        {"lr": 0.001, "layers": 5, "act": 1},
        {"lr": 1.0, "layers": 7, "act": True},
    )


def test_without_a_space_the_values_are_what_they_look_like(file: Path) -> None:
    file.write_text('lr,n,flag,name\n0.01,3,true,"a, b"\n1e-3,4,false,\n')
    found = read_points(file, None)
    assert found.points == (
        {"lr": 0.01, "n": 3, "flag": True, "name": "a, b"},
        {"lr": 0.001, "n": 4, "flag": False},
    )
    assert found.space.axes["n"] == Choice((3, 4))


def test_what_only_looks_like_a_number_stays_text(file: Path) -> None:
    file.write_text("id,version\n007,0x10\n-01,1_000\n\u0667,1e999\n")
    assert [list(point.values()) for point in read_points(file, None).points] == [
        ["007", "0x10"],
        ["-01", "1_000"],
        ["\u0667", "1e999"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: has to name the hyperparameters"),
        ("lr,layers,act,momentum\n", "has no row of values below the names"),
        ("lr,layers,act,\n1,1,1,1\n", "line 1, column 4: has no name"),
        ("lr,layers,lr,act,momentum\n", "line 1, column 3: lr is named twice"),
        ("lr,leyers,act,momentum\n", 'line 1, column 2: leyers is not under [space]; did you mean "layers"?'),
        ("lr,act,momentum\n", "line 1: has no column for layers"),
        ("lr,layers,act,momentum\n1,1,1\n", "line 2: has 3 values under 4 names"),
        ("lr,layers,act,momentum\n1,1,1,\nx,1,1,\n", "line 3, column lr: 'x' is not a number from 0.0001 to 1.0"),
        ("lr,layers,act,momentum\n1,2,1,\n", "column layers: '2' is not a whole number from 1 to 9 in steps of 2"),
        ("lr,layers,act,momentum\n1,1,gelu,\n", 'column act: \'gelu\' is not one of "relu", "1", 1, true'),
        ("lr,layers,act,momentum\n1,1,relu,\n", "line 2: its empty cells do not go with the conditions"),
        ("lr,layers,act,momentum\n1,1,1,0.5\n", "line 2: its empty cells do not go with the conditions"),
        ("lr,layers,act,momentum\n1,9,1,\n", "line 2: breaks layers < 9"),
        ("lr,layers,act,momentum\n1,1,1,\n1.0,1,1,\n", "line 3: is the same point as line 2"),
        ('lr,layers,act,momentum\n"1,1,1,\n', "line 2: unexpected end of data"),
        ("lr,layers,act,momentum\nnan,1,1,\n", "column lr: 'nan' is not a number"),
        ("lr,layers,act,momentum\n1_0,1,1,\n", "column lr: '1_0' is not a number"),
    ],
)
def test_a_mistake_is_told_with_line_and_column(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(PointsFileError) as caught:
        read_points(file, SPACE)
    assert told in str(caught.value)


def test_other_bytes_than_text_are_told(file: Path) -> None:
    file.write_bytes(b"lr\n\xff\xfe\n")
    with pytest.raises(PointsFileError, match="is not UTF-8 text"):
        read_points(file, None)
