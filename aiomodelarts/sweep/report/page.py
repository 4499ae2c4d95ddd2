"""The page: what is said in words, the charts and the table, put into the one template. Blocks."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import tzinfo
from importlib.resources import files
from typing import Any

from ..ledger.records import Event
from ..result import best_of, front_of
from ..trial import Trial
from ..words import length, moment, number, point, scalar
from . import figures
from .data import MOST_DOTS, ReportData, drawn
from .dimensions import dimensions
from .spans import Span, spans


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
    best = best_of(data.trials, data.goal)
    front = front_of(data.trials, data.goals) if data.several else ()
    found = spans(data.events, data.at)
    return {
        "name": data.name,
        "said": _said(data),
        "facts": _facts(data, best, front, found),
        "thinned": _thinned(data, chosen),
        "views": [_view(name, view) for name, view in data.views.items()],
        "charts": {
            "front": figures.trade_off(data, drawn(data.trials, data.goal, MOST_DOTS), front).as_json(),
            "timeline": figures.timeline(data, found).as_json(),
        },
        "table": _table(data, chosen, [trial.number for trial in front] if front else [best.number] if best else []),
    }


def _view(name: str, data: ReportData) -> dict[str, Any]:
    """What is drawn for one objective."""
    valued = tuple(trial for trial in drawn(data.trials, data.goal) if trial.value is not None)
    best = best_of(data.trials, data.goal)
    dots = drawn(valued, data.goal, MOST_DOTS)
    return {
        "name": name,
        "goal": data.goal.value,
        "best": None if best is None else _best(best, name),
        "charts": {
            "history": figures.best_over_time(data, drawn(data.trials, data.goal, MOST_DOTS)).as_json(),
            "parallel": figures.parallel(data, valued, dimensions(data.parameters, data.axes, valued)).as_json(),
            "importance": figures.importance(data).as_json(),
        },
        "slices": [
            figures.one_slice(dots, one, best, data.goal).as_json()
            for one in dimensions(data.parameters, data.axes, dots)
            if len(dots) > 1
        ],
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
    aims = [f"{view.goal.value} {f'{name}: ' if name else ''}{view.metric}" for name, view in data.views.items()]
    return f"{data.search}; {', '.join(aims)}. At {when} ({zone}) the sweep {how}."


def _facts(data: ReportData, best: Trial | None, front: Sequence[Trial], found: Sequence[Span]) -> list[dict[str, str]]:
    states = Counter(trial.state.value for trial in data.trials)
    facts = [{"name": "best", "value": "none yet" if best is None or best.value is None else number(best.value)}]
    if data.several:
        bests = {name: best_of(view.trials, view.goal) for name, view in data.views.items()}
        facts = [
            {"name": f"best {name}", "value": "none yet" if one is None else number(one.value or 0.0)}
            for name, one in bests.items()
        ]
        facts.append({"name": "trade-offs", "value": str(len(front))})
    facts += [{"name": state, "value": str(count)} for state, count in sorted(states.items())]
    to_go = data.planned - len(data.trials)
    if to_go > 0:
        facts.append({"name": "to go", "value": str(to_go)})
    if found:
        first, last = min(span.begins for span in found), max(span.ends for span in found)
        facts.append({"name": "elapsed", "value": length(last - first)})
        facts.append({"name": "training time", "value": length(sum(span.ends - span.begins for span in found))})
    return facts


def _best(best: Trial, name: str) -> dict[str, Any]:
    value = number(best.value or 0.0)
    title = f"Best {name}: {value} in trial {best.number}" if name else f"Best: trial {best.number}"
    return {"title": title, "trial": best.number, "point": point(best.point), "output_path": best.output_path}


def _thinned(data: ReportData, chosen: tuple[Trial, ...]) -> str:
    if len(data.trials) <= MOST_DOTS:
        return ""
    dots = f"Where each trial is a dot, {MOST_DOTS} of {len(data.trials)} are drawn"
    rows = f", and {len(chosen)} are listed" if len(chosen) < len(data.trials) else ""
    return f"{dots}{rows}: the best ones, and an even share of the others. Numbers and lines are of all trials."


def _table(data: ReportData, chosen: tuple[Trial, ...], best: Sequence[int]) -> dict[str, Any]:
    told: dict[int, list[Event]] = defaultdict(list)
    for event in data.events:
        told[event.number].append(event)
    return {
        "parameters": list(data.parameters),
        "best": [*best],
        "objectives": list(data.several),
        "rows": [_row(data, trial, told[trial.number]) for trial in chosen],
    }


def _row(data: ReportData, trial: Trial, events: list[Event]) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "value": trial.value,
        "shown": "" if trial.value is None else number(trial.value),
        **({"values": list(trial.values)} if trial.values else {}),
        "point": {name: scalar(value) for name, value in trial.point.items()},
        "sort": trial.point,
        "seconds": trial.duration_s,
        "time": "" if trial.duration_s is None else length(trial.duration_s),
        "attempt": trial.attempt,
        "job": trial.job_id,
        "version": trial.version_id,
        "path": trial.output_path,
        "log": data.logs.get(trial.number),
        "reason": trial.reason or "",
        "history": [_step(event, data.zone) for event in events],
    }


def _step(event: Event, zone: tzinfo) -> list[str]:
    more = [event.detail] if event.detail else []
    return [moment(event.at, zone)[:19], event.state.value, event.why, *more]


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _html_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _in_script(value: Any) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
