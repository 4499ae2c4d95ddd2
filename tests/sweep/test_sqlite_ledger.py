"""A ledger in a file, and what can be wrong with that."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.ledger import Definition, Held, LedgerError, SweepChanged, filesystems
from aiomodelarts.sweep.ledger.database import Database
from aiomodelarts.sweep.ledger.errors import NotRunYet
from aiomodelarts.sweep.ledger.ledger import Ledger

from .test_ledger import SETTINGS, trial


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


@pytest.mark.parametrize("more", ["", "?network=allow"])
async def test_a_folder_may_be_called_anything(tmp_path: Path, more: str) -> None:
    folder = tmp_path / "100% of #1? x=1&y"
    await asyncio.to_thread(folder.mkdir)
    async with Ledger.open(f"sqlite:///{folder}/l.sqlite{more}", Definition("x", SETTINGS), SystemClock()) as ledger:
        assert ledger.shown == f"{folder}/l.sqlite"
    assert await asyncio.to_thread((folder / "l.sqlite").exists)


async def test_to_look_at_an_empty_file_makes_no_ledger_of_it(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    await asyncio.to_thread(path.touch)
    with pytest.raises(NotRunYet, match="is empty; the sweep was not run yet"):
        async with Ledger.read(path, "x", SystemClock()):
            pass
    # Another program may still make its own tables there.
    await asyncio.to_thread(execute, path, "CREATE TABLE trials (x)", "DROP TABLE trials")
    async with sqlite_ledger(path) as ledger:
        assert await ledger.trials() == []


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
from tests.sweep.test_sqlite_ledger import written
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


async def test_a_ledger_that_another_program_is_just_making_is_waited_for(tmp_path: Path) -> None:
    def begin() -> sqlite3.Connection:
        other = sqlite3.connect(tmp_path / "sweep.sqlite", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        return other

    other = await asyncio.to_thread(begin)
    opening = asyncio.create_task(Database.open(tmp_path / "sweep.sqlite", create=True))
    await asyncio.wait([opening], timeout=0.3)
    await asyncio.to_thread(other.close)
    await (await opening).close()
