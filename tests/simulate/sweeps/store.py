"""The ledger's database, in memory and in virtual time: the real statements, one transaction after the other."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

from attrs import astuple
from sqlalchemy import Connection, Engine, create_engine, delete, select, update
from sqlalchemy.pool import StaticPool

from aiomodelarts.sweep.budget import Amount, Limit
from aiomodelarts.sweep.ledger import schema
from aiomodelarts.sweep.ledger.database import Database
from tests.simulate.sweeps.process import HERE, Process

_ENGINES: list[Engine] = []


def _engine() -> Engine:
    """One database serves all runs; making the tables takes longer than emptying them."""
    if not _ENGINES:
        engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        schema.create_all(engine)
        _ENGINES.append(engine)
    return _ENGINES[0]


class Store:
    """What the controllers of a run share.

    Args:
        chance: draws how long things take.
        takes_s: bounds of the way to the database, and of the way back.
    """

    def __init__(self, chance: random.Random, takes_s: tuple[float, float]) -> None:
        self._chance, self._takes_s = chance, takes_s
        self.engine = _engine()
        self.transactions = 0
        self.limit: Limit | None = None
        self.crossed: list[str] = []
        self._holder: Process | None = None
        with self.engine.begin() as connection:
            for name in schema.TABLES - {schema.ledgers.name}:
                connection.execute(delete(schema.trials.metadata.tables[name]))

    async def way(self) -> None:
        """A request to the database, or its answer, is on its way."""
        await asyncio.sleep(self._chance.uniform(*self._takes_s))

    async def lock(self, process: Process) -> None:
        """Return when nobody else writes; whoever was stopped in the middle of writing holds up all others."""
        while self._holder is not None:
            await asyncio.sleep(self._chance.uniform(0.001, 0.2))
        self._holder = process
        process.on_death.append(lambda: self.unlock(process))

    def unlock(self, process: Process) -> None:
        """Let others write."""
        process.on_death.clear()
        if self._holder is process:
            self._holder = None

    def ask_to_stop(self, how: str) -> None:
        """Ask all controllers that are there to end."""
        sweeps = schema.sweeps
        with self.engine.begin() as connection:
            connection.execute(update(sweeps).values(stop_upto=sweeps.c.token, stop_how=how))

    def look_at_accounts(self, connection: Connection) -> None:
        """Note where a transaction has gone beyond the budget, or has told of other sums than there are."""
        if self.limit is None:
            return
        told, summed = (
            connection.exec_driver_sql(f"SELECT {', '.join(columns)} FROM {table}").fetchone()
            for table, columns in (
                ("sweeps", schema.ACCOUNT),
                ("trials", [f"coalesce(sum({name}), 0)" for name in schema.ACCOUNT]),
            )
        )
        if told is None or summed is None:
            return
        if tuple(told) != tuple(summed):
            self.crossed.append(f"the sweep's account is {tuple(told)}, and its trials' together {tuple(summed)}")
        held_ms, held_micros, spent_ms, spent_micros = told
        total = Amount(held_ms + spent_ms, held_micros + spent_micros)
        if is_beyond(total, self.limit):
            self.crossed.append(f"{total} is reserved and spent, and there is {self.limit}")

    def of_trial(self, output_path: str) -> tuple[int | None, str | None]:
        """Who holds the trial that writes there, and why that lease has ended, if it has."""
        trials, leases = schema.trials.c, schema.leases.c
        asked = select(trials.holder, leases.ended).where(
            trials.output_path == output_path, leases.sweep_id == trials.sweep_id, leases.token == trials.holder
        )
        with self.engine.connect() as connection:
            row = connection.execute(asked).first()
        return (None, None) if row is None else (row.holder, row.ended)

    def rows(self, statement: Any) -> list[Any]:
        """What a query gives."""
        with self.engine.connect() as connection:
            return list(connection.execute(statement))


def is_beyond(amount: Amount, limit: Limit) -> bool:
    """Whether it is more than there is."""
    return any(most is not None and taken > most for taken, most in zip(astuple(amount), astuple(limit), strict=True))


class _Facade:
    """A connection as the ledger awaits it; nothing comes between its statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        return self._connection.execute(statement, parameters)

    async def run_sync(self, function: Any, *args: Any) -> Any:
        return function(self._connection, *args)


class StoredLedger(Database):
    """A process's connection to the store."""

    def __init__(self, store: Store) -> None:
        process = HERE.get()
        assert process is not None
        self._store, self._process = store, process
        self.shown = "in memory"

    async def close(self) -> None:
        return

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        self._check()
        await self._store.lock(self._process)
        try:
            await self._store.way()
            self._check()
            with self._told(), self._store.engine.begin() as connection:
                yield _Facade(connection)
                self._store.look_at_accounts(connection)
            self._store.transactions += 1
        finally:
            self._store.unlock(self._process)
        await self._store.way()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        await self._store.way()
        self._check()
        with self._told(), self._store.engine.connect() as connection:
            yield _Facade(connection)

    def _check(self) -> None:
        if self._process.dead:
            raise asyncio.CancelledError
