"""A report from a sweep's settings and its ledger: what the page says of the search and of the objectives."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts.sweep import Float, Sweep, maximize, minimize
from aiomodelarts.sweep.report import ReportData
from aiomodelarts.sweep.report.write import link_to, write_report

from .stories import story

pytest.importorskip("plotly", reason="reports need plotly: pip install 'aiomodelarts[report]'")

ESTIMATOR = {
    "framework_type": "PyTorch",
    "framework_version": "PyTorch-1.0.0-python3.6",
    "code_dir": "/bucket/src/",
    "boot_file": "/bucket/src/train.py",
    "output_path": "/bucket/out/",
    "train_instance_type": "modelarts.vm.gpu.p100",
    "inputs": "/bucket/data/",
}
ACCURACY = maximize(log_pattern="accuracy=([0-9.]+)")


class Kept:
    """A ledger to be read."""

    def __init__(self, data: ReportData) -> None:
        self._data = data

    async def history(self) -> list[Any]:
        return list(self._data.events)

    async def trials(self) -> list[Any]:
        return list(self._data.trials)


async def told(folder: Path, data: ReportData, **arguments: Any) -> dict[str, Any]:
    """What the page of this sweep holds."""
    given = {"space": {"learning_rate": Float(1e-5, 1)}, "objective": ACCURACY, "estimator": ESTIMATOR, "trials": 500}
    sweep = Sweep(**(given | arguments))

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        yield Kept(data)

    await write_report(sweep.config, opened(), folder / "report.html", data.at)
    text = await asyncio.to_thread((folder / "report.html").read_text, "utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    page: dict[str, Any] = json.loads(found[1])
    return page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "TPE, seed 0; maximize accuracy=([0-9.]+). "),
        ({"search": "random", "seed": 4}, "Random search, seed 4; "),
        ({"search": "quasi-random"}, "Quasi-random search, seed 0; "),
        ({"trials": None, "space": {"learning_rate": [0.1, 0.2]}}, "Grid search; "),
        ({"trials": None, "search": [{"learning_rate": 0.1}]}, "Points of a list; "),
        ({"objective": minimize(json_file="m.json", key="a.b")}, "TPE, seed 0; minimize a.b in m.json. "),
        ({"objective": maximize(metric="f1")}, "TPE, seed 0; maximize f1, as the platform has it. "),
    ],
)
async def test_it_says_how_points_are_chosen_and_what_is_read(
    tmp_path: Path, arguments: dict[str, Any], said: str
) -> None:
    assert (await told(tmp_path, story(count=3), **arguments))["said"].startswith(said)


async def test_last_values_are_shown_where_they_are_values_of_the_objective(tmp_path: Path) -> None:
    data = story(count=40, pruned=0.5)
    for pruning, shown in (
        (None, False),
        ("median", True),
        ({"method": "median", "log_pattern": "accuracy=([0-9.]+)"}, True),
        ({"method": "median", "log_pattern": "loss=([0-9.]+)"}, False),
        ({"method": "median", "goal": "minimize"}, False),
    ):
        page = await told(tmp_path, data, pruning=pruning)
        names = [trace["name"] for trace in page["views"][0]["charts"]["history"]["data"]]
        assert ("stopped early, last value" in names) is shown, pruning


async def test_several_objectives_have_an_importance_each(tmp_path: Path) -> None:
    objective = {"accuracy": ACCURACY, "size": minimize(log_pattern="size=([0-9.]+)")}
    space = {"learning_rate": Float(1e-5, 1, log=True), "dropout": Float(0, 0.5), "layers": range(1, 7)}
    page = await told(tmp_path, story(count=200, several=True, bad=0), objective=objective, space=space)
    decides = {view["name"]: view["charts"]["importance"]["data"][0]["y"][-1] for view in page["views"]}
    assert decides == {"accuracy": "learning_rate", "size": "layers"}


def test_the_address_of_a_log_leads_there_whatever_its_folders_are_called() -> None:
    assert link_to(Path("/a/run #1?/logs/7/0.log"), Path("/a/results/r.html")) == "../run%20%231%3F/logs/7/0.log"
