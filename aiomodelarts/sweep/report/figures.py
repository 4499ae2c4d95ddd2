"""The charts of a report, as plain values that plotly draws. Pure.

A colour that begins with ``@`` is a name; the page puts in what it stands for, in its light or dark colours. The text
``@hover`` is what the page says of the trials that ``customdata`` names: it would be the same in every chart.
"""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from attrs import evolve, field, frozen

from ..objective import Goal
from ..trial import Trial, TrialState
from ..words import brief, moment, plain
from .data import ReportData
from .dimensions import Dimension
from .spans import AGAIN, Span

_MOST_BARS = 3000
# So many times the distance of the quartiles beyond them, a value would press all others together.
_FAR_OFF = 3.0


@frozen
class Chart:
    """One chart, or the reason why it is not there.

    Args:
        title: in words.
        note: what is to be known of it, or why it is not there; without either, nothing of it is shown.
        data: plotly's traces.
        layout: plotly's.
        least_width: in pixels; a narrower screen scrolls it sideways.
    """

    title: str
    note: str = ""
    data: Sequence[dict[str, Any]] = ()
    layout: dict[str, Any] = field(factory=dict)
    least_width: int = 0

    def as_json(self) -> dict[str, Any]:
        """The chart for the page."""
        return {
            "title": self.title,
            "note": self.note,
            "data": list(self.data),
            "layout": self.layout,
            "least_width": self.least_width,
        }


def colour(outcome: str) -> str:
    """The name of the colour of a state, as the page knows it."""
    return "@state-" + outcome.replace(" ", "-")


def best_over_time(data: ReportData, trials: Sequence[Trial]) -> Chart:
    """The value of each trial when it ended, and the best one until then; ``trials`` are those that are drawn."""
    title = "Best over time"
    known = ((_end_of(trial), trial) for trial in data.trials)
    ended = sorted(((at, trial) for at, trial in known if at is not None), key=lambda pair: pair[0])
    if not ended:
        return Chart(title, "No trial has a value yet.")
    steps: list[tuple[float, float]] = []
    for at, trial in ended:
        assert trial.value is not None
        if not steps or data.goal.prefers(trial.value, steps[-1][1]):
            steps.append((at, trial.value))
    steps.append((ended[-1][0], steps[-1][1]))
    shown = {trial.number for trial in trials}
    dots = [(at, trial) for at, trial in ended if trial.number in shown]
    stopped = [
        (trial.began_at + (trial.duration_s or 0.0), evolve(trial, value=trial.last_value))
        for trial in (trials if data.shows_stopped else ())
        if trial.state is TrialState.PRUNED and trial.began_at is not None and trial.last_value is not None
    ]
    traces: list[dict[str, Any]] = [
        _dots("trial", dots, data.zone, {"color": "@dot", "size": 7, "opacity": 0.75}),
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best so far",
            "x": [moment(at, data.zone) for at, _ in steps],
            "y": [value for _, value in steps],
            "line": {"shape": "hv", "color": "@best", "width": 2.5},
            "hoverinfo": "skip",
        },
    ]
    if stopped:
        open_ = {"color": "@state-pruned", "size": 7, "symbol": "circle-open"}
        traces.append(_dots("stopped early, last value", stopped, data.zone, open_))
    yaxis, note = _close_up([trial.value for _, trial in ended if trial.value is not None], data.goal)
    xaxis: dict[str, Any] = {"type": "date"}
    if len(ended) + len(stopped) == 1:
        # By itself, a single moment would be drawn in fractions of a millisecond, and a single value from zero on.
        xaxis["range"], yaxis = _around(ended[0], data.zone)
    layout = {"xaxis": xaxis, "yaxis": yaxis, "showlegend": True, "height": 320}
    return Chart(title, note, traces, layout)


def _around(ended: tuple[float, Trial], zone: tzinfo) -> tuple[list[str], dict[str, Any]]:
    """A span of time, and a range of values, around one trial."""
    at, trial = ended
    assert trial.value is not None
    half, pad = max(60.0, (trial.duration_s or 0.0) / 2), abs(trial.value) * 0.05 or 1.0
    return [moment(at - half, zone), moment(at + half, zone)], {"range": [trial.value - pad, trial.value + pad]}


