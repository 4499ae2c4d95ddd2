"""Early stopping: what the file says, what is stopped and when, and that its slot is free before it is used again."""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, evolve, field

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import LogGone, TrainingCancelled
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.description.config import SweepConfig
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.engine import Engine
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Measure, Move
from aiomodelarts.sweep.objective import Goal, LogPattern
from aiomodelarts.sweep.pruning import METHODS
from aiomodelarts.sweep.trial import Ending, Trial, TrialState
from aiomodelarts.sweep.versions import Version

from .documents import GOOD, complaint, read

pytest.importorskip("optuna", reason="needs the extra sweep")
from aiomodelarts.sweep.engine.judge import Judge, Verdict

PATTERN = r"epoch (?P<step>\d+) accuracy=(?P<value>\S+)"
TEXT = GOOD.replace("accuracy=([0-9.]+)", PATTERN)
NEEDED = {"hyperband": "max_resource = 27\n", "threshold": "lower = 0.1\n", "patience": "patience = 3\n"}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_read_with_its_usual_settings(method: str) -> None:
    read_one = read(f'{TEXT}[pruning]\nmethod = "{method}"\n{NEEDED.get(method, "")}').pruning
    assert read_one is not None
    assert (read_one.method, read_one.goal) == (method, Goal.MAXIMIZE)
    assert read_one.source.pattern.pattern == PATTERN
    assert read_one.settings.keys() == METHODS[method].keys()
    assert Judge(read_one, "x").verdict(1, 1, 1, 0.5) == Verdict(Measure(1, 1, 1, 0.5), False) or method in {
        "successive-halving",
        "hyperband",
    }


def test_a_pattern_and_a_goal_of_its_own() -> None:
    loss = "method = 'median'\nlog_pattern = 'loss=([0-9.]+)'\ngoal = 'minimize'\nn_startup_trials = 9\n"
    config = read(f"{GOOD}[pruning]\n{loss}")
    assert config.pruning is not None
    assert (config.pruning.goal, config.pruning.settings["n_startup_trials"]) == (Goal.MINIMIZE, 9)
    assert config.objective.goal is Goal.MAXIMIZE


