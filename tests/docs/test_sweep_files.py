"""Every piece of a sweep file in the documentation is one that is accepted."""

import re
import tomllib
from pathlib import Path

import pytest

from aiomodelarts.sweep.description.config import SweepConfig, parse, read
from aiomodelarts.sweep.description.given import GivenDocument

DOCUMENT = Path(__file__).parents[2] / "docs/sweeps.md"
PIECES = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "points.csv").write_text("lr,layers\n0.001,2\n0.002,3\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "data").mkdir()
    return tmp_path


def test_the_whole_file_is_good(folder: Path) -> None:
    config = parse(PIECES[0], file="sweep.toml", folder=folder)
    assert config.name == "sentiment"
    assert config.count == 40


@pytest.mark.parametrize("place", range(1, len(PIECES)))
def test_every_piece_is_good_in_its_place(place: int, folder: Path) -> None:
    whole, piece = tomllib.loads(PIECES[0]), tomllib.loads(PIECES[place])
    for name, table in piece.items():
        if name == "estimator":
            kept = {key: value for key, value in whole[name].items() if key not in {"train_instance_type", "flavors"}}
            whole.pop("budget", None)
            table = {**kept, **table}  # noqa: PLW2901
        whole[name] = table
    if whole["search"].get("algorithm") == "points":
        del whole["space"]
    config, problems = read(GivenDocument(whole), folder)
    assert not problems
    assert isinstance(config, SweepConfig)


def test_there_are_pieces_of_every_table() -> None:
    told = {name for piece in PIECES for name in tomllib.loads(piece)}
    assert told >= {"sweep", "space", "search", "warm_start", "objective", "pruning", "budget", "retry", "local"}
