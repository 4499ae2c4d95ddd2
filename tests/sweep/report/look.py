"""``python -m tests.sweep.report.look FOLDER [STORY ...]`` writes reports of made-up sweeps, with pictures of them."""

import sys
from pathlib import Path

from attrs import evolve

from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.report import page
from aiomodelarts.sweep.report.importance import importance
from tests.support.browser import take

from .stories import AXES, HOSTILE, story

_STORIES = {
    "under-way": story(),
    "finished": story(count=24, slots=4, open_=0, planned=24, goal=Goal.MINIMIZE),
    "bad": story(count=30, open_=0, bad=1.0, reason=HOSTILE + " very" * 60 + "x" * 300),
    "empty": story(count=0),
    "one": story(count=1, open_=0, bad=0, planned=1),
    "many": story(count=5_000, slots=32, pruned=0.3),
    "stopped-early": story(count=120, pruned=0.5),
    "several": story(count=120, several=True),
    "long-names": story(
        count=40, axes={f"{name}_with_a_name_that_says_everything_there_is_to_say": axis for name, axis in AXES.items()}
    ),
}


def main(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in _STORIES.items():
        if names and name not in names:
            continue
        shares, note = importance(data.axes, data.trials, data.goal)
        (folder / f"{name}.html").write_text(page(evolve(data, importance=shares, importance_note=note)))
        take(folder / f"{name}.html", folder)


main(Path(sys.argv[1]), *sys.argv[2:])
