"""The board's records in SQLite. One thread writes; whatever arrived together shares one transaction."""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.records import Change, Key, RecordError

_log = logging.getLogger(__name__)
TABLES = {
    "meta": "TEXT",
    "jobs": "INTEGER",
    "versions": "INTEGER",
    "states": "INTEGER",
    "configs": "TEXT",
    "visualizations": "INTEGER",
}
_Outcome = asyncio.Future[None]
_Item = tuple[tuple[Change, ...], _Outcome | None]


class SqliteJournal:
    """Keeps changes in a file. Open it in a thread; :meth:`write` and :meth:`note` belong to the event loop.

    Args:
        path: of the database; it is made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._owed: dict[tuple[str, Key], Change] = {}

    def read(self) -> list[tuple[str, Key, JsonObject]]:
        """Every record. Blocks.

        Raises:
            RecordError: the file cannot be read, or made.
        """
        try:
            with self._connected() as database:
                return [
                    (table, key, orjson.loads(body))
                    for table in TABLES
                    for key, body in database.execute(f"SELECT key, body FROM {table}")  # noqa: S608 - our own names
                ]
        except (sqlite3.Error, orjson.JSONDecodeError) as error:
            raise RecordError(f"the board in {self._path} cannot be read: {error}") from error

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write on behalf of this event loop."""
        self._loop = loop
        self._thread = threading.Thread(target=self._work, name="aiomodelarts-journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what was handed over and end. Blocks."""
        self._items.put(None)
        if self._thread is not None:
            self._thread.join()

    def write(self, changes: Sequence[Change]) -> _Outcome:
        """See :class:`~aiomodelarts.local.ports.Journal`."""
        outcome = asyncio.get_running_loop().create_future()
        self._items.put((tuple(changes), outcome))
        return outcome

    def note(self, changes: Sequence[Change]) -> None:
        """See :class:`~aiomodelarts.local.ports.Journal`."""
        self._items.put((tuple(changes), None))

    async def settled(self) -> None:
        """Return once everything noted so far was written, or found to be impossible for now."""
        await self.write(())

    def _connected(self) -> "_Connection":
        return _Connection(self._path)

    def _work(self) -> None:
        with self._connected() as database:
            for items in self._batches():
                self._commit(database, items)

    def _batches(self) -> Iterator[list[_Item]]:
        open_ = True
        while open_:
            items = []
            item = self._items.get()
            while item is not None:
                items.append(item)
                try:
                    item = self._items.get_nowait()
                except queue.Empty:
                    break
            else:
                open_ = False
            yield items

    def _commit(self, database: sqlite3.Connection, items: list[_Item]) -> None:
        for changes, outcome in items:
            if outcome is None:
                self._owed.update({(change.table, change.key): change for change in changes})
        asked = [(changes, outcome) for changes, outcome in items if outcome is not None]
        failed = self._try(database, [*self._owed.values(), *[one for changes, _ in asked for one in changes]])
        if failed is None:
            self._owed.clear()
            self._report([(outcome, None) for _, outcome in asked])
            return
        _log.warning("the records of the local platform cannot be written: %s", failed)
        # One by one, so that a large record does not take small ones with it.
        if self._owed and self._try(database, list(self._owed.values())) is None:
            self._owed.clear()
        self._report([(outcome, self._try(database, changes)) for changes, outcome in asked])

    def _try(self, database: sqlite3.Connection, changes: Sequence[Change]) -> sqlite3.Error | None:
        if not changes:
            return None
        try:
            with database:
                for change in changes:
                    _apply(database, change)
        except sqlite3.Error as error:
            return error
        return None

    def _report(self, outcomes: list[tuple[_Outcome, sqlite3.Error | None]]) -> None:
        if not outcomes or self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(_settle, outcomes)


class _Connection:
    """A connection with our settings that is closed at the end."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        for table, kind in TABLES.items():
            self._database.execute(f"CREATE TABLE IF NOT EXISTS {table} (key {kind} PRIMARY KEY, body BLOB NOT NULL)")

    def __enter__(self) -> sqlite3.Connection:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _apply(database: sqlite3.Connection, change: Change) -> None:
    if change.value is None:
        database.execute(f"DELETE FROM {change.table} WHERE key = ?", (change.key,))  # noqa: S608
        return
    statement = f"INSERT OR REPLACE INTO {change.table} (key, body) VALUES (?, ?)"  # noqa: S608
    database.execute(statement, (change.key, orjson.dumps(change.value)))


def _settle(outcomes: list[tuple[_Outcome, sqlite3.Error | None]]) -> None:
    for outcome, error in outcomes:
        if outcome.done():
            continue
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(RecordError(str(error)))
