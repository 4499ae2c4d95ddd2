"""What has to be true after a run; the platform's board and the ledger's history are the judges."""

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from aiomodelarts.local.board import Version
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.budget import Amount
from aiomodelarts.sweep.engine.halts import BudgetUsedUp
from aiomodelarts.sweep.failures import Failure
from aiomodelarts.sweep.ledger import schema
from aiomodelarts.sweep.trial import Trial, TrialState
from tests.simulate.sweeps.plan import FLAVORS
from tests.simulate.sweeps.store import is_beyond

if TYPE_CHECKING:
    from tests.simulate.sweeps.run import Run

_STOPPED = (JobStatus.KILLING, JobStatus.KILLED)
_PATH = re.compile(r"/bucket/output/sweep/([0-9]{4})(?:-([0-9]+))?/")
_OVER = {TrialState.SUCCEEDED, TrialState.FAILED, TrialState.NO_METRIC, TrialState.PRUNED}
_REMARK = "went on beside this trial"
_SPEC = {FLAVORS[0]: 3, FLAVORS[1]: 4}


def judge(run: "Run") -> None:
    """Add what is wrong to the run's violations."""
    if run.world is None:
        return
    run.violations += run.world.violations
    run.violations += _history(run)
    assert run.store is not None
    run.violations += run.store.crossed
    if run.result is None:
        return
    trials = {trial.number: trial for trial in run.result.trials}
    made: defaultdict[tuple[int, int], list[Version]] = defaultdict(list)
    for version in run.world.versions():
        path = _PATH.fullmatch(version.settings.train_url)
        assert path is not None, version.settings.train_url
        made[int(path[1]), int(path[2] or 1)].append(version)
    used_up = isinstance(run.result.stopped_by, BudgetUsedUp)
    wanted = len(trials) if used_up else run.plan.trials
    if sorted(trials) != list(range(1, wanted + 1)):
        run.violations.append(f"{run.plan.trials} trials were wanted, and there are {sorted(trials)}")
    run.violations += _budget(run, used_up)
    for trial in trials.values():
        run.violations += [f"trial {trial.number}: {problem}" for problem in _problems(run, trial, made)]
    for (number, attempt), versions in made.items():
        if number not in trials or attempt > trials[number].attempt:
            run.violations.append(f"trial {number}, attempt {attempt}: nobody knows of {len(versions)} versions")


def _budget(run: "Run", used_up: bool) -> list[str]:
    """What the versions on the board really took, and whether the budget was given up too early."""
    budget, problems = run.plan.budget, list[str]()
    assert run.result is not None
    if budget.limit is None:
        return problems
    took = Amount()
    for version in run.world.versions():
        flavor = next(flavor for flavor, spec in _SPEC.items() if spec == version.settings.spec_id)
        ran_ms = (version.end_ms or 0) - (version.start_ms or version.end_ms or 0)
        took += budget.charge(ran_ms / 1000, flavor)
        longest = budget.worst_case([flavor])
        if longest != Amount() and not run.plan.blows and run.plan.is_punctual and ran_ms > longest.ms and not run.told:
            problems.append(f"version {version.version_id} ran for {ran_ms} ms, longer than {longest.ms} ms")
    # A twin that shows up late runs for a moment, and no account knows of it.
    if run.plan.is_punctual and is_beyond(took, budget.limit):
        problems.append(f"the versions took {took}, and there was {budget.limit}")
    account = run.result.account
    assert account is not None
    if account.held != Amount():
        problems.append(f"{account.held} is still reserved in the end")
    if used_up and not is_beyond(account.total + budget.worst_case(run.plan.flavors), budget.limit):
        problems.append(f"the budget is said to be used up with {account} of {budget.limit}")
    return problems


