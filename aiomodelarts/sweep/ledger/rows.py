"""Trials and leases to rows, and back."""

import json
import math
from typing import Any

from sqlalchemy import Row

from ..budget import Amount, Spending
from ..trial import OPEN, Ending, Trial, TrialState
from . import schema
from .records import Event, Held, Lease, Measure, SweepRecord

# No database keeps "not a number" in a column that has to have a value, so it stands among the marks.
_NO_NUMBER = "aiomodelarts:value"

OPEN_STATES = tuple(state.value for state in OPEN)
TAKEN_UP_STATES = (*OPEN_STATES, TrialState.REFUSED.value, TrialState.UNCLEAR.value)

TRIAL_COLUMNS = tuple(
    schema.trials.c[name]
    for name in (
        "number",
        "attempt",
        "point",
        "output_path",
        "state",
        "value",
        "failure",
        "reason",
        "job_id",
        "version_id",
        "began_at",
        "duration_s",
        "tries",
        "flavor",
        "ending",
        "last_value",
        "last_step",
        "objectives",
        *schema.ACCOUNT,
    )
)


def trial_of(row: Row[Any]) -> Trial:
    """The trial in a row of ``TRIAL_COLUMNS``."""
    return Trial(
        number=row.number,
        point=json.loads(row.point),
        output_path=row.output_path,
        state=TrialState(row.state),
        value=row.value,
        reason=row.reason,
        job_id=row.job_id,
        version_id=row.version_id,
        duration_s=row.duration_s,
        attempt=row.attempt,
        failure=row.failure,
        began_at=row.began_at,
        tries=json.loads(row.tries or "{}"),
        flavor=row.flavor,
        ending=None if row.ending is None else Ending(row.ending),
        last_value=row.last_value,
        last_step=row.last_step,
        account=account_of(row),
        values=tuple(json.loads(row.objectives or "[]")),
    )


def trial_values(trial: Trial) -> dict[str, Any]:
    """What a move may change of a trial's row."""
    return {
        "attempt": trial.attempt,
        "output_path": trial.output_path,
        "state": trial.state.value,
        "value": trial.value,
        "failure": trial.failure,
        "reason": trial.reason,
        "job_id": trial.job_id,
        "version_id": trial.version_id,
        "began_at": trial.began_at,
        "duration_s": trial.duration_s,
        "tries": text_of(trial.tries) if trial.tries else None,
        "flavor": trial.flavor,
        "ending": None if trial.ending is None else trial.ending.value,
        "last_value": trial.last_value,
        "last_step": trial.last_step,
        "objectives": text_of(trial.values) if trial.values else None,
        **account_values(trial.account),
    }


def account_of(row: Row[Any]) -> Spending:
    """The account in a row that has its columns."""
    return Spending(Amount(row.held_ms, row.held_micros), Amount(row.spent_ms, row.spent_micros))


def account_values(account: Spending) -> dict[str, int]:
    """An account by its columns."""
    held, spent = account.held, account.spent
    return {"held_ms": held.ms, "held_micros": held.micros, "spent_ms": spent.ms, "spent_micros": spent.micros}


def held_of(row: Row[Any]) -> Held:
    """The trial with what was about to be sent for it."""
    return Held(trial_of(row), None if row.intent is None else json.loads(row.intent))


def sweep_of(row: Row[Any]) -> SweepRecord:
    """The sweep in a row of its table."""
    return SweepRecord(
        id=row.id,
        name=row.name,
        settings=json.loads(row.settings),
        job_id=row.job_id,
        first_version_id=row.first_version_id,
        reserved=row.reserved,
        base=row.base,
        account=account_of(row),
        stop_upto=row.stop_upto,
        stop_how=row.stop_how,
    )


def lease_of(row: Row[Any]) -> Lease:
    """The lease in a row of its table."""
    return Lease(row.token, row.place, row.process, row.beats)


def event_of(row: Row[Any]) -> Event:
    """The event in a row of its table."""
    return Event(row.at, row.number, row.attempt, TrialState(row.state), row.why, row.token, row.detail)


def measure_of(row: Row[Any]) -> Measure:
    """The measure in a row of its table."""
    marks = None if row.marks is None else json.loads(row.marks)
    value = row.value
    if marks and _NO_NUMBER in marks:
        value = float(marks.pop(_NO_NUMBER))
    return Measure(row.number, row.attempt, row.step, value, marks or None)


def measure_values(measure: Measure) -> dict[str, Any]:
    """A measure by its columns."""
    marks, value = dict(measure.marks or {}), measure.value
    if not math.isfinite(value):
        marks[_NO_NUMBER], value = str(value), 0.0
    return {
        "number": measure.number,
        "attempt": measure.attempt,
        "step": measure.step,
        "value": value,
        "marks": text_of(marks) if marks else None,
    }


def text_of(value: Any) -> str:
    """JSON in one spelling."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
