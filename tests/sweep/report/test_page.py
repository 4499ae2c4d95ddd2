"""The page and its charts: what they say of sweeps of every kind, and that no text of a script becomes markup."""

import json
import re
from datetime import timedelta, timezone
from typing import Any

import pytest
from attrs import evolve

from aiomodelarts.sweep.ledger.records import Event
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.report import ReportData, page
from aiomodelarts.sweep.report.data import drawn
from aiomodelarts.sweep.report.dimensions import UNSET, Dimension
from aiomodelarts.sweep.report.figures import one_slice
from aiomodelarts.sweep.report.importance import importance
from aiomodelarts.sweep.report.page import contents
from aiomodelarts.sweep.report.spans import spans
from aiomodelarts.sweep.space.space import Choice, Float, Int
from aiomodelarts.sweep.trial import Trial, TrialState

from .stories import AXES, HOSTILE, START, story

go = pytest.importorskip("plotly.graph_objects", reason="reports need plotly: pip install 'aiomodelarts[report]'")


def painted(value: Any) -> Any:
    """With colours in place of their names, as the page puts them in."""
    if isinstance(value, dict):
        return {name: painted(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [painted(inner) for inner in value]
    if value == "@ramp":
        return [[0, "#000000"], [1, "#ffffff"]]
    return "#123456" if isinstance(value, str) and re.fullmatch(r"@[a-z-]+", value) else value


STORIES = {
    "under way": story(count=60),
    "minimized": story(count=20, open_=0, goal=Goal.MINIMIZE),
    "half failed": story(count=40, bad=0.5),
    "all failed": story(count=12, open_=0, bad=1.0),
    "only running": story(count=3, open_=3),
    "one": story(count=1, open_=0, bad=0),
    "empty": story(count=0),
    "stopped early": story(count=40, pruned=0.5),
    "several": story(count=40, several=True),
}


@pytest.mark.parametrize("data", STORIES.values(), ids=list(STORIES))
def test_every_chart_is_one_that_plotly_knows(data: ReportData) -> None:
    told = contents(data)
    front = told["charts"].pop("front")
    assert bool(front["data"]) is bool(data.several)
    charts = [front, *told["charts"].values()]
    for view in told["views"]:
        charts += [*view["charts"].values(), *view["slices"]]
    for chart in charts:
        # Plotly's own schema refuses names and values that it does not have.
        go.Figure(data=painted(chart["data"]), layout=painted(chart["layout"]))
        assert chart is front or chart["data"] or chart["note"] or not any(one.value is not None for one in data.trials)
    assert len(told["table"]["rows"]) == len(data.trials)


def test_the_best_line_only_gets_better_and_ends_at_the_best() -> None:
    for goal in Goal:
        data = story(count=80, goal=goal)
        line = contents(data)["views"][0]["charts"]["history"]["data"][1]
        values = line["y"]
        assert values == sorted(values, reverse=goal is Goal.MINIMIZE)
        choose = max if goal is Goal.MAXIMIZE else min
        assert values[-1] == choose(trial.value for trial in data.trials if trial.value is not None)


def test_the_head_counts_all_trials() -> None:
    data = story(count=60)
    facts = {fact["name"]: fact["value"] for fact in contents(data)["facts"]}
    assert facts["running"] == "3"
    assert facts["to go"] == "20"
    states = [trial.state.value for trial in data.trials]
    assert facts["succeeded"] == str(states.count("succeeded"))
    assert "has 57 of 80 trials over" in contents(data)["said"]
    assert "is finished" in contents(story(count=5, open_=0, planned=5))["said"]
    assert "was not begun" in contents(story(count=0))["said"]


def test_no_text_of_a_script_ends_an_element_or_becomes_markup() -> None:
    data = story(count=4, bad=1.0, open_=0, reason=HOSTILE)
    trial = evolve(data.trials[0], point={HOSTILE: HOSTILE}, value=0.5, state=TrialState.SUCCEEDED)
    data = evolve(data, name=HOSTILE, metric=HOSTILE, trials=(trial, *data.trials[1:]))
    text = page(data)
    assert HOSTILE not in text
    assert text.count("</script>") == 3
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert held is not None
    told = json.loads(held[1])
    assert told["name"] == HOSTILE
    # What plotly is given it would read as HTML.
    (view,) = told["views"]
    assert "<img" not in json.dumps([told["charts"], view["charts"], [one["data"] for one in view["slices"]]])


def test_a_page_holds_each_part_as_it_is_even_one_that_names_another() -> None:
    data = story(count=2, open_=0, reason="{{script}} {{data}}", bad=1.0)
    assert "{{script}} {{data}}" in page(data)


def test_times_are_those_of_the_zone() -> None:
    data = evolve(story(count=3, open_=0, bad=0), zone=timezone(timedelta(hours=8)))
    first = contents(data)["table"]["rows"][0]["history"][0][0]
    assert first == "2026-09-21 22:13:20"


def test_a_long_sweep_is_thinned_out_and_says_so() -> None:
    data = story(count=600)
    some = drawn(data.trials, data.goal, most=100)
    assert len(some) == 100
    best = sorted((trial.value for trial in data.trials if trial.value is not None), reverse=True)[:50]
    assert set(best) <= {trial.value for trial in some}
    assert {trial.state for trial in some} == {trial.state for trial in data.trials}
    assert [trial.number for trial in some] == sorted({trial.number for trial in some})
    assert contents(data)["thinned"] == ""
    long = story(count=1600)
    told = contents(long)
    assert told["thinned"].startswith("Where each trial is a dot, 1500 of 1600 are drawn: the best ones")
    assert len(told["views"][0]["charts"]["history"]["data"][0]["x"]) < 1500
    assert len(told["table"]["rows"]) == 1600


def test_a_single_trial_is_drawn_in_its_surroundings_and_compared_with_nothing() -> None:
    data = STORIES["one"]
    (view,) = contents(data)["views"]
    value = data.trials[0].value
    assert value is not None
    low, high = view["charts"]["history"]["layout"]["yaxis"]["range"]
    assert value * 0.9 < low < value < high < value * 1.1
    begin, end = view["charts"]["history"]["layout"]["xaxis"]["range"]
    assert begin < view["charts"]["history"]["data"][0]["x"][0] < end
    assert (view["charts"]["parallel"]["data"], view["slices"]) == ([], [])
    assert "there is one with a value" in view["charts"]["parallel"]["note"]


def test_a_trials_history_has_the_end_of_its_log() -> None:
    data = story(count=2, open_=0, bad=1.0)
    events = tuple(evolve(one, detail="Traceback:\nValueError") if one.state.is_final else one for one in data.events)
    history = contents(evolve(data, events=events))["table"]["rows"][0]["history"]
    assert history[-1][3] == "Traceback:\nValueError"
    assert len(history[0]) == 3


def test_several_objectives_have_charts_of_their_own_and_a_front() -> None:
    data = story(count=80, several=True)
    told = contents(data)
    assert [view["name"] for view in told["views"]] == ["accuracy", "size"]
    for view, place, choose in zip(told["views"], (0, 1), (max, min), strict=True):
        best = choose(trial.values[place] for trial in data.trials if trial.values)
        assert view["charts"]["history"]["data"][1]["y"][-1] == best
        assert view["best"]["title"].startswith(f"Best {view['name']}: {best:.6g} in trial ")
    front = [trial for trial in data.trials if trial.number in told["table"]["best"]]
    assert len(front) > 1
    for trial in data.trials:
        if trial.values and trial not in front:
            accuracy, size = trial.values
            assert any(one.values[0] >= accuracy and one.values[1] <= size for one in front)
    facts = {fact["name"]: fact["value"] for fact in told["facts"]}
    assert {"best accuracy", "best size"} <= facts.keys()
    assert facts["trade-offs"] == str(len(front))
    assert "maximize accuracy: val_accuracy=([0-9.]+), minimize size: size=([0-9.]+)" in told["said"]


def test_trials_that_were_stopped_early_are_drawn_where_their_last_values_mean_the_same() -> None:
    data = story(count=60, pruned=0.5)
    stopped = [trial for trial in data.trials if trial.state is TrialState.PRUNED]
    traces = {trace["name"]: trace for trace in contents(data)["views"][0]["charts"]["history"]["data"]}
    assert sorted(traces["stopped early, last value"]["customdata"]) == [trial.number for trial in stopped]
    other = contents(evolve(data, shows_stopped=False))["views"][0]["charts"]["history"]["data"]
    assert [trace["name"] for trace in other] == ["trial", "best so far"]


def event(at: float, number: int, state: TrialState, attempt: int = 1) -> Event:
    return Event(START + at, number, attempt, state, "why", 1)


def test_attempts_that_overlap_lie_in_slots_of_their_own() -> None:
    told = [
        event(0, 1, TrialState.RESERVED),
        event(1, 1, TrialState.CREATING),
        event(1, 2, TrialState.CREATING),
        event(2, 1, TrialState.RUNNING),
        event(3, 2, TrialState.RUNNING),
        event(5, 2, TrialState.RESERVED, attempt=2),
        event(6, 3, TrialState.CREATING),
        event(7, 1, TrialState.SUCCEEDED),
        event(8, 2, TrialState.CREATING, attempt=2),
        event(9, 3, TrialState.FAILED),
    ]
    found = spans(told, START + 12)
    assert [(one.trial, one.attempt, one.begins - START, one.ends - START, one.outcome, one.slot) for one in found] == [
        (1, 1, 1, 7, "succeeded", 0),
        (2, 1, 1, 5, "tried again", 1),
        (3, 1, 6, 9, "failed", 1),
        (2, 2, 8, 12, "running", 0),
    ]


def trial(**point: Any) -> Trial:
    return Trial(1, point, "/b/", TrialState.SUCCEEDED, 1.0)


def test_an_axis_of_a_chart_goes_from_one_round_number_to_another() -> None:
    line = Dimension.of("x", Float(0, 1), [trial(x=at / 97) for at in range(3, 91)]).as_line()
    assert line["ticktext"] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert line["range"] == [0, 1]


def test_a_logarithmic_axis_is_labelled_with_the_numbers_themselves() -> None:
    line = Dimension.of("x", Float(1e-5, 1, log=True), [trial(x=10 ** (-at / 5)) for at in range(23)]).as_line()
    assert line["ticktext"] == ["1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]
    assert line["tickvals"] == pytest.approx([-5, -4, -3, -2, -1, 0])
    whole = Dimension.of("x", Int(1, 1000, log=True), [trial(x=at) for at in (1, 2, 9, 30, 90, 250, 400, 700, 1000)])
    assert whole.log
    assert whole.as_line()["tickvals"] == pytest.approx([0, 1, 2, 3])


def test_what_was_not_set_has_a_place_beneath() -> None:
    line = Dimension.of("x", Int(1, 4), [trial(x=1), trial(), trial(x=4)]).as_line()
    assert line["ticktext"] == [UNSET, "1", "4"]
    assert line["values"][1] == line["range"][0] < 1


def test_a_list_of_numbers_is_shown_in_their_order_and_one_of_texts_in_its_own() -> None:
    numbers = Dimension.of("x", Choice((64, 16, 32)), [trial(x=32), trial(x=64)])
    assert numbers.categories == ("16", "32", "64")
    texts = Dimension.of("x", Choice(("tanh", "relu")), [trial(x="relu")])
    assert texts.categories == ("tanh", "relu")
    assert texts.as_line()["values"] == [1]


def test_long_names_of_choices_leave_room_for_the_chart_and_are_no_markup() -> None:
    values = ("<b>", "a" * 500)
    trials = [evolve(trial(x=value), value=0.5, state=TrialState.SUCCEEDED) for value in values]
    one = Dimension.of("x", Choice(values), trials)
    assert one.as_line()["ticktext"] == ["<b>", f"{'a' * 11}\N{HORIZONTAL ELLIPSIS}"]
    xaxis = one_slice(trials, one, None, Goal.MAXIMIZE).layout["xaxis"]
    assert xaxis["ticktext"] == ["&lt;b&gt;", f"{'a' * 17}\N{HORIZONTAL ELLIPSIS}"]
    assert xaxis["tickvals"] == ["&lt;b&gt;", "a" * 500]


def test_choices_that_python_takes_for_equal_have_places_of_their_own() -> None:
    for values in ((1, True), (False, "0", 0)):
        one = Dimension.of("x", Choice(values), [trial(x=value) for value in values])
        assert one.as_line()["values"] == [0.0, 1.0] if len(values) == 2 else [0.0, 1.0, 1.0]


def test_importance_is_told_from_the_trials_that_lie_in_the_space_as_it_is_now() -> None:
    data = story(count=200, bad=0)
    wide = Float(1e-5, 1, log=True)
    now = {"learning_rate": Float(1e-5, 1e-2, log=True), "dropout": AXES["dropout"], "augment": Choice((True,))}
    inside = [one for one in data.trials if now["learning_rate"].low <= one.point["learning_rate"] <= 1e-2]
    assert 10 < len(inside) < len(data.trials)
    shares, _ = importance(now, data.trials, data.goal)
    assert (
        shares
        == importance(now, inside, data.goal)[0]
        != importance(now | {"learning_rate": wide}, data.trials, data.goal)[0]
    )
    other = now | {"dropout": Choice(("none", "all"))}
    assert importance(other, data.trials, data.goal)[1] == (
        "It can be told from 10 trials with a value on; there are 0."
    )


def test_importance_finds_what_decides_and_says_why_it_cannot() -> None:
    data = story(count=200, bad=0)
    axes = {name: AXES[name] for name in ("learning_rate", "dropout", "augment")}
    shares, note = importance(axes, data.trials, data.goal)
    assert next(iter(shares)) == "learning_rate"
    assert sum(shares.values()) == pytest.approx(1)
    assert "PED-ANOVA" in note
    assert importance(axes, data.trials[:5], data.goal) == (
        {},
        "It can be told from 10 trials with a value on; there are 5.",
    )
    same = tuple(evolve(one, value=1.0) for one in data.trials[:50])
    assert importance(axes, same, data.goal) == ({}, "All values are equal.")
    # One that some trials go without is left out, and named.
    some, why = importance({**axes, "momentum": AXES["momentum"]}, data.trials, data.goal)
    assert some == shares
    assert why.endswith("Not every trial has momentum.")
    only = {"dropout": AXES["dropout"]}
    assert importance(only, data.trials, data.goal) == ({}, "There is one hyperparameter, and it decides everything.")