@pytest.mark.parametrize(
    ("table", "line", "told"),
    [
        ("methd = 'median'", 2, '[pruning] methd: unknown key; did you mean "method"?'),
        ("method = 'medain'", 2, '[pruning] method: is "medain"; did you mean "median"? Allowed: hyperband, median'),
        ("method = 'median'\npatience = 3", 3, "[pruning] patience: unknown key; Allowed: goal, interval_steps"),
        ("method = 'median'\nn_min_trails = 3", 3, 'n_min_trails: unknown key; did you mean "n_min_trials"?'),
        ("method = 'median'\nn_min_trials = 0", 3, "[pruning] n_min_trials: is 0, and has to be at least 1"),
        ("method = 'median'\nn_min_trials = 1.5", 3, "[pruning] n_min_trials: is a number, 1.5, and has to be"),
        ("method = 'median'\ngoal = 'max'", 3, '[pruning] goal: is "max"; did you mean "maximize"?'),
        ("method = 'median'\nlog_pattern = '(('", 3, "[pruning] log_pattern: is not a regular expression"),
        ("method = 'median'\nlog_pattern = 'loss'", 3, "[pruning] log_pattern: the pattern has no group"),
        ("method = 'hyperband'", 1, "[pruning]: max_resource is missing"),
        ("method = 'hyperband'\nmax_resource = 3\nmin_resource = 9", 3, "max_resource: is 3, below min_resource"),
        ("method = 'successive-halving'\nreduction_factor = 1", 3, "reduction_factor: is 1, and has to be at least 2"),
        ("method = 'threshold'", 1, "[pruning]: needs lower, upper or both"),
        ("method = 'threshold'\nlower = 2\nupper = 1", 3, "[pruning] lower: is 2.0, above upper, which is 1.0"),
        ("method = 'patience'", 1, "[pruning]: patience is missing"),
        ("method = 'patience'\npatience = 3\nmin_delta = -1", 4, "min_delta: is -1.0, and has to be at least 0"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(table: str, line: int, told: str) -> None:
    said = complaint(f"{GOOD}[pruning]\n{table}\n")
    assert f"sweep.toml:{GOOD.count(chr(10)) + line}: " in said
    assert told in said


def test_values_that_are_not_in_the_log_need_a_pattern() -> None:
    text = GOOD.replace("log_pattern = 'accuracy=([0-9.]+)'", 'json_file = "m.json"\nkey = "a"')
    assert "[pruning]: log_pattern is missing" in complaint(f"{text}[pruning]\nmethod = 'median'\n")


def test_several_objectives_take_no_pruning() -> None:
    text = GOOD[: GOOD.index("[objective]")] + "[objective.a]\nlog_pattern='(a)'\ngoal='minimize'\n[objective.b]\n"
    text += "log_pattern='(b)'\ngoal='minimize'\n[pruning]\nmethod='median'\n"
    assert "[pruning]: goes with one objective, and there are several" in complaint(text)


@define
class Platform:
    """Runs versions that tell a value now and then, in so many slots."""

    values: Callable[[int], Sequence[str]]
    running: set[int] = field(factory=set)
    most: int = 0
    stopped: list[int] = field(factory=list)
    versions: dict[int, "Live"] = field(factory=dict)
    intended: dict[str, Trial] = field(factory=dict)
    log_error: Exception | None = None
    tasks: list[Any] = field(factory=list)

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        self.intended[trial.output_path] = trial
        return {"path": trial.output_path}

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        return None

    def attach(self, job_id: int, version_id: int) -> Version:
        return self.versions[version_id]

    async def going(self, job_id: int) -> Mapping[int, str]:
        return {}

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None]) -> Version:
        may_leave()
        number = self.intended[intent["path"]].number
        return self.begin(number)

    def begin(self, number: int) -> "Live":
        self.running.add(number)
        self.most = max(self.most, len(self.running))
        made = self.versions[100 + number] = Live(self, number)
        self.tasks.append(asyncio.create_task(made.train()))
        return made


class Live:
    """One version."""

    job_id = 7

    def __init__(self, platform: Platform, number: int) -> None:
        self.version_id = 100 + number
        self._platform = platform
        self._number = number
        self._lines: list[str] = []
        self._news = asyncio.Condition()
        self._stopped = self._down = False

    async def train(self) -> None:
        for line in self._platform.values(self._number):
            await asyncio.sleep(0.004)
            if self._stopped:
                break
            await self._tell(line)
        # A stop takes its time at the platform.
        await asyncio.sleep(0.03 if self._stopped else 0)
        self._platform.running.discard(self._number)
        self._down = True
        await self._tell(None)

    async def wait(self) -> object:
        async with self._news:
            await self._news.wait_for(lambda: self._down)
        if self._stopped:
            raise TrainingCancelled("it was stopped")
        return SimpleNamespace(status=JobStatus.COMPLETED, duration=1000)

    async def logs(self, *, follow: bool = False) -> AsyncIterator[str]:
        told = 0
        if self._platform.log_error is not None and follow:
            raise self._platform.log_error
        while True:
            while told < len(self._lines):
                told += 1
                yield self._lines[told - 1]
            if self._down or not follow:
                return
            async with self._news:
                await self._news.wait_for(lambda seen=told: self._down or seen < len(self._lines))

    async def updates(self) -> AsyncIterator[object]:
        yield SimpleNamespace(status=JobStatus.RUNNING)

    async def refresh(self) -> object:
        return None

    async def stop(self) -> None:
        self._platform.stopped.append(self._number)
        self._stopped = True

    async def _tell(self, line: str | None) -> None:
        async with self._news:
            if line is not None:
                self._lines.append(line)
            self._news.notify_all()


CONFIG = read(
    TEXT.replace("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "").replace("int = [1, 4]", "int = [1, 12]")
    + '[pruning]\nmethod = "median"\nn_startup_trials = 2\n'
)


def falling(number: int) -> list[str]:
    """The later the trial, the worse it is."""
    return [f"epoch {step} accuracy={1 - number / 20 + step / 1000}" for step in range(1, 21)]


async def carried_out(platform: Platform, folder: Path, config: SweepConfig = CONFIG) -> Engine:
    async def listen(event: object) -> None:
        pass

    definition = Definition(config.name, settings_of(config))
    async with Ledger.open(folder / "sweep.sqlite", definition, SystemClock()) as ledger:
        engine = Engine(config, platform, None, listen, SystemClock(), ledger)
        await engine.run()
    return engine


async def test_a_version_is_down_before_its_slot_is_used_again(tmp_path: Path) -> None:
    platform = Platform(falling)
    result = (await carried_out(platform, tmp_path)).result
    assert platform.most == CONFIG.concurrency == 3
    pruned = [trial for trial in result.trials if trial.state is TrialState.PRUNED]
    assert sorted(platform.stopped) == [trial.number for trial in pruned]
    assert len(pruned) >= 6
    assert result.best is not None
    assert result.best.number == 1
    for trial in pruned:
        assert trial.value is None
        assert trial.last_value is not None
        assert trial.last_step is not None
        assert trial.reason == f"stopped early at step {trial.last_step}, with {trial.last_value}"
        assert trial.last_value == pytest.approx(1 - trial.number / 20 + trial.last_step / 1000)
    assert not any(trial.failure for trial in pruned)


async def test_the_record_says_why_and_keeps_the_values(tmp_path: Path) -> None:
    result = (await carried_out(Platform(falling), tmp_path)).result
    trial = next(one for one in result.trials if one.state is TrialState.PRUNED)
    async with Ledger.read(tmp_path / "sweep.sqlite", CONFIG.name, SystemClock()) as ledger:
        whys = [event.why for event in await ledger.events(trial.number)]
        _, measures = await ledger.measures()
    step, value = trial.last_step, trial.last_value
    assert f"does worse than the median of others at step {step}, with {value:g}; to be stopped" in whys
    of_it = {one.step: one.value for one in measures if one.number == trial.number}
    assert max(of_it) == step
    assert of_it[max(of_it)] == value


async def test_what_was_decided_before_a_crash_is_carried_out_after_it(tmp_path: Path) -> None:
    platform = Platform(lambda number: [*falling(number), *falling(number)] * 20)
    definition = Definition(CONFIG.name, settings_of(CONFIG))
    async with Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as ledger:
        await ledger.join("elsewhere", "1 1")
        await ledger.reserve(12, lambda number: CONFIG.begin(number, {"layers": 1}))
        begun = CONFIG.begin(1, {"layers": 1})
        running = evolve(begun, state=TrialState.RUNNING, job_id=7, version_id=101, began_at=1.0)
        await ledger.move(Move(TrialState.RESERVED, running, "made"))
        decided = evolve(running, ending=Ending.PRUNED, last_value=0.25, last_step=3)
        await ledger.move(Move(TrialState.RUNNING, decided, "to be stopped"))
        await ledger.leave()
    platform.begin(1)
    config = evolve(CONFIG, budget=evolve(CONFIG.budget, max_trials=1))
    (trial,) = (await carried_out(platform, tmp_path, config)).result.trials
    assert platform.stopped == [1]
    assert (trial.state, trial.reason) == (TrialState.PRUNED, "stopped early at step 3, with 0.25")


async def test_a_log_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    platform = Platform(falling, log_error=LogGone("cleared", status=400))
    result = (await carried_out(platform, tmp_path)).result
    assert platform.stopped == []
    assert {trial.state for trial in result.trials} == {TrialState.SUCCEEDED}


async def test_values_that_are_no_numbers_are_passed_over(tmp_path: Path) -> None:
    def told(number: int) -> list[str]:
        return ["epoch 1 accuracy=none", "epoch x accuracy=0.5", *falling(number)]

    result = (await carried_out(Platform(told), tmp_path)).result
    assert {trial.state for trial in result.trials} == {TrialState.SUCCEEDED, TrialState.PRUNED}


async def test_what_is_not_a_number_is_kept_and_stops_a_version(tmp_path: Path) -> None:
    def told(number: int) -> list[str]:
        return falling(number) if number < 4 else ["epoch 1 accuracy=nan", *falling(number)]

    result = (await carried_out(Platform(told), tmp_path)).result
    diverged = result.trials[7]
    assert (diverged.state, diverged.last_value, diverged.last_step) == (TrialState.PRUNED, None, 1)
    async with Ledger.read(tmp_path / "sweep.sqlite", CONFIG.name, SystemClock()) as ledger:
        _, measures = await ledger.measures()
    (kept,) = (one for one in measures if one.number == 8)
    assert math.isnan(kept.value)
    assert kept.marks is None


async def test_a_pattern_that_never_ends_is_given_up_and_the_sweep_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = LogPattern(re.compile("^(a|aa)+$"))
    assert CONFIG.pruning is not None
    slow = evolve(CONFIG, pruning=evolve(CONFIG.pruning, source=source), budget=evolve(CONFIG.budget, max_trials=2))
    platform = Platform(lambda number: ["a" * 60 + "b", *falling(number) * 25])
    result = (await carried_out(platform, tmp_path, slow)).result
    assert {trial.state for trial in result.trials} == {TrialState.SUCCEEDED}
    assert "is not looked at any more while it runs: the pattern takes longer than 1 s" in caplog.text
