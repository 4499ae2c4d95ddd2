"""The ledger's database, in memory and in virtual time: the real statements, one transaction after the other."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, select
from sqlalchemy.pool import StaticPool

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
