"""Ledgers that earlier versions wrote, and how they were made: a sweep of ten trials that was killed in the middle."""

from pathlib import Path
from typing import Any

from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts._create.made import Pending
from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.models.spec import Inputs, TrainingSpec
from aiomodelarts.sweep.description.config import load
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Measure, Move
from aiomodelarts.sweep.trial import Trial, TrialState

FOLDER = Path(__file__).parent
JOB = {"job_id": 7, "version_id": 101}
# Trials 1 to 8 by what became of them; 9 and 10 were not begun. The version of trial 5 was made, nobody was told.
LEFT = {
    1: TrialState.SUCCEEDED,
    2: TrialState.FAILED,
    3: TrialState.NO_METRIC,
    4: TrialState.RUNNING,
    5: TrialState.CREATING,
    6: TrialState.CREATING,
    7: TrialState.REFUSED,
    8: TrialState.RESERVED,
}
VERSION_OF_5 = 105
CONFIG = load(FOLDER / "sweep.toml")
DEFINITION = Definition(CONFIG.name, settings_of(CONFIG))


async def write_sweep(address: str | Path) -> None:
    """Write the sweep into an empty database, and leave it as a controller that is killed leaves it."""
    points = list(CONFIG.search.points(CONFIG.space))
    async with Ledger.open(address, DEFINITION, SystemClock()) as ledger:
        await ledger.join("nowhere", "1 1")
        for number, becomes in LEFT.items():
            held = await ledger.reserve(
                10, lambda number: Trial(number, points[number - 1], CONFIG.output_path(number))
            )
            assert held is not None
            await _carry(ledger, held.trial, becomes, intent(held.trial, first=number == 1))
        await ledger.note([Measure(4, 1, step, step / 8, {"rung": step} if step == 2 else None) for step in range(3)])


def intent(trial: Trial, *, first: bool) -> dict[str, Any]:
    """What is about to be sent for a trial."""
    where: dict[str, Any] = {"job_name": "kept-job"} if first else {"job_id": 7, "pre_version_id": 101}
    spec = TrainingSpec(
        inputs=Inputs.of(**CONFIG.inputs),
        hyperparameters=Hyperparameters.of({"epochs": 3, **trial.point}),
        output_path=trial.output_path,
        own_path=True,
        config={"worker_server_num": 1, "spec_id": 1, "engine_id": 1},
        **where,
    )
    return {"create": Pending(spec=spec).as_plain(), "stamp": None}


async def _carry(ledger: Ledger, trial: Trial, becomes: TrialState, create: dict[str, Any]) -> None:
    if becomes is TrialState.RESERVED:
        return
    steps: list[tuple[TrialState, dict[str, Any]]] = [(TrialState.CREATING, {})]
    if becomes is TrialState.REFUSED:
        steps.append((becomes, {"reason": "request: not now (status 400)"}))
    elif becomes is not TrialState.CREATING:
        ids = {"job_id": 7, "version_id": 100 + trial.number, "began_at": 1_700_000_000.0 + trial.number}
        steps.append((TrialState.RUNNING, ids))
    ends: dict[TrialState, dict[str, Any]] = {
        TrialState.SUCCEEDED: {"value": 0.75, "flavor": "modelarts.vm.cpu.2u", "last_value": 0.5, "last_step": 3},
        TrialState.FAILED: {"failure": "code", "reason": "exit code 1; its log ends: ValueError: naïve"},
        TrialState.NO_METRIC: {"reason": "no log line matches 'accuracy=([0-9.]+)'"},
    }
    if becomes in ends:
        steps.append((becomes, {"duration_s": 12.5, **ends[becomes]}))
    for state, changes in steps:
        after = evolve(trial, state=state, **changes)
        why = after.reason or state.value
        await ledger.move(Move(trial.state, after, why, create if state is TrialState.CREATING else None))
        trial = after
