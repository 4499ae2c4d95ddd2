"""What every ledger holds to, on SQLite and on PostgreSQL."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.ledger import Definition, Fenced, Held, LedgerError, Move, SweepChanged, filesystems
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.trial import Trial, TrialState

SETTINGS = {"[space] lr": {"kind": "choice", "values": [0.1, 0.2]}, "[search] algorithm": "grid"}


def trial(number: int) -> Trial:
    return Trial(number, {"lr": number / 10, "name": "naïve [x]", "flag": True}, f"/b/o/{number:04d}/")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sweep.sqlite"
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture
def name(tmp_path: Path) -> str:
    """One database serves many tests, so each has a sweep of its own."""
    return tmp_path.name[:180]


class TestLedger:
    """The contract."""

    @pytest.fixture
    def opened(self, address: str, name: str) -> Any:
        def open_it(settings: Any = SETTINGS, **options: bool) -> AbstractAsyncContextManager[Ledger]:
            return Ledger.open(address, Definition(name, settings), SystemClock(), **options)

        return open_it

    @pytest.fixture
    async def ledger(self, opened: Any) -> AsyncIterator[Ledger]:
        async with opened() as ledger:
            await ledger.join("here", "1 1")
            yield ledger

    async def test_what_was_written_is_there_for_the_next_process(self, opened: Any) -> None:
        intent = {"create": {"spec": [1, "ü", None]}, "stamp": None}
        async with opened() as ledger:
            assert await ledger.join("here", "1 1") == []
            held = await ledger.reserve(2, trial)
            assert held == Held(trial(1))
            creating = evolve(held.trial, state=TrialState.CREATING)
            await ledger.move(Move(TrialState.RESERVED, creating, "about to", intent))
            await ledger.leave()
        async with opened() as ledger:
            assert await ledger.join("here", "2 2") == [Held(creating, intent)]
            ids = {"job_id": 2**40, "version_id": 2**41, "began_at": 1.5}
            running = evolve(creating, state=TrialState.RUNNING, **ids)
            await ledger.move(Move(TrialState.CREATING, running, "made"))
            done = evolve(running, state=TrialState.SUCCEEDED, value=0.1 + 0.2, duration_s=1e-9)
            await ledger.move(Move(TrialState.RUNNING, done, "value"))
            await ledger.leave()
        async with opened() as ledger:
            assert await ledger.join("here", "3 3") == []
            assert await ledger.trials() == [done]
            assert (ledger.sweep.job_id, ledger.sweep.first_version_id) == (2**40, 2**41)
            told = [(event.state, event.why, event.token) for event in await ledger.events(1)]
        assert told == [
            (TrialState.RESERVED, "reserved", 1),
            (TrialState.CREATING, "about to", 1),
            (TrialState.CREATING, "taken up", 2),
            (TrialState.RUNNING, "made", 2),
            (TrialState.SUCCEEDED, "value", 2),
        ]

    async def test_numbers_are_given_once_and_up_to_the_total(self, ledger: Ledger) -> None:
        held = await asyncio.gather(*(ledger.reserve(20, trial) for _ in range(30)))
        assert sorted(one.trial.number for one in held if one is not None) == list(range(1, 21))
        assert [one.point for one in await ledger.trials()] == [trial(number).point for number in range(1, 21)]

    async def test_two_controllers_share_the_numbers(self, opened: Any, ledger: Ledger) -> None:
        async with opened() as other:
            await other.join("there", "2 2")
            held = await asyncio.gather(*(one.reserve(20, trial) for _ in range(15) for one in (ledger, other)))
        assert sorted(one.trial.number for one in held if one is not None) == list(range(1, 21))

    async def test_moves_that_arrive_together_share_a_commit(self, ledger: Ledger) -> None:
        held = [held for held in await asyncio.gather(*(ledger.reserve(100, trial) for _ in range(100))) if held]
        before = ledger.commits
        moved = [evolve(one.trial, state=TrialState.CREATING) for one in held]
        await asyncio.gather(*(ledger.move(Move(TrialState.RESERVED, one, "x")) for one in moved))
        assert ledger.commits - before <= 3
        assert {one.state for one in await ledger.trials()} == {TrialState.CREATING}

    async def test_a_step_from_another_state_is_refused_and_its_neighbours_are_taken(self, ledger: Ledger) -> None:
        one, two = [held.trial for held in await asyncio.gather(*(ledger.reserve(2, trial) for _ in range(2))) if held]
        moves = [
            Move(TrialState.RUNNING, evolve(one, state=TrialState.SUCCEEDED), "wrong"),
            Move(TrialState.RESERVED, evolve(two, state=TrialState.CREATING), "right"),
        ]
        wrong, right = await asyncio.gather(*(ledger.move(move) for move in moves), return_exceptions=True)
        assert isinstance(wrong, LedgerError)
        assert right is None
        assert [one.state for one in await ledger.trials()] == [TrialState.RESERVED, TrialState.CREATING]

    async def test_whoever_was_taken_for_dead_can_change_nothing_more(self, opened: Any, ledger: Ledger) -> None:
        held = await ledger.reserve(2, trial)
        assert held is not None
        async with opened() as other:
            await other.join("there", "2 2")
            silent = [lease for lease in await other.leases() if lease.token == ledger.token]
            assert await other.take_over(silent) == [held]
            with pytest.raises(Fenced, match="lease 1"):
                await ledger.move(Move(TrialState.RESERVED, evolve(held.trial, state=TrialState.CREATING), "harm"))
            for ask in (ledger.beat, lambda: ledger.reserve(2, trial), lambda: ledger.take_over([])):
                with pytest.raises(Fenced):
                    await ask()
            assert await other.trials() == [held.trial]

    async def test_whoever_beats_meanwhile_is_not_dead(self, opened: Any, ledger: Ledger) -> None:
        assert await ledger.reserve(2, trial) is not None
        async with opened() as other:
            await other.join("there", "2 2")
            silent = await other.leases()
            await ledger.beat()
            assert await other.take_over(silent[:1]) == []
            await ledger.beat()

    async def test_other_settings_are_refused_with_the_difference(self, opened: Any, ledger: Ledger) -> None:
        await ledger.reserve(2, trial)
        changed = {**SETTINGS, "[search] algorithm": "random", "[search] seed": 3}
        with pytest.raises(SweepChanged) as caught:
            async with opened(changed):
                pass
        assert caught.value.differences == ('[search] algorithm: "grid" -> "random"', "[search] seed: nothing -> 3")
        async with opened(changed, allow_change=True) as later:
            assert (later.sweep.settings, later.sweep.base, later.sweep.reserved) == (changed, 1, 1)
        async with opened(changed):
            pass

    async def test_beginning_anew_keeps_the_old_trials_aside_and_fences_who_drives_them(
        self, opened: Any, ledger: Ledger
    ) -> None:
        await ledger.reserve(2, trial)
        async with opened(fresh=True) as anew:
            assert await anew.trials() == []
            with pytest.raises(Fenced, match="begun anew"):
                await ledger.beat()
            assert len(await ledger.trials()) == 1

    async def test_reading_needs_a_sweep_that_was_run(self, address: str, ledger: Ledger, name: str) -> None:
        async with Ledger.read(address, name, SystemClock()) as there:
            assert await there.trials() == []
        with pytest.raises(LedgerError, match="has no sweep other"):
            async with Ledger.read(address, "other", SystemClock()):
                pass

    async def test_a_write_whose_caller_is_cancelled_is_written_all_the_same(self, ledger: Ledger) -> None:
        asking = asyncio.create_task(ledger.reserve(1, trial))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await ledger.reserve(1, trial) is None
        assert await ledger.trials() == [trial(1)]


def sqlite_ledger(path: Path) -> AbstractAsyncContextManager[Ledger]:
    return Ledger.open(path, Definition("x", SETTINGS), SystemClock())


async def refused(path: Path) -> str:
    with pytest.raises(LedgerError) as caught:
        async with sqlite_ledger(path) as ledger:
            await ledger.join("here", "1 1")
            await ledger.reserve(1, trial)
    return str(caught.value)


async def written(path: Path) -> None:
    async with sqlite_ledger(path) as ledger:
        await ledger.join("here", "1 1")
        for _ in range(50):
            await ledger.reserve(50, trial)


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await written(path)
    await asyncio.to_thread(execute, path, "UPDATE aiomodelarts_ledger SET version = 99")
    assert "written by a newer version of aiomodelarts (schema 99" in await refused(path)


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await asyncio.to_thread(execute, path, "CREATE TABLE trials (x)")
    assert "holds the tables of something else" in await refused(path)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await asyncio.to_thread(path.write_text, "notes of a user, " * 1000)
    assert "is no SQLite database" in await refused(path)
    assert (await asyncio.to_thread(path.read_text)).startswith("notes")


async def test_a_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await written(path)
    await asyncio.to_thread(os.truncate, path, 12288)
    assert "damaged" in await refused(path)


async def test_a_locked_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiomodelarts.sweep.ledger.database._PATIENCE_MS", 50)
    path = tmp_path / "sweep.sqlite"
    await written(path)
    connection = await asyncio.to_thread(sqlite3.connect, path, check_same_thread=False)
    await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
    assert "locked" in await refused(path)
    await asyncio.to_thread(connection.close)


async def test_a_full_disk_loses_nothing_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    async with sqlite_ledger(path) as ledger:
        await ledger.join("here", "1 1")
        assert await ledger.reserve(10**6, trial) is not None
        async with ledger._database._engine.begin() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count = 20")
        kept = 1
        with pytest.raises(LedgerError, match="the disk is full; make room and give the same command again"):
            while True:
                await ledger.reserve(10**6, lambda number: evolve(trial(number), output_path="/" + "x" * 2000))
                kept += 1
        assert len(await ledger.trials()) == kept


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert "cannot be opened" in await refused(tmp_path / "nowhere/sweep.sqlite")


async def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(LedgerError, match="SQLite or PostgreSQL, not in mysql"):
        async with Ledger.open("mysql://u:secret@h/d", Definition("x", {}), SystemClock()):
            pass


async def test_a_password_is_not_told() -> None:
    with pytest.raises(LedgerError) as caught:
        async with Ledger.open("postgresql://u:secret@127.0.0.1:1/d", Definition("x", {}), SystemClock()):
            pass
    assert "secret" not in str(caught.value)


def test_the_package_can_be_imported_without_the_extra() -> None:
    script = "import sys; sys.modules['sqlalchemy'] = None\nimport aiomodelarts.sweep, aiomodelarts.sweep.ledger"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


async def test_a_file_whose_end_is_missing_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = tmp_path / "whole.sqlite"
    await written(whole)
    data = await asyncio.to_thread(whole.read_bytes)
    for number, size in enumerate((100, 4096, len(data) // 2, len(data) - 4096)):
        path = tmp_path / f"{number}.sqlite"
        await asyncio.to_thread(path.write_bytes, data[:size])
        assert "damaged" in await refused(path) or "no SQLite database" in await refused(path)
        assert await asyncio.to_thread(path.read_bytes) == data[:size]


async def test_a_ledger_keeps_several_sweeps_apart(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await written(path)
    async with Ledger.open(path, Definition("another", {"other": 1}), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        assert await ledger.reserve(1, trial) == Held(trial(1))
        assert len(await ledger.trials()) == 1
    async with Ledger.read(path, "x", SystemClock()) as ledger:
        assert len(await ledger.trials()) == 50


async def test_the_file_of_another_sweep_of_this_name_is_refused_with_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await written(path)
    with pytest.raises(SweepChanged, match=r"\[space\] lr: .* -> nothing") as caught:
        async with Ledger.open(path, Definition("x", {"[space] momentum": {"kind": "float"}}), SystemClock()):
            pass
    assert "another name makes another sweep" in str(caught.value)


WRITE = """\
import asyncio, os, sys
from pathlib import Path
from aiomodelarts.sweep.ledger import LedgerError
from tests.sweep.test_ledger import written
# Everything is imported when this has gone well.
asyncio.run(written(Path(sys.argv[2])))
if os.geteuid() == 0:
    # The rights of files are nothing to root.
    os.seteuid(65534)
