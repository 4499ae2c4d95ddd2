"""What a ledger holds, as plain values."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..budget import Limit, Spending
from ..trial import Trial, TrialState


@frozen
class Definition:
    """What a sweep is, as far as its trials depend on it.

    Args:
        name: of the sweep.
        settings: every setting that a trial's value depends on, as JSON types.
    """

    name: str
    settings: Mapping[str, Any]


@frozen
class SweepRecord:
    """A sweep as the ledger knows it.

    Args:
        id: of its rows.
        name: of the sweep.
        settings: what the last run was told.
        job_id: of its job, once that is made.
        first_version_id: of the version that all others derive from.
        reserved: how many trials were begun.
        base: trials of earlier settings; those come before the first point of the present ones.
        account: what all of its trials hold and have spent.
        stop_upto: the last lease that was asked to end, or None.
        stop_how: what was asked to become of running versions then, ``leave`` or ``stop``.
    """

    id: int
    name: str
    settings: Mapping[str, Any]
    job_id: int | None
    first_version_id: int | None
    reserved: int
    base: int
    account: Spending = field(factory=Spending)
    stop_upto: int | None = None
    stop_how: str | None = None


@frozen
class Held:
    """A trial that this controller holds, and what was written down before its creation was sent."""

    trial: Trial
    intent: Mapping[str, Any] | None = None


@frozen
class Move:
    """One step of a trial.

    Args:
        before: the state in which the trial has to be.
        trial: as it is afterwards.
        why: for the record.
        intent: what is about to be sent; None leaves what is there.
        limit: keeps the sweep's accounts, and refuses a reservation beyond; None where there are none.
        detail: more for the record, in several lines.
    """

    before: TrialState
    trial: Trial
    why: str
    intent: Mapping[str, Any] | None = None
    limit: Limit | None = None
    detail: str | None = None


@frozen
class Measure:
    """A value that a trial's log told while it ran.

    Args:
        number: the trial.
        attempt: the attempt at it.
        step: of the training.
        value: at that step.
        marks: what the pruner noted of the trial when it looked at this value, as JSON types.
    """

    number: int
    attempt: int
    step: int
    value: float
    marks: Mapping[str, Any] | None = None


@frozen
class Lease:
    """A controller's right to change the trials that it holds.

    Args:
        token: grows with every lease of the sweep; a trial tells its holder by it.
        place: the machine and the process table that ``process`` belongs to.
        process: its id and its start, so that a number that comes round again is told apart.
        beats: how often the controller has said that it is alive.
    """

    token: int
    place: str
    process: str
    beats: int = field(default=0)


@frozen
class Event:
    """A line of a trial's history.

    Args:
        at: seconds since the Unix epoch.
        number: the trial.
        attempt: the attempt at it.
        state: what it came to.
        why: the reason.
        token: of the controller.
        detail: more, in several lines: the end of a log.
    """

    at: float
    number: int
    attempt: int
    state: TrialState
    why: str
    token: int
    detail: str | None = None


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One line for each setting that is not the same."""
    names = sorted(before.keys() | now.keys())
    return [
        f"{name}: {_told(before, name)} -> {_told(now, name)}" for name in names if before.get(name) != now.get(name)
    ]


def _told(settings: Mapping[str, Any], name: str) -> str:
    if name not in settings:
        return "nothing"
    return json.dumps(settings[name], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
