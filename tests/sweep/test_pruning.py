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
from hypothesis import given, settings
from hypothesis import strategies as st

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import LogGone, TrainingCancelled
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.config import SweepConfig
from aiomodelarts.sweep.definition import settings_of
from aiomodelarts.sweep.engine import Engine
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Measure, Move
from aiomodelarts.sweep.objective import Goal, LogPattern
from aiomodelarts.sweep.pruning import METHODS, Pruning, kept_step
from aiomodelarts.sweep.trial import Ending, Trial, TrialState
from aiomodelarts.sweep.versions import Version

from .test_sweep_file import GOOD, complaint, read

pytest.importorskip("optuna", reason="needs the extra sweep")
from aiomodelarts.sweep.judge import Judge, Verdict

PATTERN = r"epoch (?P<step>\d+) accuracy=(?P<value>\S+)"
TEXT = GOOD.replace("accuracy=([0-9.]+)", PATTERN)
NEEDED = {"hyperband": "max_resource = 27\n", "threshold": "lower = 0.1\n", "patience": "patience = 3\n"}


def pruning(method: str, goal: Goal = Goal.MAXIMIZE, **given: float) -> Pruning:
    usual = {key: value for key, value in METHODS[method].items() if value is not None}
    return Pruning(method, usual | given, LogPattern(re.compile(PATTERN)), goal)


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


def ended(number: int, value: float) -> Trial:
    return Trial(number, {"x": 1}, "/b/", state=TrialState.SUCCEEDED, value=value)


def stops_at(judge: Judge, number: int, values: Sequence[float]) -> int | None:
    """The step at which a trial that tells these values is stopped."""
    for step, value in enumerate(values, start=1):
        verdict = judge.verdict(number, 1, step, value)
        if verdict is not None and verdict.stop:
            return step
    return None


@pytest.mark.parametrize("goal", Goal)
def test_median_stops_what_is_worse_than_half_of_the_others(goal: Goal) -> None:
    sign = 1 if goal is Goal.MAXIMIZE else -1
    judge = Judge(pruning("median", goal, n_startup_trials=3, n_warmup_steps=2), "x")
    for number, level in enumerate((0.2, 0.5, 0.8), start=1):
        # Nothing is stopped before there are others to compare with.
        assert stops_at(judge, number, [sign * level] * 5) is None
        judge.ended(ended(number, sign * level))
    assert stops_at(judge, 4, [sign * 0.6] * 5) is None
    assert stops_at(judge, 5, [sign * 0.4] * 5) == 2
    # One good value is enough for the best so far.
    assert stops_at(judge, 6, [sign * 0.9, *[sign * 0.1] * 4]) is None


def test_successive_halving_lets_the_best_quarter_pass_each_rung() -> None:
    judge = Judge(pruning("successive-halving", min_resource=1, reduction_factor=2), "x")
    stopped = [stops_at(judge, number, [number / 10] * 8) for number in (8, 7, 6, 5)]
    # Whoever comes first has nobody to be worse than.
    assert stopped == [None, 1, 1, 1]
    assert stops_at(judge, 9, [0.9] * 8) is None


def test_hyperband_stops_within_its_brackets_and_keeps_what_it_has_noted() -> None:
    one = Judge(pruning("hyperband", max_resource=9), "x")
    stopped = {number: stops_at(one, number, [1 - number / 100] * 9) for number in range(1, 40)}
    assert any(stopped.values())
    assert not all(stopped.values())
    # Brackets depend on the sweep's name and the trial alone, so that another controller has the same ones.
    again = Judge(pruning("hyperband", max_resource=9), "x")
    assert stopped == {number: stops_at(again, number, [1 - number / 100] * 9) for number in range(1, 40)}


@pytest.mark.parametrize(
    ("values", "at"),
    [([0.5, 0.05], 2), ([0.5, 0.95], 2), ([0.5, math.nan], 2), ([0.5, math.inf], 2), ([0.1, 0.9, 0.5], None)],
)
def test_threshold_stops_what_lies_outside(values: list[float], at: int | None) -> None:
    assert stops_at(Judge(pruning("threshold", lower=0.1, upper=0.9), "x"), 1, values) == at


NOTHING = [0.5, math.nan, math.nan, math.nan]


@pytest.mark.parametrize(
    ("values", "at"),
    [([0.1, 0.2, 0.3, 0.4, 0.5], None), ([0.5, 0.4, 0.4, 0.4, 0.4], 4), ([0.5, 0.4, 0.6, 0.4], None), (NOTHING, 4)],
)
def test_patience_stops_what_no_longer_becomes_better(values: list[float], at: int | None) -> None:
    assert stops_at(Judge(pruning("patience", patience=2), "x"), 1, values) == at


def test_a_step_counts_once_and_an_earlier_attempt_not_at_all() -> None:
    judge = Judge(pruning("threshold", lower=0.5), "x")
    assert judge.verdict(1, 1, 1, 0.7) is not None
    assert judge.verdict(1, 1, 1, 0.1) is None
    again = judge.verdict(1, 2, 1, 0.1)
    assert again is not None
    assert again.stop
    assert judge.verdict(1, 1, 2, 0.9) is None


def test_what_an_earlier_attempt_has_told_does_not_help_the_next_one() -> None:
    judge = Judge(pruning("median", n_startup_trials=2), "x")
    for number in (1, 2, 3):
        stops_at(judge, number, [0.5] * 3)
        judge.ended(ended(number, 0.5))
    assert judge.verdict(4, 1, 1, 0.9) == Verdict(Measure(4, 1, 1, 0.9), False)
    again = judge.verdict(4, 2, 2, 0.1)
    assert again is not None
    assert again.stop


told_values = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 9), st.floats(0, 1) | st.just(math.nan)), min_size=1, max_size=40
)


@settings(max_examples=60)
@given(st.sampled_from(sorted(METHODS)), told_values, st.data())
def test_another_controller_comes_to_the_same_verdicts(
    method: str, values: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    """What is in the ledger is enough, wherever a controller takes over."""
    rule = pruning(method, **{"hyperband": {"max_resource": 9}, "patience": {"patience": 2}}.get(method, {}))
    one = other = Judge(rule, "x")
    kept: list[Measure] = []
    stopped: set[int] = set()
    for number, step, value in values:
        if number in stopped:
            continue
        if data.draw(st.booleans()):
            other = Judge(rule, "x")
            other.learn(kept)
        seen = one.verdict(number, 1, step, value)
        also = seen if other is one else other.verdict(number, 1, step, value)
        if seen is None:
            continue
        assert also is not None
        assert (also.stop, also.measure.marks) == (seen.stop, seen.measure.marks)
        kept.append(seen.measure)
        if seen.stop:
            stopped.add(number)
            over = Trial(number, {"x": 1}, "/b/", state=TrialState.PRUNED)
            for judge in {id(one): one, id(other): other}.values():
                judge.ended(over)


@given(st.integers(0, 10**12))
def test_a_log_of_any_length_leaves_few_steps(step: int) -> None:
    kept = kept_step(step)
    assert kept <= step
    assert kept == step or step - kept < step / 20
    assert kept_step(kept) == kept


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