try:
    asyncio.run(written(Path(sys.argv[1])))
except LedgerError as error:
    sys.stdout.write(str(error))
"""


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_file_or_folder_that_is_read_only_is_told(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "results"
    await asyncio.to_thread(folder.mkdir)
    path = folder / "sweep.sqlite"
    await written(path)
    for one in (tmp_path, *tmp_path.parents[:2]):
        await asyncio.to_thread(one.chmod, 0o711)
    await asyncio.to_thread(path.chmod, 0o444 if what == "file" else 0o666)
    await asyncio.to_thread(folder.chmod, 0o755 if what == "file" else 0o555)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", WRITE, str(path), str(tmp_path / "first.sqlite")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert "cannot be" in done.stdout
    assert "rights" in done.stdout
    async with sqlite_ledger(path) as ledger:
        assert len(await ledger.trials()) == 50


async def test_a_network_file_system_is_refused_unless_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts, path = tmp_path / "mounts", tmp_path / "share/a b/sweep.sqlite"
    await asyncio.to_thread(path.parent.mkdir, parents=True)
    lines = ["22 1 8:1 / / rw - ext4 /dev/sda1 rw", f"40 22 0:40 / {tmp_path}/share rw - nfs4 server:/export rw"]
    await asyncio.to_thread(mounts.write_text, "\n".join(lines))
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    said = await refused(path)
    assert "is on a network file system (nfs4)" in said
    allowed = said.rpartition('ledger = "')[2].rstrip('"')
    assert allowed == f"sqlite:///{path}?network=allow"
    assert not await asyncio.to_thread(path.exists)
    async with Ledger.open(allowed, Definition("x", SETTINGS), SystemClock()) as ledger:
        assert await ledger.trials() == []
    async with sqlite_ledger(tmp_path / "local.sqlite"):
        pass


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/sweep.sqlite", "nfs"),
        ("/home/you/x", "ext4"),
        ("/home/me/scratch/x", "xfs"),
        ("/mnt/a b/x", "fuse.sshfs"),
        ("/homely/x", "ext4"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    mounts = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:40 / /home/me rw - tmpfs tmpfs rw
41 22 0:40 / /home/me rw shared:2 master:3 - nfs server:/export rw
42 41 8:2 / /home/me/scratch rw - xfs /dev/sdb1 rw
43 22 0:41 / /mnt/a\\040b rw - fuse.sshfs me@there: rw
"""
    assert filesystems.kind_at(Path(path), mounts) == kind


async def test_a_database_that_goes_away_is_told_and_nothing_is_lost(postgres: str, name: str) -> None:
    async with Ledger.open(postgres, Definition(name, SETTINGS), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        assert await ledger.reserve(2, trial) == Held(trial(1))
        connection = await asyncpg.connect(postgres)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()
        with pytest.raises(LedgerError, match=r"the database is not there any more; .* same command again"):
            await ledger.reserve(2, trial)
        assert await ledger.reserve(2, trial) == Held(trial(2))
        assert [one.number for one in await ledger.trials()] == [1, 2]
