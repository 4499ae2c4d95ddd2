"""Simulated versions take their time, print their lines and tell their metric, the same under the same seed."""

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.local import LocalPlatform
from aiomodelarts.local.board import Version
from aiomodelarts.local.settings import RunSettings
from aiomodelarts.local.simulated import SimulatedExecutor, Simulation, quality
from tests.local.caller import calling


def version(version_id: int, **parameters: object) -> Version:
    pairs = tuple((label, str(value)) for label, value in parameters.items())
    return Version(version_id, 1, "V0001", None, RunSettings(parameters=pairs), 0)


def test_a_seed_decides_and_the_bounds_hold():
    simulation = Simulation.parse("duration=5..25,fail=0.25,seed=3")
    fates = [simulation.fate(version(number)) for number in range(2000)]
    assert fates == [
        Simulation.parse("duration=5..25,fail=0.25,seed=3").fate(version(number)) for number in range(2000)
    ]
    assert fates != [
        Simulation.parse("duration=5..25,fail=0.25,seed=4").fate(version(number)) for number in range(2000)
    ]
    assert all(5 <= fate.duration_s <= 25 for fate in fates)
    assert 0.2 < sum(fate.fails for fate in fates) / len(fates) < 0.3


@pytest.mark.parametrize(
    "spec",
    ["duration", "duration=x", "duration=5..x", "duration=-1", "duration=inf", "fail=x", "metric=a b", "log_lines=-1"],
)
def test_a_wrong_setting_is_named(spec):
    with pytest.raises(ValueError, match=re.escape(repr(spec)) if spec != "duration" else "duration"):
        Simulation.parse(spec)


@given(st.floats(1e-5, 1.0), st.text(max_size=5))
def test_the_metric_is_smooth_and_bounded(rate, word):
    here = quality((("lr", repr(rate)), ("word", word)))
    near = quality((("lr", repr(rate * 1.001)), ("word", word)))
    assert 0.5 <= here <= 1
    assert abs(here - near) < 0.01


def test_one_timer_serves_thousands_of_versions():
    now, timers, ended = 0.0, [], []
    executor = SimulatedExecutor(
        Simulation.parse("duration=1..9"),
        lambda: now,
        lambda delay_s, callback: timers.append((now + delay_s, callback)),
        lambda version_id, ending: ended.append(version_id),
    )
    for number in range(5000):
        executor.start(None, version(number))
    armed = len(timers)
    assert armed < 50
    while timers:
        timers.sort(key=lambda timer: timer[0])
        now, callback = timers.pop(0)
        callback()
    assert sorted(ended) == list(range(5000))


@pytest.mark.parametrize(("fail", "status"), [(0, 10), (1, 11)])
async def test_the_log_ends_with_the_metric_that_the_list_tells(tmp_path, fail, status):
    options = {"executor": "simulated", "simulate": f"duration=0,fail={fail},metric=f1,log_lines=3"}
    async with LocalPlatform(tmp_path, **options) as platform, calling(platform) as caller:
        made = await caller.create_job(parameter=[{"label": "lr", "value": "0.01"}])
        detail = await caller.finished(made)
        lines = (await caller.log(made)).splitlines()
    assert detail["status"] == status
    assert [line.split()[1] for line in lines[:3]] == ["1/3", "2/3", "3/3"]
    value = float(lines[2].partition("f1=")[2])
    assert value == pytest.approx(quality((("lr", "0.01"),)), abs=1e-6)
    if fail:
        assert lines[3] == "RuntimeError: the simulated training failed"
        assert detail["model_metric_list"] is None
    else:
        assert orjson.loads(detail["model_metric_list"])["total_metric"]["total_metric_values"] == {"f1": value}
