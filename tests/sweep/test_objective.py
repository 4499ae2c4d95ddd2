"""How a number is read from a log or a file."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from aiomodelarts.sweep.engine.measure import Meter, value_in
from aiomodelarts.sweep.matching import Matcher, PatternTooSlow
from aiomodelarts.sweep.objective import Goal, JsonFile, LogPattern, MetricMissing, Objective, PlatformMetric, Take
from aiomodelarts.sweep.trial import Trial

FOREVER = ("^(a|aa)+$", "a" * 60 + "b")


async def log(*lines: str) -> AsyncIterator[str]:
    for line in lines:
        yield line


async def in_log(pattern: str, *lines: str, goal: Goal = Goal.MAXIMIZE, **which: Any) -> float:
    return await value_in(log(*lines), LogPattern(re.compile(pattern), **which), goal)


async def test_the_last_match_counts() -> None:
    assert await in_log("acc=([0-9.]+)", "acc=0.1", "acc=0.2 acc=0.3", "other") == 0.3


async def test_a_group_named_value_comes_before_the_first() -> None:
    assert await in_log("(step [0-9]+).*acc=(?P<value>[0-9.]+)", "step 5: acc=0.5") == 0.5


async def test_a_group_for_the_step_is_not_the_value() -> None:
    assert await in_log("epoch (?P<step>[0-9]+) acc=([0-9.]+)", "epoch 5 acc=0.5") == 0.5


async def test_a_group_that_took_no_part_is_no_match() -> None:
    assert await in_log("acc=(?:none|([0-9.]+))", "acc=0.4", "acc=none") == 0.4


async def test_flags_of_a_pattern_are_kept() -> None:
    source = LogPattern(re.compile("ACC=(.+)", re.IGNORECASE))
    assert await value_in(log("acc=0.25"), source, Goal.MAXIMIZE) == 0.25


@pytest.mark.parametrize(("goal", "best"), [(Goal.MAXIMIZE, 0.9), (Goal.MINIMIZE, 0.2)])
async def test_the_best_value_is_taken_where_the_file_says_so_whatever_else_stands_there(
    goal: Goal, best: float
) -> None:
    lines = ("acc=0.2", "acc=nan", "acc=0.9", "acc=-", "acc=0.5")
    assert await in_log("acc=(.+)", *lines, goal=goal, take=Take.BEST) == best


async def test_the_value_at_a_step_is_that_of_the_steps_last_line() -> None:
    lines = [f"epoch {step} acc={value}" for step, value in ((1, 0.1), (2, 0.2), (2, 0.25), (3, 0.3))]
    assert await in_log(r"epoch (?P<step>\d+) acc=(.+)", *lines, take=Take.STEP, step=2) == 0.25
    # Without a group for it, the step is the place among the matches.
    assert await in_log("acc=(.+)", *lines, take=Take.STEP, step=4) == 0.3
    with pytest.raises(MetricMissing, match="no value at step 9; the last one is at step 3"):
        await in_log(r"epoch (?P<step>\d+) acc=(.+)", *lines, take=Take.STEP, step=9)


async def test_a_pattern_that_goes_back_and_forth_for_ever_is_given_up_and_others_go_on_meanwhile() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    going_on = asyncio.create_task(others())
    matcher = Matcher(re.compile(FOREVER[0]), patience_s=0.1)
    with pytest.raises(PatternTooSlow, match="on a log line of 61 characters"):
        await asyncio.to_thread(matcher.find, [FOREVER[1]])
    going_on.cancel()
    await asyncio.gather(going_on, return_exceptions=True)
    assert turns > 2


async def test_a_pattern_that_takes_too_long_leaves_no_metric_and_says_why() -> None:
    with pytest.raises(MetricMissing, match="the pattern takes longer than 1 s"):
        await in_log(FOREVER[0], FOREVER[1])


async def test_a_pattern_that_is_a_little_slow_on_every_line_is_given_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["a" * 20 + "b"] * 1000
    monkeypatch.setattr("aiomodelarts.sweep.matching._RESERVE_S", 0.05)
    with pytest.raises(MetricMissing, match=r"the pattern takes too long for the first \d+ lines of the log; nested"):
        await in_log(FOREVER[0], *lines)
    assert await in_log("^a*=?(.+)", *lines, "0.5") == 0.5


async def test_a_step_that_no_database_takes_is_none() -> None:
    lines = [f"step {step} acc={value}" for step, value in ((3, 0.3), (10**15, 0.5), (2**63, 0.7), (-(2**64), 0.9))]
    found = Matcher(re.compile(r"step (?P<step>-?\d+) acc=(.+)")).find(lines)
    assert [match.step for match in found] == [3, 10**15, None, None]
    assert await in_log(r"step (?P<step>-?\d+) acc=(.+)", *lines) == 0.9


async def test_a_file_is_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def loads(content: bytes) -> Any:
        threads.append(threading.current_thread())
        return json.loads(content)

    monkeypatch.setattr("aiomodelarts.sweep.objective.json", SimpleNamespace(loads=loads))
    files = SimpleNamespace(read=AsyncMock(return_value=b'{"a": 2}'))
    meter = Meter(Objective(JsonFile("m.json", "a"), Goal.MAXIMIZE), files)  # type: ignore[arg-type]
    assert await meter.read(Trial(1, {}, "/out/"), SimpleNamespace(), None) == 2  # type: ignore[arg-type]
    assert threads != [threading.main_thread()]
    assert len(threads) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [("loss=1", "no log line matches"), ("acc=nan", "the metric is nan"), ("acc=-", "which is no number")],
)
async def test_a_missing_metric_has_a_reason(line: str, words: str) -> None:
    with pytest.raises(MetricMissing, match=words):
        await in_log("acc=(.+)", line)


def test_a_dotted_key_walks_tables_and_lists() -> None:
    assert JsonFile("m.json", "a.1.b").read(b'{"a": [0, {"b": 2}]}') == 2.0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "left no m.json"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"b": 1}', "has no a"),
        (b"[1]", "has no a"),
        (b'{"a": "0.5"}', "is '0.5', not a number"),
        (b'{"a": true}', "is True, not a number"),
        (b'{"a": NaN}', "the metric is nan"),
        (b'{"a": 1' + b"0" * 400 + b"}", "too large"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_without_the_number_has_a_reason(content: bytes | None, words: str) -> None:
    with pytest.raises(MetricMissing, match=words):
        JsonFile("m.json", "a").read(content)


def test_goals() -> None:
    assert Goal.MAXIMIZE.prefers(2, 1)
    assert not Goal.MAXIMIZE.prefers(1, 1)
    assert Goal.MINIMIZE.prefers(1, 2)


def metrics(whole: object = None, *each: object) -> dict[str, object]:
    return {"metric": [{"metric_values": one} for one in each], "total_metric": {"total_metric_values": whole}}


@pytest.mark.parametrize(
    ("told", "value"),
    [
        (metrics({"f1": 0.5, "id": 1}), 0.5),
        (metrics({"f1": "0.5"}), 0.5),
        (metrics(None, {"f1": 0.25}), 0.25),
        (metrics([], {"other": 1}, {"f1": 2}), 2.0),
        (metrics({"f1": 0.5}, {"f1": 0.1}, {"f1": 0.9}), 0.5),
    ],
)
def test_a_metric_of_the_platforms_list(told: object, value: float) -> None:
    assert PlatformMetric("f1").read(told) == value


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (None, "has no f1; it lists none"),
        ("{broken", "has no f1; it lists none"),
        ([1, 2], "it lists none"),
        ({"metric": {"a": 1}, "total_metric": []}, "it lists none"),
        (metrics({"recall": 1, "accuracy": 2}), "has no f1; it lists accuracy, recall"),
        (metrics(None, {"f1": 1}, {"f1": 2}), "tells f1 for 2 classes"),
        (metrics({"f1": float("nan")}), "the metric is nan"),
        (metrics({"f1": "good"}), "is no number"),
        (metrics({"f1": None}), "the metric f1 is None, not a number"),
    ],
)
def test_a_metric_that_the_platform_does_not_tell_has_a_reason(told: object, words: str) -> None:
    with pytest.raises(MetricMissing, match=words):
        PlatformMetric("f1").read(told)
