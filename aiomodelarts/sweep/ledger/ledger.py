"""The ledger of one sweep, as a controller uses it."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Self

from sqlalchemy import insert, select, update

from ..._clock import Clock
from ..budget import Limit
from ..search.warm_start import History
from ..trial import Trial
from . import schema
from .database import Database
from .entering import entered, set_aside, sweep_named
from .errors import Fenced, LeaseInDoubt, NotRunYet
from .histories import keep_history
from .reading import Record
from .records import Definition, Held, Lease, Measure, Move, SweepRecord
from .rows import (
    OPEN_STATES,
    TAKEN_UP_STATES,
    TRIAL_COLUMNS,
    held_of,
    trial_of,
)
from .transaction import Beat, Note, Reserve, Transaction, Write, event_values, lock_leases, reopen, take_up
from .uncut import uncut
from .writer import Writer

_trials, _sweeps, _leases, _events = schema.trials, schema.sweeps, schema.leases, schema.events


class Ledger(Record):
    """The durable record of one sweep.

    Args:
        database: open; it is closed with the ledger.
        sweep: the sweep's record.
        clock: dates what happens.
    """

    def __init__(self, database: Database, sweep: SweepRecord, clock: Clock) -> None:
        super().__init__(database, sweep)
        self._clock = clock
        self._writer: Writer[Write] = Writer(self._commit)
        self._renewed_at = clock.monotonic()
        self.known_before: History | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        address: str | Path,
        definition: Definition,
        clock: Clock,
        *,
        allow_change: bool = False,
        fresh: bool = False,
    ) -> AsyncIterator[Self]:
        """The ledger of this sweep, made where there is none.

        Args:
            address: a path is an SQLite file; a URL begins with ``sqlite:`` or ``postgresql:``.
            definition: what the sweep is now.
            clock: dates what happens.
            allow_change: whether the sweep may go on with other settings.
            fresh: whether it begins anew; the record of the earlier trials is kept under another name.

        Raises:
            SweepChanged: the ledger's sweep has other settings.
            LedgerError: the ledger cannot be used.
        """
        database = await Database.open(address, create=True)
        try:
            if fresh:
                await set_aside(database, definition.name, clock.now())
            ledger = cls(database, await entered(database, definition, allow_change=allow_change), clock)
            try:
                yield ledger
            finally:
                await ledger._writer.close()
        finally:
            await database.close()

    @classmethod
    @contextlib.asynccontextmanager
    async def read(cls, address: str | Path, name: str, clock: Clock) -> AsyncIterator[Self]:
        """The ledger of this sweep, to look at.

        Raises:
            LedgerError: there is no such ledger or sweep, or it cannot be used.
        """
        database = await Database.open(address, create=False)
        try:
            sweep = await sweep_named(database, name)
            if sweep is None:
                raise NotRunYet(f"the ledger {database.shown} has no sweep {name}; it was not run yet")
            yield cls(database, sweep, clock)
        finally:
            await database.close()

    @classmethod
    @uncut
    async def names(cls, address: str | Path) -> list[str]:
        """The sweeps in a ledger, those that were set aside among them.

        Raises:
            LedgerError: there is no such ledger, or it cannot be used.
        """
        database = await Database.open(address, create=False)
        try:
            async with database.reading() as connection:
                return list((await connection.execute(select(_sweeps.c.name).order_by(_sweeps.c.id))).scalars())
        finally:
            await database.close()

    @property
    def commits(self) -> int:
        """How many transactions have carried the moves so far."""
        return self._writer.commits

    @uncut
    async def join(self, place: str, process: str, gone: Sequence[Lease] = ()) -> list[Held]:
        """Take a lease; return the trials that nobody alive holds and that are not over for good.

        Args:
            place: the machine and the process table that ``process`` belongs to.
            process: this process.
            gone: leases of controllers that are known to be dead.
        """
        began = self._clock.monotonic()
        async with self._database.writing() as connection:
            await lock_leases(connection, self.sweep.id, [lease.token for lease in gone])
            await _end(connection, self.sweep.id, gone, "its process is gone")
            mine = _sweeps.c.id == self.sweep.id
            await connection.execute(update(_sweeps).where(mine).values(token=_sweeps.c.token + 1))
            token = (await connection.execute(select(_sweeps.c.token).where(mine))).scalar_one()
            row = {"sweep_id": self.sweep.id, "token": token, "place": place, "process": process, "beats": 0}
            await connection.execute(insert(_leases).values(row))
            rows = await take_up(connection, self.sweep.id, token, TAKEN_UP_STATES, self._clock.now())
        self.token, self._renewed_at = token, began
        return [held_of(row) for row in rows]

    @uncut
    async def leave(self) -> None:
        """Give the lease back, so that the next controller need not wait for it to run out."""
        await self._writer.close()
        async with self._database.writing() as connection:
            await _end(connection, self.sweep.id, [Lease(self.token, "", "")], "it left", whatever_beats=True)

    async def beat(self) -> None:
        """Say that this controller is alive.

        Raises:
            Fenced: it was taken for dead.
        """
        await self._writer.write(Beat())

    async def hold(self, within_s: float) -> None:
        """Return when this controller is sure to hold its lease now.

        Args:
            within_s: a lease that was renewed so many seconds ago cannot have run out meanwhile.

        Raises:
            Fenced: it was taken for dead.
        """
        if self._clock.monotonic() - self._renewed_at > within_s:
            await self.beat()

    def check(self, within_s: float) -> None:
        """As ``hold``, without a look: this process may have been paused since the last one.

        Raises:
            LeaseInDoubt: the lease was not renewed for longer.
        """
        if self._clock.monotonic() - self._renewed_at > within_s:
            raise LeaseInDoubt

    async def reserve(
        self,
        total: int,
        trial: Callable[[int], Trial],
        limit: Limit | None = None,
        *,
        number: int | None = None,
        why: str = "reserved",
    ) -> Held | None:
        """Begin the next trial, or None when all of them were begun.

        Args:
            total: how many there may be.
            trial: makes the trial of a number, with what is reserved for it, or refuses with a ``LedgerError``.
            limit: keeps the sweep's accounts, and refuses a reservation beyond; None where there are none.
            number: the only one that it is made for; None takes any.
            why: for the record.

        Raises:
            NoRoom: the limit has no room for it.
            NumberTaken: another trial has the number.
            Fenced: this controller was taken for dead.
        """
        held: Held | None = await self._writer.write(Reserve(total, trial, limit, number, why))
        return held

    async def note(self, measures: Sequence[Measure]) -> None:
        """Keep values that logs have told.

        Raises:
            Fenced: this controller was taken for dead.
        """
        await self._writer.write(Note(measures))

    @uncut
    async def ask_to_stop(self, how: str) -> int:
        """Ask all controllers that drive the sweep now to end; how many there are.

        Args:
            how: what becomes of running versions: ``leave`` or ``stop``.
        """
        mine = _sweeps.c.id == self.sweep.id
        async with self._database.writing() as connection:
            await connection.execute(update(_sweeps).where(mine).values(stop_upto=_sweeps.c.token, stop_how=how))
        return len(await self.leases())

    async def move(self, move: Move) -> None:
        """Write down one step of a trial that this controller holds.

        Raises:
            Fenced: it does not hold it any more.
            LedgerError: the trial is not where the step begins, or nothing can be written.
        """
        await self._writer.write(move)

    @uncut
    async def take_over(self, dead: Sequence[Lease]) -> list[Held]:
        """End the leases that did not beat since they were read; return the open trials that nobody alive holds.

        Raises:
            Fenced: this controller was itself taken for dead.
        """
        async with self._database.writing() as connection:
            await lock_leases(connection, self.sweep.id, [self.token, *(lease.token for lease in dead)])
            await self._transaction(connection).carry_out([Beat()])
            await _end(connection, self.sweep.id, dead, f"silent for too long; ended by {self.token}")
            rows = await take_up(connection, self.sweep.id, self.token, OPEN_STATES, self._clock.now())
        return [held_of(row) for row in rows]

    @uncut
    async def retry(self, again: Callable[[Trial], Trial | None]) -> list[Trial]:
        """Open trials that are over without a value, so that whoever drives the sweep tries them again.

        Args:
            again: the trial as it shall be tried again, or None to leave it.
        """
        over = select(*TRIAL_COLUMNS).where(_trials.c.sweep_id == self.sweep.id, _trials.c.value.is_(None))
        async with self._database.writing() as connection:
            rows = await connection.execute(over.order_by(_trials.c.number).with_for_update())
            settled = [trial for trial in map(trial_of, rows) if trial.state.is_settled]
            opened = [trial for trial in map(again, settled) if trial is not None]
            await reopen(connection, self.sweep.id, opened, self._clock.now())
        return opened

    @uncut
    async def remark(self, number: int, why: str) -> None:
        """Add a line to a trial's history, whoever holds it; it stays as it is."""
        asked = select(_trials.c.attempt, _trials.c.state)
        async with self._database.writing() as connection:
            mine = (_trials.c.sweep_id == self.sweep.id, _trials.c.number == number)
            row = (await connection.execute(asked.where(*mine))).one()
            said = event_values(self.sweep.id, number, row.attempt, self._clock.now(), row.state, why, self.token)
            await connection.execute(insert(_events), [said])

    @uncut
    async def take_in(self, history: History) -> None:
        """Keep what was known before the sweep began, unless that was done; ``known_before`` then has what is kept."""
        async with self._database.writing() as connection:
            self.known_before = await keep_history(connection, self.sweep.id, history)

    def _transaction(self, connection: Any) -> Transaction:
        return Transaction(connection, self.sweep.id, self.token, self._clock.now())

    async def _commit(self, writes: Sequence[Write]) -> Sequence[Any]:
        began = self._clock.monotonic()
        async with self._database.writing() as connection:
            try:
                results = await self._transaction(connection).carry_out(writes)
            except Fenced as error:
                return [error] * len(writes)
        if any(isinstance(write, Beat) for write in writes):
            # Others count the beats, and nothing else.
            self._renewed_at = began
        return results


async def _end(
    connection: Any, sweep_id: int, leases: Sequence[Lease], why: str, *, whatever_beats: bool = False
) -> None:
    for lease in leases:
        this = [_leases.c.sweep_id == sweep_id, _leases.c.token == lease.token, _leases.c.ended.is_(None)]
        if not whatever_beats:
            this.append(_leases.c.beats == lease.beats)
        await connection.execute(update(_leases).where(*this).values(ended=why))
