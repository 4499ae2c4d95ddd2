"""A sweep as a small table of HTML, for notebooks. Pure.

Colours and letters are those of the page around it, so that it is readable on light and dark ones.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from .trial import Progress, Trial, TrialState
from .words import length, number, scalar

if TYPE_CHECKING:
    from .result import SweepResult

BEST_ROWS, _OPEN_ROWS, _ROWS, _FAILED_ROWS = 5, 8, 10, 3
_MOST_COLUMNS = 8
_LONGEST_CELL = 60
_CELL = "padding:2px 10px 2px 0;vertical-align:top"
_MARKS = {
    TrialState.RUNNING: "#00876c",
    TrialState.CREATING: "#5fb8a5",
    TrialState.SUCCEEDED: "#3d7fb5",
    TrialState.PRUNED: "#b0588f",
    TrialState.FAILED: "#c2410c",
    TrialState.NO_METRIC: "#b98900",
}
_OTHER_MARK = "#8794a1"


def live_html(name: str, progress: Progress, best: Sequence[Trial], going: Sequence[Trial]) -> str:
    """How far a sweep is: a bar, the best trials and those that run.

    Args:
        name: of the sweep.
        progress: how far it is.
        best: the best trials, best first.
        going: the trials that run.
    """
    said = [f"{progress.done} of {progress.total} trials over", f"{progress.running} running"]
    if progress.failed:
        said.append(f"{progress.failed} failed")
    if progress.best is not None and progress.best.value is not None:
        said.append(f"best {number(progress.best.value)} in trial {progress.best.number}")
    if progress.time_left_s:
        said.append(f"{length(progress.time_left_s)} left")
    if progress.waiting_for is not None:
        said.append(progress.waiting_for)
    share = progress.done / progress.total if progress.total else 1.0
    rows = [*going[:_OPEN_ROWS], *best[:BEST_ROWS]]
    more = f"and {len(going) - _OPEN_ROWS} more that run" if len(going) > _OPEN_ROWS else ""
    return _framed(name, said, _bar(share) + _table(rows) + _small(more))


def result_html(result: "SweepResult") -> str:
    """What a sweep has found: the best trials, and why others have no value."""
    ranked, over = result.ranked, sum(trial.state.is_final for trial in result.trials)
    said = [f"{len(ranked)} of {len(result.trials)} trials have a value"]
    if over < len(result.trials):
        said.append(f"{len(result.trials) - over} are not over")
    best = result.best
    if best is not None and best.value is not None:
        said.append(f"best {number(best.value)} in trial {best.number}")
    if result.stopped_by is not None:
        said.append(str(result.stopped_by))
    more = f"and {len(ranked) - _ROWS} more in result.trials" if len(ranked) > _ROWS else ""
    failed = "".join(
        _small(f"trial {trial.number} {trial.state.value}: {trial.reason or ''}")
        for trial in result.without_value[:_FAILED_ROWS]
    )
    return _framed(result.name, said, _table(ranked[:_ROWS]) + _small(more) + failed)


def _framed(name: str, said: Sequence[str], inside: str) -> str:
    head = f"<b>Sweep {escape(name)}</b>: {escape('; '.join(said))}"
    return f'<div style="font-variant-numeric:tabular-nums"><div>{head}</div>{inside}</div>'


def _bar(share: float) -> str:
    return (
        '<div style="height:6px;max-width:480px;margin:6px 0;border-radius:3px;background:rgba(128,128,128,.3)">'
        f'<div style="height:6px;width:{share:.1%};border-radius:3px;background:#3d7fb5"></div></div>'
    )


def _table(trials: Sequence[Trial]) -> str:
    if not trials:
        return ""
    names = list(dict.fromkeys(name for trial in trials for name in trial.point))
    columns = names if len(names) <= _MOST_COLUMNS else ["hyperparameters"]
    heads = "".join(f'<th style="text-align:left;{_CELL}">{escape(_cut(one))}</th>' for one in columns)
    heads = "".join(f'<th style="text-align:left;{_CELL}">{one}</th>' for one in ("trial", "value")) + heads
    rows = "".join(_row(trial, names) for trial in trials)
    style = "border-collapse:collapse;margin:4px 0;font-size:0.95em"
    return f'<table style="{style}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _row(trial: Trial, names: Sequence[str]) -> str:
    values = trial.values or (() if trial.value is None else (trial.value,))
    value = " / ".join(number(one) for one in values) or trial.state.value
    if trial.value is None and trial.last_value is not None:
        value = f"{number(trial.last_value)} at step {trial.last_step}"
    point = [scalar(trial.point[name]) if name in trial.point else "" for name in names]
    if len(names) > _MOST_COLUMNS:
        point = ["  ".join(f"{name}={scalar(value)}" for name, value in trial.point.items())]
    mark = f'<span style="color:{_MARKS.get(trial.state, _OTHER_MARK)}">&#9632;</span> '
    cells = "".join(f'<td style="text-align:left;{_CELL}">{escape(_cut(one))}</td>' for one in [value, *point])
    return f'<tr><td style="text-align:left;{_CELL}">{mark}{trial.number}</td>{cells}</tr>'


def _small(text: str) -> str:
    return f'<div style="opacity:.75;font-size:0.9em">{escape(text)}</div>' if text else ""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "\N{HORIZONTAL ELLIPSIS}"
