"""Several objectives: a table for each, a value for each, the front of what no other trial beats."""

import asyncio
import csv
import json
from pathlib import Path

import pytest

from aiomodelarts import AsyncSession, Sweep
from aiomodelarts.sweep import FolderFiles, Goal, SweepResult, Trial, TrialState
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.ledger.records import differences
from aiomodelarts.sweep.objective import JsonFile, LogPattern, Take
from aiomodelarts.sweep.search.search import AdaptiveSearch
from aiomodelarts.sweep.search.searcher import Searcher
from aiomodelarts.sweep.space.space import Float, Space

from .documents import GOOD, complaint, read

ACCURACY = """\
[objective.accuracy]
log_pattern = 'accuracy=([0-9.]+)'
take = "best"
goal = "maximize"
"""
SIZE = """\
[objective.size]
json_file = "metrics.json"
key = "size"
goal = "minimize"
"""
HEAD = GOOD[: GOOD.index("[objective]")]
TRAIN = """\
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url", "lr", "layers", "epochs"):
    parser.add_argument("--" + name)
options = parser.parse_args()
layers = int(options.layers)
for accuracy in (layers / 10, 0.05):
    print(f"accuracy={accuracy}")
if layers != 3:
    path = pathlib.Path(options.train_url, "metrics.json")
    path.write_text(json.dumps({"size": layers * layers if layers < 4 else 1}))
"""


def test_each_has_a_table_of_its_own() -> None:
    config = read(f"{HEAD}{ACCURACY}\n{SIZE}")
    assert list(config.objectives) == ["accuracy", "size"]
    accuracy, size = config.objectives.values()
    assert isinstance(accuracy.source, LogPattern)
    assert accuracy.source.take is Take.BEST
    assert size.source == JsonFile("metrics.json", "size")
    assert config.goals == {"accuracy": Goal.MAXIMIZE, "size": Goal.MINIMIZE}
    assert config.objective == accuracy


def test_one_table_with_a_name_is_one_objective() -> None:
    assert not read(f"{HEAD}{ACCURACY}").several


def test_their_order_belongs_to_the_sweep_since_it_is_that_of_the_values() -> None:
    one, other = (settings_of(read(HEAD + tables)) for tables in (f"{ACCURACY}\n{SIZE}", f"{SIZE}\n{ACCURACY}"))
    assert differences(one, other) == ['[objective] order: ["accuracy","size"] -> ["size","accuracy"]']


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (f'[objective]\ngoal = "maximize"\n{ACCURACY}', "[objective] goal: stands beside objectives that have tables"),
        (ACCURACY.replace("take", "tkae"), '[objective] accuracy.tkae: unknown key; did you mean "take"?'),
        (ACCURACY.replace("maximize", "max") + SIZE, '[objective] accuracy.goal: is "max"; did you mean "maximize"?'),
        (ACCURACY + SIZE.replace('key = "size"\n', ""), "[objective] size: key is missing"),
    ],
)
def test_what_is_wrong_with_one_is_told(tables: str, told: str) -> None:
    assert told in complaint(HEAD + tables)


def test_cma_es_takes_one() -> None:
    text = f"{HEAD}{ACCURACY}\n{SIZE}".replace('"grid"', '"cma-es"\ntrials = 9').replace(", num = 4", "")
    assert "[search] algorithm: is cma-es, which goes with one objective; tpe and gp take several" in complaint(text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    text = f"{HEAD}{ACCURACY}\n{SIZE}".replace("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "")
    (tmp_path / "sweep.toml").write_text(text)
    return tmp_path


async def test_a_sweep_reads_all_of_them_and_tells_the_front(folder: Path, tmp_path: Path) -> None:
    sweep = await asyncio.to_thread(Sweep.from_file, folder / "sweep.toml")
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        await sweep.stage(FolderFiles(Path(str(session.platform.obs_root))))
        result = await sweep.run(session)
    by_layers = {trial.point["layers"]: trial for trial in result.trials}
    assert {layers: trial.values for layers, trial in by_layers.items()} == {
        1: (0.1, 1.0),
        2: (0.2, 4.0),
        3: (),
        4: (0.4, 1.0),
    }
    assert by_layers[3].state is TrialState.NO_METRIC
    assert by_layers[3].reason == "size: the training left no metrics.json"
    # Four layers are more accurate than two, and no larger than one.
    assert [trial.point["layers"] for trial in result.front] == [4]
    assert (await sweep.past()).trials == result.trials
    results = folder / "results/digits"
    written = json.loads(await asyncio.to_thread((results / "results.json").read_text))
    assert written["front"] == [by_layers[4].number]
    rows = list(csv.DictReader((await asyncio.to_thread((results / "results.csv").read_text)).splitlines()))
    assert (rows[0]["values_accuracy"], rows[0]["values_size"]) == ("0.1", "1.0")


def test_the_front_is_what_nobody_beats() -> None:
    values = [(0.9, 5.0), (0.8, 1.0), (0.7, 3.0), (0.9, 5.0), (0.9, 6.0)]
    trials = tuple(
        Trial(number, {"x": number}, "/b/", TrialState.SUCCEEDED, value=one[0], values=one)
        for number, one in enumerate(values, start=1)
    )
    goals = {"a": Goal.MAXIMIZE, "b": Goal.MINIMIZE}
    result = SweepResult("x", Goal.MAXIMIZE, trials, goals=goals)
    assert [trial.number for trial in result.front] == [1, 2, 4]


def test_tpe_learns_from_both() -> None:
    """Of two aims that pull against each other the suggestions cover what lies between, and leave the rest."""
    pytest.importorskip("optuna", reason="needs the extra sweep")
    space = Space({"x": Float(0.0, 10.0)})
    history = []
    searcher = Searcher(AdaptiveSearch("tpe", 60, 1), space, [Goal.MINIMIZE, Goal.MINIMIZE])
    for number in range(1, 61):
        x = float(searcher.suggest(number, history).point["x"])
        # Both are best between 2 and 4.
        values = ((x - 2) ** 2, (x - 4) ** 2)
        trial = Trial(number, {"x": x}, "/b/", TrialState.SUCCEEDED, value=values[0], values=values)
        history.append(trial)
    late = [1.5 <= float(trial.point["x"]) <= 4.5 for trial in history[30:]]
    assert sum(late) > 20