def _dots(name: str, some: Sequence[tuple[float, Trial]], zone: tzinfo, marker: dict[str, Any]) -> dict[str, Any]:
    """A dot for each value at the time when its trial ended."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [moment(at, zone) for at, _ in some],
        "y": [trial.value for _, trial in some],
        "text": "@hover",
        "customdata": [trial.number for _, trial in some],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
    }


def trade_off(data: ReportData, trials: Sequence[Trial], front: Sequence[Trial]) -> Chart:
    """The first two of several objectives over each other, and the trials that no other one beats."""
    title = "Trade-offs"
    if len(data.several) < 2:
        return Chart(title)
    valued = [trial for trial in trials if trial.values]
    if not valued:
        return Chart(title, "No trial has its values yet.")
    (x_name, x_aim), (y_name, y_aim) = list(data.several.items())[:2]
    beaten = {trial.number for trial in valued} - {trial.number for trial in front}
    best = sorted(front, key=lambda trial: trial.values)
    both = len(data.several) == 2
    traces = [
        _pairs("trial", [trial for trial in valued if trial.number in beaten], {"color": "@dot", "opacity": 0.6}),
        _pairs("not beaten", best, {"color": "@best", "size": 10})
        | {"mode": "lines+markers" if both else "markers", "line": {"color": "@best", "width": 1.5, "dash": "dot"}},
    ]
    layout = {
        "xaxis": {"title": {"text": f"{brief(x_name)} ({x_aim.goal.value})"}},
        "yaxis": {"title": {"text": f"{brief(y_name)} ({y_aim.goal.value})"}},
        "showlegend": True,
        "height": 380,
    }
    more = "" if both else f" Drawn are the first two of {len(data.several)} objectives."
    note = f"Of the large dots none is beaten by another trial in every objective.{more}"
    return Chart(title, note, traces, layout)


def _pairs(name: str, some: Sequence[Trial], marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [trial.values[0] for trial in some],
        "y": [trial.values[1] for trial in some],
        "text": "@hover",
        "customdata": [trial.number for trial in some],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 7} | marker,
    }


def parallel(data: ReportData, trials: Sequence[Trial], dimensions: Sequence[Dimension]) -> Chart:
    """One line for each of these trials, which have a value, across all hyperparameters to it."""
    title = "Parallel coordinates"
    values = [trial.value for trial in trials if trial.value is not None]
    if len(values) < 2:
        return Chart(title, "It compares trials, and there is one with a value." if values else "")
    result = Dimension("value", log=False, categories=(), values=tuple(values))
    axes = [{"label": brief(one.name), **one.as_line()} for one in dimensions]
    axes.append({"label": "<b>value</b>", **result.as_line()})
    trace = {
        "type": "parcoords",
        "dimensions": axes,
        "line": {
            "color": _places(values, data.goal),
            "colorscale": "@ramp",
            "cmin": 0,
            "cmax": 1,
        },
        "labelfont": {"size": 13, "color": "@text"},
        "tickfont": {"size": 11, "color": "@muted"},
        "rangefont": {"size": 1, "color": "rgba(0,0,0,0)"},
    }
    layout = {"height": 360, "margin": {"t": 48, "b": 24, "l": 84, "r": 64}}
    note = "Drag along an axis to keep only the trials that pass there. The stronger the colour, the better the value."
    return Chart(title, note, [trace], layout, least_width=110 * len(axes))


def importance(data: ReportData) -> Chart:
    """How much of the value each hyperparameter decides."""
    title = "Importance"
    if not data.importance:
        return Chart(title, data.importance_note)
    rows = [*data.importance.items()][::-1]
    shares = [share for _, share in rows]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": shares,
        "y": [brief(name) for name, _ in rows],
        "text": [f"{share:.0%}" for share in shares],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": "@dot"},
        "hoverinfo": "skip",
    }
    xaxis = {"tickformat": ".0%", "range": [0, max(shares) * 1.15 or 1], "fixedrange": True}
    layout = {"xaxis": xaxis, "yaxis": {"type": "category", "fixedrange": True}, "height": 80 + 34 * len(rows)}
    return Chart(title, data.importance_note, [trace], layout)


def one_slice(trials: Sequence[Trial], dimension: Dimension, best: Trial | None, goal: Goal) -> Chart:
    """The value of each of these trials, which have one, over one hyperparameter."""
    pairs = [
        (trial, value)
        for trial, value in zip(trials, dimension.values, strict=True)
        if value is not None and trial.value is not None
    ]
    if dimension.categories:
        xaxis: dict[str, Any] = {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [plain(name) for name in dimension.categories],
            "tickvals": [plain(name) for name in dimension.categories],
            "ticktext": [brief(name) for name in dimension.categories],
        }
    else:
        xaxis = {"type": "log", **_log_steps(pairs)} if dimension.log else {"type": "linear"}
    yaxis, _ = _close_up([trial.value for trial, _ in pairs if trial.value is not None], goal)
    traces = []
    for some, name, size in (
        ([pair for pair in pairs if best is None or pair[0].number != best.number], "dot", 6),
        ([pair for pair in pairs if best is not None and pair[0].number == best.number], "best", 11),
    ):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [_category(dimension, value) for _, value in some],
                "y": [trial.value for trial, _ in some],
                "text": "@hover",
                "customdata": [trial.number for trial, _ in some],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"color": f"@{name}", "size": size, "opacity": 0.75 if name == "dot" else 1},
            }
        )
    return Chart(dimension.name, "", traces, {"xaxis": xaxis, "yaxis": yaxis, "height": 220, "showlegend": False})


def timeline(data: ReportData, found: Sequence[Span]) -> Chart:
    """When each attempt ran, one row a slot."""
    title = "Timeline of slots"
    if not found:
        return Chart(title, "Nothing was created yet.")
    shown = found[-_MOST_BARS:]
    outcomes = sorted({span.outcome for span in shown}, key=_rank)
    traces = [_bars(outcome, [span for span in shown if span.outcome == outcome], data.zone) for outcome in outcomes]
    rows = max(span.slot for span in shown) + 1
    labelled = range(0, rows, 1 if rows <= 24 else 10)
    yaxis = {
        "range": [rows - 0.4, -0.6],
        "title": {"text": "slot"},
        "fixedrange": True,
        "showgrid": False,
        "tickvals": [*labelled],
        "ticktext": [str(row + 1) for row in labelled],
    }
    layout = {
        "barmode": "overlay",
        "xaxis": {"type": "date"},
        "yaxis": yaxis,
        "showlegend": True,
        "height": min(110 + 24 * rows, 640),
    }
    note = f"The last {_MOST_BARS} of {len(found)} attempts." if len(found) > len(shown) else ""
    return Chart(title, note, traces, layout)


def _bars(outcome: str, some: Sequence[Span], zone: tzinfo) -> dict[str, Any]:
    told = [
        f"<b>trial {span.trial}</b>, attempt {span.attempt}<br>{plain(span.outcome)}: {plain(span.why[:100])}"
        for span in some
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "name": outcome,
        "base": [moment(span.begins, zone) for span in some],
        "x": [max(1.0, (span.ends - span.begins) * 1000) for span in some],
        "y": [span.slot for span in some],
        "width": 0.8,
        "text": told,
        "textposition": "none",
        "customdata": [span.trial for span in some],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": colour(outcome), "line": {"width": 1, "color": "@surface"}},
    }


def _places(values: Sequence[float], goal: Goal) -> list[float]:
    """From 0 for the worst value to 1 for the best, evenly: a few values far off would make all others look alike."""
    ranked = sorted(set(values), reverse=goal is Goal.MINIMIZE)
    place = {value: (at + 1) / len(ranked) for at, value in enumerate(ranked)}
    return [place[value] for value in values]


def _close_up(values: Sequence[float], goal: Goal) -> tuple[dict[str, Any], str]:
    """The range in which most values lie, and what is left out of it; all of them where none lies far off."""
    ordered = sorted(values)
    lower, upper = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    reach = _FAR_OFF * (upper - lower)
    if goal is Goal.MAXIMIZE:
        low, high = max(ordered[0], lower - reach), ordered[-1]
    else:
        low, high = ordered[0], min(ordered[-1], upper + reach)
    outside = sum(not low <= value <= high for value in values)
    if not outside:
        return {}, ""
    pad = 0.06 * (high - low)
    note = f"{outside} of {len(values)} values are far worse and lie outside; a double click shows them."
    return {"range": [low - pad, high + pad]}, note


def _rank(outcome: str) -> int:
    order = [state.value for state in TrialState] + [AGAIN]
    return order.index(outcome) if outcome in order else len(order)


def _log_steps(pairs: Sequence[tuple[Trial, Any]]) -> dict[str, Any]:
    numbers = [value for _, value in pairs]
    return {"dtick": 1 if max(numbers) > 30 * min(numbers) else "D2", "exponentformat": "e"}


def _category(dimension: Dimension, value: Any) -> Any:
    return plain(dimension.categories[int(dimension.place(value))]) if dimension.categories else value


def _end_of(trial: Trial) -> float | None:
    if trial.value is None or trial.began_at is None:
        return None
    return trial.began_at + (trial.duration_s or 0.0)
