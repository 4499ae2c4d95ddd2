"""The page: what is said in words, the charts and the table, put into the one template. Blocks."""

import json
from collections import Counter, defaultdict
from datetime import tzinfo
from importlib.resources import files
from typing import Any

from ..ledger.records import Event
from ..result import best_of
from ..trial import Trial
from . import figures
from .data import ReportData, drawn
from .dimensions import dimensions
from .spans import Span, spans
from .words import moment, number, point, scalar


def page(data: ReportData) -> str:
    """The report as one HTML file that needs nothing else.

    Raises:
        ModuleNotFoundError: plotly is not installed.
    """
    from plotly.offline import get_plotlyjs

    parts = {
        "{{title}}": _html_text(f"Sweep {data.name}"),
        "{{style}}": _read("report.css"),
        "{{plotly}}": get_plotlyjs(),
        "{{data}}": _in_script(contents(data)),
        "{{script}}": _read("report.js"),
    }
    # Each part is put in once: what a part holds is never looked at again.
    text, made = _read("report.html"), []
    for mark, part in parts.items():
        before, _, text = text.partition(mark)
        made += [before, part]
    return "".join([*made, text])


def contents(data: ReportData) -> dict[str, Any]:
    """Everything that the page shows, as JSON types."""
    chosen = drawn(data.trials, data.goal)
    valued = tuple(trial for trial in chosen if trial.value is not None)
    best = best_of(data.trials, data.goal)
    found = spans(data.events, data.at)
    axes = dimensions(data.parameters, data.axes, valued)
    return {
        "name": data.name,
        "said": _said(data),
        "facts": _facts(data, best, found),
        "best": None if best is None else _best(best),
        "thinned": _thinned(data, chosen),
        "charts": {
            "history": figures.best_over_time(data, valued).as_json(),
            "parallel": figures.parallel(data, valued, axes).as_json(),
            "importance": figures.importance(data).as_json(),
            "timeline": figures.timeline(data, found).as_json(),
        },
        "slices": [figures.one_slice(valued, one, best, data.goal).as_json() for one in axes],
        "table": _table(data, chosen, best),
    }


def _said(data: ReportData) -> str:
    over = sum(trial.state.is_final for trial in data.trials)
    if not data.trials:
        how = "was not begun"
    elif over == data.planned == len(data.trials):
        how = "is finished"
    else:
        how = f"has {over} of {data.planned} trials over"
    when = moment(data.at, data.zone)[:16]
    zone = data.zone.tzname(None) or "local time"
    return f"{data.search}; {data.goal.value} {data.metric}. At {when} ({zone}) the sweep {how}."


def _facts(data: ReportData, best: Trial | None, found: list[Span]) -> list[dict[str, str]]:
    states = Counter(trial.state.value for trial in data.trials)
    facts = [{"name": "best", "value": "none yet" if best is None or best.value is None else number(best.value)}]
    facts += [{"name": state, "value": str(count)} for state, count in sorted(states.items())]
    to_go = data.planned - len(data.trials)
    if to_go > 0:
        facts.append({"name": "to go", "value": str(to_go)})
    if found:
        first, last = min(span.begins for span in found), max(span.ends for span in found)
        facts.append({"name": "elapsed", "value": _length(last - first)})
        facts.append({"name": "training time", "value": _length(sum(span.ends - span.begins for span in found))})
    return facts


def _best(best: Trial) -> dict[str, Any]:
    return {"trial": best.number, "point": point(best.point), "output_path": best.output_path}


def _thinned(data: ReportData, chosen: tuple[Trial, ...]) -> str:
    if len(chosen) == len(data.trials):
        return ""
    return (
        f"{len(chosen)} of {len(data.trials)} trials are drawn and listed: the best ones, and an even share of the "
        "others. The best so far and the numbers above are of all; results.csv lists all."
    )


def _table(data: ReportData, chosen: tuple[Trial, ...], best: Trial | None) -> dict[str, Any]:
    told: dict[int, list[Event]] = defaultdict(list)
    for event in data.events:
        told[event.number].append(event)
    return {
        "parameters": list(data.parameters),
        "best": None if best is None else best.number,
        "rows": [_row(data, trial, told[trial.number]) for trial in chosen],
    }


def _row(data: ReportData, trial: Trial, events: list[Event]) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "value": trial.value,
        "shown": "" if trial.value is None else number(trial.value),
        "point": {name: scalar(value) for name, value in trial.point.items()},
        "sort": trial.point,
        "seconds": trial.duration_s,
        "time": "" if trial.duration_s is None else _length(trial.duration_s),
        "attempt": trial.attempt,
        "job": trial.job_id,
        "version": trial.version_id,
        "path": trial.output_path,
        "log": data.logs.get(trial.number),
        "reason": trial.reason or "",
        "history": [_step(event, data.zone) for event in events],
    }


def _step(event: Event, zone: tzinfo) -> dict[str, Any]:
    at = moment(event.at, zone)[:19]
    return {"at": at, "attempt": event.attempt, "state": event.state.value, "why": event.why}


def _length(seconds: float) -> str:
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _html_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _in_script(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
