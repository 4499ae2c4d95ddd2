"""Opening the database: where it is, how it is set up, and what is refused."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, insert, inspect, make_url, select, text, update
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from . import schema
from .errors import LedgerError, NotRunYet
from .filesystems import network_kind
from .migrations import statements
from .uncut import uncut

_PATIENCE_MS = 10_000
_AGAIN_S = 0.02
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_NETWORK, _ALLOW = "network", "allow"
_FILE, _ANYWHERE = "sqlite:///", f"?{_NETWORK}={_ALLOW}"
# By what the driver says: what it means, and what helps.
_TROUBLES = (
    ("disk is full", "the disk is full; make room and give the same command again"),
    ("no space left", "the disk is full; make room and give the same command again"),
    ("readonly", "it cannot be written; look at the rights of the file and of its folder"),
    ("unable to open", "it cannot be opened; look at the folder and its rights"),
    ("locked", f"another program has kept it locked for {_PATIENCE_MS // 1000} s; end that program"),
    ("not a database", "the file is no SQLite database; move it away, or name another one under [sweep] ledger"),
    ("malformed", "the file is damaged or cut short; put a copy back, or move it away to begin anew"),
    ("disk i/o error", "the disk does not take or give the data"),
    *(
        (sign, "the database is not there any more; once it is back, give the same command again")
        for sign in ("connection is closed", "connection was closed", "terminating connection", "shutting down")
    ),
)


class Database:
    """An open database with the tables of a ledger.

    Args:
        engine: SQLAlchemy's.
        shown: the address without secrets, for messages.
    """

    def __init__(self, engine: AsyncEngine, shown: str) -> None:
        self._engine = engine
        self.shown = shown

    @classmethod
    async def open(cls, address: str | Path, *, create: bool) -> "Database":
        """The database at a path or URL.

        Args:
            address: a path is an SQLite file; a URL begins with ``sqlite:`` or ``postgresql:``. One that ends with
                ``?network=allow`` may be a file on a network file system.
            create: whether tables are made where there are none.

        Raises:
            LedgerError: it cannot be reached, is damaged, belongs to something else, or is on a network file system.
        """
        url = _url(address)
        driver = _DRIVERS[url.get_backend_name()]
        file = Path(url.database or "") if driver.startswith("sqlite") else None
        shown = str(file) if file is not None else url.render_as_string(hide_password=True)
        if file is not None:
            await asyncio.to_thread(_check_file, file, create=create, anywhere=url.query.get(_NETWORK) == _ALLOW)
            url = url.difference_update_query([_NETWORK])
        # SQLAlchemy asks the disk for the current folder.
        engine = await asyncio.to_thread(create_async_engine, url.set(drivername=driver), pool_size=2, max_overflow=0)
        if file is not None:
            event.listen(engine.sync_engine, "connect", _set_up_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
        database = cls(engine, shown)
        try:
            await database._prepare(create)
        except BaseException:
            await database.close()
            raise
        return database

    @uncut
    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that nobody else's writes come between."""
        with self._told():
            async with self._engine.begin() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, and holds nobody up."""
        with self._told():
            async with self._engine.connect() as connection:
                yield await connection.execution_options(aiomodelarts_reads=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._refusal(error.orig or error) from error
        except (OSError, SQLAlchemyError) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: BaseException) -> LedgerError:
        said = str(error).partition("\n")[0]
        what = next((what for sign, what in _TROUBLES if sign in said.lower()), said)
        return LedgerError(f"the ledger {self.shown}: {what}")

    @uncut
    async def _prepare(self, create: bool) -> None:
        async with self.reading() as connection:
            if connection.dialect.name == "sqlite":
                verdict = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar()
                if verdict != "ok":
                    raise LedgerError(f"the ledger {self.shown}: the file is damaged ({verdict})")
            there = await connection.run_sync(_tables)
            version = await _version(connection) if schema.ledgers.name in there else None
        if version is None and (there & schema.TABLES or (there and not create)):
            raise LedgerError(f"{self.shown} holds the tables of something else; name another ledger")
        if version is None and not create:
            # To look at it makes nothing.
            raise NotRunYet(f"the ledger {self.shown} is empty; the sweep was not run yet")
        if version is not None and version > schema.VERSION:
            raise LedgerError(
                f"the ledger {self.shown} was written by a newer version of aiomodelarts (schema {version}, "
                f"and this one knows {schema.VERSION}); update aiomodelarts"
            )
        if version != schema.VERSION:
            await self._bring_up_to_date()

    async def _bring_up_to_date(self) -> None:
        """Make the tables, or make those of an earlier version the present ones, in one transaction."""
        async with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                # Two controllers may begin at once.
                await connection.execute(text("SELECT pg_advisory_xact_lock(7202)"))
            if schema.ledgers.name not in await connection.run_sync(_tables):
                await connection.run_sync(schema.create_all)
                await connection.execute(insert(schema.ledgers).values(version=schema.VERSION))
                return
            version = await _version(connection) or 0
            for statement in statements(version, connection.dialect.name):
                await connection.execute(text(statement))
            if version < schema.VERSION:
                await connection.execute(update(schema.ledgers).values(version=schema.VERSION))


def _url(address: str | Path) -> URL:
    if isinstance(address, Path):
        return URL.create("sqlite", database=str(address))
    if address.startswith(_FILE):
        # A folder may be called anything, and a question mark begins what is asked of a database.
        path = address.removeprefix(_FILE)
        anywhere = path.endswith(_ANYWHERE)
        return URL.create("sqlite", database=path.removesuffix(_ANYWHERE), query={_NETWORK: _ALLOW} if anywhere else {})
    try:
        url = make_url(address)
    except ArgumentError:
        raise LedgerError("the ledger is a path, or a URL that begins with postgresql: or sqlite:") from None
    if url.get_backend_name() not in _DRIVERS:
        raise LedgerError(f"the ledger is kept in SQLite or PostgreSQL, not in {url.get_backend_name()}")
    return url


def _check_file(file: Path, *, create: bool, anywhere: bool) -> None:
    if not create and not file.exists():
        raise NotRunYet(f"there is no ledger {file}; the sweep was not run yet")
    kind = None if anywhere else network_kind(file)
    if kind is not None:
        raise LedgerError(
            f"the ledger {file} is on a network file system ({kind}), where SQLite may lose what it was given. Name a "
            "path on a disk of this machine under [sweep] ledger, or a PostgreSQL database; to use it all the same: "
            f'ledger = "{_FILE}{file.absolute()}{_ANYWHERE}"'
        )


async def _version(connection: AsyncConnection) -> int | None:
    version: int | None = (await connection.execute(select(schema.ledgers.c.version))).scalar()
    return version


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _set_up_sqlite(connection: Any, _: object) -> None:
    # The driver would begin transactions of its own otherwise, and later than they have to.
    connection.isolation_level = None
    connection.run_async(_set_pragmas)


async def _set_pragmas(driver: Any) -> None:
    for pragma in (f"busy_timeout={_PATIENCE_MS}", "synchronous=FULL"):
        await driver.execute(f"PRAGMA {pragma}")
    until = time.monotonic() + _PATIENCE_MS / 1000
    while True:
        try:
            await driver.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # Of two programs that begin at once on a new file one is refused this at once, however patient it may be.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
        await asyncio.sleep(_AGAIN_S)


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("aiomodelarts_reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
