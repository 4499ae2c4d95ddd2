"""A sweep's way into a ledger: its record is found, made, changed, or set aside for a new one."""

import contextlib
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from . import schema
from .database import Database
from .errors import LedgerError, SweepChanged
from .records import Definition, SweepRecord, differences
from .rows import sweep_of, text_of
from .transaction import lock_leases
from .uncut import uncut

_sweeps, _leases = schema.sweeps, schema.leases


@uncut
async def sweep_named(database: Database, name: str) -> SweepRecord | None:
    """The record of the sweep of this name, or None when there is none."""
    async with database.reading() as connection:
        row = (await connection.execute(select(_sweeps).where(_sweeps.c.name == name))).first()
    return None if row is None else sweep_of(row)


@uncut
async def entered(database: Database, definition: Definition, *, allow_change: bool) -> SweepRecord:
    """The record of the sweep, which is made or brought up to date; the latter fences whoever drives it.

    Raises:
        SweepChanged: its settings are others, and may not change.
    """
    kept = await sweep_named(database, definition.name)
    if kept is None:
        row = {"name": definition.name, "settings": text_of(definition.settings)}
        # Another controller may do the same at this moment.
        with contextlib.suppress(_Taken):
            await _insert(database, row)
        kept = await sweep_named(database, definition.name)
        assert kept is not None
    changed = differences(kept.settings, definition.settings)
    if not changed:
        return kept
    # Of a sweep that never began there is nothing to lose: whoever mends a misspelt name need say no more.
    if kept.reserved and not allow_change:
        raise SweepChanged(definition.name, changed)
    async with database.writing() as connection:
        # Whoever drives it by the other settings would go on with their points.
        await _fence(connection, kept.id, "the sweep was changed")
        now = {"settings": text_of(definition.settings), "base": _sweeps.c.reserved}
        await connection.execute(update(_sweeps).where(_sweeps.c.id == kept.id).values(**now))
    changed_sweep = await sweep_named(database, definition.name)
    assert changed_sweep is not None
    return changed_sweep


class _Taken(Exception):
    pass


async def _insert(database: Database, row: dict[str, Any]) -> None:
    try:
        async with database.writing() as connection:
            await connection.execute(insert(_sweeps).values(row | {"reserved": 0, "base": 0, "token": 0}))
    except LedgerError as error:
        if isinstance(error.__cause__, IntegrityError):
            raise _Taken from error
        raise


@uncut
async def set_aside(database: Database, name: str, now: float) -> None:
    """Give the sweep of this name another one, and fence whoever drives it."""
    kept = await sweep_named(database, name)
    if kept is None:
        return
    async with database.writing() as connection:
        await _fence(connection, kept.id, "the sweep was begun anew")
        aside = f"{name}@{now:.0f}-{kept.id}"
        await connection.execute(update(_sweeps).where(_sweeps.c.id == kept.id).values(name=aside))


async def _fence(connection: AsyncConnection, sweep_id: int, why: str) -> None:
    """End all leases of the sweep: whoever still drives it can change nothing more."""
    tokens = (await connection.execute(select(_leases.c.token).where(_leases.c.sweep_id == sweep_id))).scalars()
    await lock_leases(connection, sweep_id, list(tokens))
    going = (_leases.c.sweep_id == sweep_id, _leases.c.ended.is_(None))
    await connection.execute(update(_leases).where(*going).values(ended=why))
