"""``python -m tests.sweep.report.look FOLDER`` writes reports of made-up sweeps, with pictures to be looked at."""

import sys
from pathlib import Path

from attrs import evolve

from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.report import page
from aiomodelarts.sweep.report.importance import importance
from tests.support.browser import take

from .stories import HOSTILE, story

_STORIES = {
    "under-way": story(),
    "finished": story(count=24, slots=4, open_=0, planned=24, goal=Goal.MINIMIZE),
    "bad": story(count=30, open_=0, bad=1.0, reason=HOSTILE + " very" * 60 + "x" * 300),
    "empty": story(count=0),
    "long": story(count=20_000, slots=64),
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in _STORIES.items():
        axes = {axis: data.axes[axis] for axis in data.axes if axis != "momentum"}
        shares, note = importance(axes, data.trials, data.goal)
        (folder / f"{name}.html").write_text(page(evolve(data, importance=shares, importance_note=note)))
        take(folder / f"{name}.html", folder)


main(Path(sys.argv[1]))
