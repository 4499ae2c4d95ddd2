"""What a ledger tells of one sweep; nothing here changes it."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, or_, select

from ..search.warm_start import History
from ..trial import Trial
from . import schema
from .database import Database
from .histories import history_of
from .records import Event, Lease, Measure, SweepRecord
from .rows import OPEN_STATES, TRIAL_COLUMNS, event_of, lease_of, measure_of, sweep_of, text_of, trial_of
from .uncut import uncut

_trials, _sweeps, _leases, _events = schema.trials, schema.sweeps, schema.leases, schema.events
_LATE_ROWS = 1000


class Record:
    """The record of one sweep, to be read.

    Args:
        database: open.
        sweep: the sweep's own row.
    """

    def __init__(self, database: Database, sweep: SweepRecord) -> None:
        self._database = database
        self.sweep = sweep
        self.token = 0

    @property
    def shown(self) -> str:
        """Where the ledger is, without secrets."""
        return self._database.shown

    @uncut
    async def measures(self, after: int = 0) -> tuple[int, list[Measure]]:
        """Values that logs have told, in the order in which they were kept, and the mark of the last of them.

        Args:
            after: a mark, to go on behind it. Some from before it may come again.
        """
        rows_of = schema.measures.c
        # Numbers are given before a transaction ends, so one below the last may appear after it.
        asked = select(schema.measures).where(rows_of.sweep_id == self.sweep.id, rows_of.id > after - _LATE_ROWS)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked.order_by(rows_of.id))).all()
        told = await asyncio.to_thread(lambda: [measure_of(row) for row in rows])
        return max(after, rows[-1].id if rows else 0), told

    @uncut
    async def kept(self, settings: Mapping[str, Any]) -> History | None:
        """What was known before the sweep began, as far as it was taken in for these settings."""
        async with self._database.reading() as connection:
            kept = await history_of(connection, self.sweep.id)
        return kept if kept is not None and text_of(kept.settings) == text_of(settings) else None

    @uncut
    async def leases(self) -> list[Lease]:
        """The leases that have not ended."""
        asked = select(_leases).where(_leases.c.sweep_id == self.sweep.id, _leases.c.ended.is_(None))
        async with self._database.reading() as connection:
            return [lease_of(row) for row in await connection.execute(asked)]

    @uncut
    async def refresh(self) -> SweepRecord:
        """The sweep's record as it is now."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(_sweeps).where(_sweeps.c.id == self.sweep.id))).one()
        self.sweep = sweep_of(row)
        return self.sweep

    @uncut
    async def trials(self) -> list[Trial]:
        """All trials, by number."""
        asked = select(*TRIAL_COLUMNS).where(_trials.c.sweep_id == self.sweep.id).order_by(_trials.c.number)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).all()
        return await asyncio.to_thread(lambda: [trial_of(row) for row in rows])

    @uncut
    async def look(self, after: int, still_open: Collection[int]) -> list[Trial]:
        """What may have changed since a look that knew all trials up to ``after``, by number.

        Args:
            after: trials with higher numbers are new.
            still_open: those that were open then; what was opened since is found by its state.
        """
        news = or_(
            _trials.c.number > after,
            _trials.c.state.in_(OPEN_STATES),
            _trials.c.number.in_(sorted(still_open)),
        )
        asked = select(*TRIAL_COLUMNS).where(_trials.c.sweep_id == self.sweep.id, news).order_by(_trials.c.number)
        async with self._database.reading() as connection:
            return [trial_of(row) for row in await connection.execute(asked)]

    @uncut
    async def trial(self, number: int) -> Trial | None:
        """One trial."""
        asked = select(*TRIAL_COLUMNS).where(_trials.c.sweep_id == self.sweep.id, _trials.c.number == number)
        async with self._database.reading() as connection:
            row = (await connection.execute(asked)).first()
        return None if row is None else trial_of(row)

    @uncut
    async def events(self, number: int) -> list[Event]:
        """The history of a trial, oldest first."""
        mine = (_events.c.sweep_id == self.sweep.id, _events.c.number == number)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(_events).where(*mine).order_by(_events.c.id))
            return [event_of(row) for row in rows]

    @uncut
    async def history(self) -> list[Event]:
        """The events of all trials, oldest first."""
        asked = select(_events).where(_events.c.sweep_id == self.sweep.id).order_by(_events.c.id)
        async with self._database.reading() as connection:
            rows = (await connection.execute(asked)).all()
        return await asyncio.to_thread(lambda: [event_of(row) for row in rows])

    @uncut
    async def open_elsewhere(self) -> int:
        """How many trials other controllers still hold."""
        asked = select(func.count()).where(
            _trials.c.sweep_id == self.sweep.id, _trials.c.state.in_(OPEN_STATES), _trials.c.holder != self.token
        )
        async with self._database.reading() as connection:
            return (await connection.execute(asked)).scalar_one()

    @uncut
    async def more_may_come(self) -> bool:
        """Whether a trial that is not over holds a part of the budget, of which it may give some back."""
        holds = (_trials.c.held_ms > 0) | (_trials.c.held_micros > 0)
        mine = (_trials.c.sweep_id == self.sweep.id, _trials.c.state.in_(OPEN_STATES))
        async with self._database.reading() as connection:
            return (await connection.execute(select(_trials.c.number).where(*mine, holds).limit(1))).first() is not None
