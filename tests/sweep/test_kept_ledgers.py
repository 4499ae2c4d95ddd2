"""Ledgers that earlier versions wrote are opened, brought up to date, and gone on with."""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from attrs import field, frozen
from sqlalchemy import Connection, create_engine, inspect, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from aiomodelarts._clock import SystemClock
from aiomodelarts._create.made import Pending
from aiomodelarts.models.spec import TrainingSpec
from aiomodelarts.sweep.engine.engine import Engine
from aiomodelarts.sweep.ledger import LedgerError, schema
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.trial import Trial, TrialState
from aiomodelarts.sweep.versions import Version
from tests.sweep import kept
from tests.sweep.scripted import ScriptedVersion, ScriptedVersions, states

FILES = sorted(kept.FOLDER.glob("*.sql"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger as an earlier version left it."""
    dump = request.param.read_text("utf-8")
    if request.param.stem.startswith("sqlite"):
        path = tmp_path / "sweep.sqlite"
        _load(path, dump)
        return f"sqlite:///{path}"
    url = request.getfixturevalue("postgres")
    # The loop of the test is not for fixtures.
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, _in_a_new_base(url, _name(tmp_path), dump)).result()


def _name(tmp_path: Path) -> str:
    return re.sub(r"\W", "_", tmp_path.name).lower()[:50]


def _load(path: Path, dump: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(dump)
    connection.close()


async def _in_a_new_base(url: str, name: str, dump: str = "SELECT 1") -> str:
    connection = await asyncpg.connect(url)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    new = make_url(url).set(database=name).render_as_string(hide_password=False)
    connection = await asyncpg.connect(new)
    await connection.execute(dump)
    await connection.close()
    return new


def test_what_every_version_wrote_is_kept() -> None:
    wanted = {f"{kind}-{version}" for kind in ("sqlite", "postgresql") for version in range(1, schema.VERSION + 1)}
    assert wanted <= {file.stem for file in FILES}


@frozen
class KeptVersions(ScriptedVersions):
    """A platform that holds what the sweep has left there, and reads what its ledger says was sent."""

    specs: list[TrainingSpec] = field(factory=list)

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        self.intended[trial.number] = trial
        create: Mapping[str, Any] = kept.intent(trial, first=job is None)["create"]
        return create

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        return await super().settle({"number": self._number(intent)})

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None] = lambda: None) -> Version:
        number = self._number(intent)
        spec = Pending.from_plain(intent).spec
        self.specs.append(spec)
        self.intended.setdefault(number, Trial(number, {"layers": number}, spec.output_path))
        return await super().make({"number": number, "how": "first" if spec.job_id is None else "next"})

    @staticmethod
    def _number(intent: Mapping[str, Any]) -> int:
        return int(Pending.from_plain(intent).spec.output_path.rstrip("/")[-4:])


async def test_it_is_opened_and_gone_on_with(address: str) -> None:
    there = {
        104: ScriptedVersion(104, None, ("accuracy=0.5",)),
        kept.VERSION_OF_5: ScriptedVersion(kept.VERSION_OF_5, None, ("accuracy=0.25",)),
    }
    versions = KeptVersions(platform=there)
    told: list[Any] = []

    async def listen(event: Any) -> None:
        told.append(event.resumed)

    async with Ledger.open(address, kept.DEFINITION, SystemClock()) as ledger:
        assert {trial.number: trial.state for trial in await ledger.trials()} == kept.LEFT
        # The controller that was killed is not heard of.
        engine = Engine(kept.CONFIG, versions, None, listen, SystemClock(), ledger, lease_s=0.3)
        await engine.run()
        # A trial that was refused is tried again by the run after the one that found it held.
        assert states(engine)[7] is TrialState.REFUSED
        engine = Engine(kept.CONFIG, versions, None, listen, SystemClock(), ledger, lease_s=0.3)
        await engine.run()
        history = [event.state for event in await ledger.events(1)]
    ended = dict.fromkeys(range(1, 11), TrialState.SUCCEEDED)
    assert states(engine) == ended | {2: TrialState.FAILED, 3: TrialState.NO_METRIC}
    assert (told[0].done, told[0].reattached, told[0].to_go) in {(3, 1, 6), (4, 0, 6), (3, 0, 7)}
    assert sorted(number for _, number in versions.made) == [6, 7, 8, 9, 10]
    assert versions.attached == [4]
    assert set(versions.settled) >= {5, 6}
    values = {trial.number: trial.value for trial in engine.result.trials}
    assert (values[1], values[4], values[5]) == (0.75, 0.5, 0.25)
    assert {spec.job_id for spec in versions.specs} == {7}
    assert history == [TrialState.RESERVED, TrialState.CREATING, TrialState.RUNNING, TrialState.SUCCEEDED]


async def test_afterwards_its_tables_are_those_of_a_new_one(address: str, tmp_path: Path) -> None:
    async with Ledger.read(address, "kept", SystemClock()):
        pass
    if address.startswith("sqlite"):
        new = f"sqlite:///{tmp_path}/new.sqlite"
    else:
        new = await _in_a_new_base(address, f"new_{_name(tmp_path)}")
    async with Ledger.open(new, kept.DEFINITION, SystemClock()):
        pass
    assert await _tables(address) == await _tables(new)


async def test_two_who_open_it_at_once_bring_it_up_to_date_once(address: str) -> None:
    async def look() -> int:
        async with Ledger.read(address, "kept", SystemClock()) as ledger:
            return len(await ledger.trials())

    assert await asyncio.gather(*(look() for _ in range(4))) == [8] * 4


async def test_a_step_that_fails_leaves_everything_as_it_was(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await _tables(address)
    broken = ("CREATE TABLE extra (x INTEGER)", "ALTER TABLE nowhere ADD COLUMN x INTEGER")
    monkeypatch.setattr(schema, "VERSION", 99)
    monkeypatch.setattr("aiomodelarts.sweep.ledger.database.statements", lambda version, dialect: iter(broken))
    with pytest.raises(LedgerError, match="nowhere"):
        async with Ledger.read(address, "kept", SystemClock()):
            pass
    assert await _tables(address) == before


async def _tables(address: str) -> dict[str, Any]:
    """Names, kinds and defaults of all columns, and the indexes."""
    if address.startswith("sqlite"):
        return await asyncio.to_thread(_looked_at, address)
    engine = create_async_engine(address.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as connection:
        told = await connection.run_sync(_told)
    await engine.dispose()
    return told


def _looked_at(address: str) -> dict[str, Any]:
    engine = create_engine(address)
    with engine.connect() as connection:
        told = _told(connection)
    engine.dispose()
    return told


def _told(connection: Connection) -> dict[str, Any]:
    tables = inspect(connection)
    return {
        name: (
            {one["name"]: (str(one["type"]), one["nullable"], str(one["default"])) for one in tables.get_columns(name)},
            sorted((str(one["name"]), str(one["column_names"])) for one in tables.get_indexes(name)),
            tables.get_pk_constraint(name)["constrained_columns"],
        )
        for name in sorted(tables.get_table_names())
    }