def _problems(run: "Run", trial: Trial, made: dict[tuple[int, int], list[Version]]) -> list[str]:
    problems = []
    waits_for_budget = trial.state is TrialState.RESERVED and isinstance(run.result.stopped_by, BudgetUsedUp)
    if trial.state not in _OVER and not waits_for_budget:
        problems.append(f"is {trial.state.value} in the end: {trial.reason}")
    never_made = trial.failure == Failure.CAPACITY.value or waits_for_budget
    for attempt in range(1, trial.attempt + (0 if never_made else 1)):
        versions = made.get((trial.number, attempt), [])
        going = [version for version in versions if version.status not in _STOPPED]
        ended_early = (trial.number, attempt) in run.stopped
        if run.plan.is_punctual and (len(versions) != 1 or (versions[0].status in _STOPPED and not ended_early)):
            problems.append(f"attempt {attempt} has the versions {[(one.version_id, one.status) for one in versions]}")
        if len([version for version in going if not version.status.is_final]) > 1:
            problems.append(f"attempt {attempt} has several versions that go on: {_ids(going)}")
        if not versions:
            problems.append(f"attempt {attempt} has no version")
    if never_made:
        return problems
    own = next((one for one in made.get((trial.number, trial.attempt), []) if one.version_id == trial.version_id), None)
    if own is None:
        problems.append(f"version {trial.version_id} is not one of its attempt {trial.attempt}")
    elif own.settings.spec_id != _SPEC[trial.flavor or ""]:
        problems.append(f"it is said to run on {trial.flavor}, and runs on {own.settings.spec_id}")
    elif trial.state is TrialState.PRUNED and own.status not in _STOPPED:
        problems.append(f"it is pruned, and version {own.version_id} is {own.status.name}")
    elif trial.value is not None:
        text = run.world.simulation.text(own, int(run.world.clock.now() * 1000)).decode()
        if own.status is not JobStatus.COMPLETED or f"accuracy={trial.value:.6f}" not in text:
            problems.append(f"its value {trial.value} is not that of version {own.version_id}, {own.status.name}")
    return problems


def _ids(versions: list[Version]) -> list[int]:
    return [version.version_id for version in versions]


def _history(run: "Run") -> list[str]:
    """Every line of the ledger was written by whoever held the trial at that moment, and none after its end."""
    assert run.store is not None
    events = schema.events.c
    problems, token, state = list[str](), dict[int, int](), dict[int, TrialState]()
    for row in run.store.rows(select(schema.events).order_by(events.id)):
        now = TrialState(row.state)
        if _REMARK in row.why and now is state.get(row.number):
            # Whoever finds a version that no trial knows says so, and changes nothing.
            continue
        if "to be stopped" in row.why:
            run.stopped.add((row.number, row.attempt))
        if row.why in {"reserved", "taken up"}:
            if row.why == "reserved" and row.number in token:
                problems.append(f"trial {row.number} was begun twice")
            token[row.number] = row.token
        elif token.get(row.number) != row.token:
            problems.append(f"trial {row.number} was changed by lease {row.token}, held by {token.get(row.number)}")
        if state.get(row.number) in _OVER:
            problems.append(f"trial {row.number} was {state[row.number].value} and became {now.value}: {row.why}")
        state[row.number] = now
    return problems


def add(counts: Counter[str], run: "Run") -> None:
    """Count one more run."""
    counts["sweeps"] += 1
    counts["violations"] += len(run.violations)
    counts["controllers"] += len(run.controllers)
    for told in run.told:
        counts[f"{told}s"] += 1
    for controller in run.controllers:
        counts[f"controllers ended: {type(controller.error).__name__}"] += not controller.process.dead
    if run.result is not None:
        counts["trials"] += len(run.result.trials)
        counts["sweeps whose budget was used up"] += isinstance(run.result.stopped_by, BudgetUsedUp)
        counts["trials on their second flavour"] += sum(t.flavor == FLAVORS[1] for t in run.result.trials)
        counts["trials that waited for room"] += sum(Failure.CAPACITY.value in t.tries for t in run.result.trials)
        counts["trials tried again"] += sum(trial.attempt > 1 for trial in run.result.trials)
        for trial in run.result.trials:
            counts[f"trials {trial.state.value}"] += 1
    if run.world is not None:
        counts["versions on the boards"] += sum(1 for _ in run.world.versions())
        counts["requests"] += sum(run.world.exchange.requests.values())
        for kind, number in run.world.faults.counts.items():
            counts[f"fault {kind}"] += number
    if run.store is not None:
        counts["ledger transactions"] += run.store.transactions
