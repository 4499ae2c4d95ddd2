"""What the platform has accepted stays accepted: through kill -9, a full disk and a restart."""

import asyncio
import os
import resource
import signal
import sqlite3
import stat
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from aiomodelarts.local import LocalPlatform, RootInUseError
from aiomodelarts.local.journal import SqliteJournal
from aiomodelarts.local.records import Change, RecordError
from aiomodelarts.local.serve import run
from tests.local.caller import Caller, calling, config, eventually, marked, where
from tests.support.platform import put_script, serving


async def states(caller: Caller, job_id: int) -> dict[int, int]:
    listed = await caller.ok("GET", f"training-jobs/{job_id}/versions", {"page": 1, "per_page": 1000})
    return {row["version_id"]: row["status"] for row in listed["versions"]}


async def test_kill_9_in_the_middle_of_a_batch_loses_nothing_that_was_accepted(tmp_path, in_thread):
    root = tmp_path / "root"
    async with serving(root) as (process, access), calling(access) as caller:
        await in_thread(put_script, access, "import time\nprint('up')\ntime.sleep(99)")
        job = await caller.create_job()
        await caller.until_printed(job, "up")
        accepted = {job["version_id"]}
        refused = 0

        async def keep_creating() -> None:
            nonlocal refused
            while True:
                try:
                    accepted.add((await caller.create_version(job))["version_id"])
                except (OSError, aiohttp.ClientError):
                    refused += 1
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(16):
                group.create_task(keep_creating())
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGKILL)
        assert refused == 16
        assert len(accepted) > 16
        assert await in_thread(marked, access.access_key) != []

    await in_thread(put_script, access, "pass")
    async with serving(root) as (process, again), calling(again) as caller:
        assert (again.access_key, again.secret_key, again.project_id) == (
            access.access_key,
            access.secret_key,
            access.project_id,
        )
        found = await states(caller, job["job_id"])
        assert accepted <= set(found)
        assert found[job["version_id"]] == 14
        assert set(found.values()) <= {7, 8, 10, 14}
        waiting = next(version for version, status in found.items() if status in (7, 8, 10))
        detail = await caller.finished({**job, "version_id": waiting})
        assert detail["status"] == 10
        newer = await caller.create_version(job)
        assert newer["version_id"] > max(found)
        process.send_signal(signal.SIGTERM)
        assert await in_thread(process.wait) == 0
    assert await in_thread(marked, access.access_key) == []


async def test_processes_of_a_killed_platform_are_ended_by_the_next(tmp_path, in_thread):
    root = tmp_path / "root"
    async with serving(root) as (process, access), calling(access) as caller:
        await in_thread(put_script, access, "import time\nprint('up')\ntime.sleep(99)")
        job = await caller.create_job()
        await caller.until_printed(job, "up")
        process.send_signal(signal.SIGKILL)
        await in_thread(process.wait)
    assert len(await in_thread(marked, access.access_key)) == 1
    async with LocalPlatform(root, executor="process"):
        assert await in_thread(marked, access.access_key) == []


IN_ANOTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from aiomodelarts.local import LocalPlatform

async def main():
    async with LocalPlatform() as platform:
        print(platform.modelarts_endpoint, platform.access_key, platform.secret_key, platform.project_id,
              platform.obs_root, flush=True)
        await asyncio.sleep(99)

asyncio.run(main())
"""


@asynccontextmanager
async def in_a_temporary_folder():
    """A program with a platform of its own, without a root: its process, and what a caller needs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IN_ANOTHER_PROCESS, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    names = ("modelarts_endpoint", "access_key", "secret_key", "project_id", "obs_root")
    try:
        said = (await process.stdout.readline()).decode().split()
        yield process, SimpleNamespace(**dict(zip(names, said, strict=True)))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_temporary_folder_of_a_killed_program_goes_with_the_next_one(tmp_path, monkeypatch, in_thread):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with in_a_temporary_folder() as (process, access), in_a_temporary_folder() as (_, living):
        async with calling(access) as caller:
            await in_thread(put_script, access, "import time\nprint('up')\ntime.sleep(99)")
            await caller.until_printed(await caller.create_job(), "up")
        process.kill()
        await process.wait()
        dead, alive = Path(access.obs_root).parent, Path(living.obs_root).parent
        assert await in_thread(dead.exists)
        async with LocalPlatform() as platform:
            assert not await in_thread(dead.exists)
            assert await in_thread(marked, access.access_key) == []
            assert sorted(await in_thread(os.listdir, tmp_path)) == sorted(
                [alive.name, Path(platform.obs_root).parent.name]
            )


async def test_a_temporary_folder_that_somebody_names_is_kept(tmp_path, monkeypatch, in_thread):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with in_a_temporary_folder() as (process, access):
        process.kill()
        await process.wait()
    left = Path(access.obs_root).parent
    async with LocalPlatform(left):
        pass
    async with LocalPlatform():
        assert await in_thread(left.exists)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_cleanly_with_all_that_runs(tmp_path, number, in_thread):
    # Whoever runs the tests may have them ignore that their terminal is closed.
    async with serving(tmp_path / "root", before=("env", "--default-signal=HUP")) as (process, access):
        async with calling(access) as caller:
            await in_thread(put_script, access, "import time\nprint('up')\ntime.sleep(99)")
            await caller.until_printed(await caller.create_job(), "up")
        process.send_signal(number)
        assert await in_thread(process.wait) == 0
    assert await in_thread(marked, access.access_key) == []
    assert not await in_thread((tmp_path / "root.ready.json").exists)


async def test_nohup_keeps_it_when_its_terminal_is_closed(tmp_path, in_thread):
    async with serving(tmp_path / "root", "--executor", "simulated", before=("nohup",)) as (process, access):
        process.send_signal(signal.SIGHUP)
        async with calling(access) as caller:
            assert (await caller.create_job())["status"] == 1
        process.send_signal(signal.SIGTERM)
        assert await in_thread(process.wait) == 0


async def test_the_ready_file_of_another_platform_stays(tmp_path, in_thread):
    ready = tmp_path / "root.ready.json"
    async with serving(tmp_path / "root", "--executor", "simulated") as (process, _):
        await in_thread(ready.write_text, "{}")
        process.send_signal(signal.SIGTERM)
        assert await in_thread(process.wait) == 0
    assert await in_thread(ready.read_text) == "{}"


async def test_the_ready_file_is_private_and_complete(tmp_path, in_thread):
    async with serving(tmp_path / "root", "--executor", "simulated") as (process, access):
        ready = tmp_path / "root.ready.json"
        mode = (await in_thread(ready.stat)).st_mode
        assert stat.S_IMODE(mode) == 0o600
        assert set(vars(access)) == {
            "modelarts_endpoint", "iam_endpoint", "obs_endpoint", "obs_root", "region_name", "project_id", "access_key",
            "secret_key", "account", "username", "password", "admin_token", "pid",
        }  # fmt: skip
        assert access.pid == process.pid
        for name in ("keys.json", "board.sqlite3"):
            assert stat.S_IMODE((await in_thread((tmp_path / "root" / name).stat)).st_mode) == 0o600


def damage(root: Path, name: str) -> None:
    root.mkdir()
    (root / name).write_text("not what it should be " * 100)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--simulate", "duraton=5"], 2, "'duraton=5' in the simulation: there is no such setting"),
        (["--simulate", "duration=9..5"], 2, "the smaller number first"),
        (["--simulate", "fail=2"], 2, "fail has to lie between 0 and 1"),
        (["--simulate", "duration=5"], 2, "simulate goes with executor='simulated'"),
        (["--answers", "varied:x"], 2, "not 'varied:x'"),
        (["--rate", "creates=1"], 2, "not of the form creates=20/s"),
        (["--port", "70000"], 2, "port has to lie between 0 and 65535"),
        (["--faults", "{root}/keys.json"], 2, "are not JSON"),
        (["--faults", "/nowhere.json"], 3, "/nowhere.json"),
        (["--ready-file", "/nowhere/ready.json"], 3, "/nowhere/ready.json"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(tmp_path, capsys, options, status, said):
    damage(tmp_path / "other", "keys.json")
    given = [option.format(root=tmp_path / "other") for option in options]
    assert run(["--root", str(tmp_path / "root"), *given]) == status
    told = capsys.readouterr().err
    assert said in told
    assert "Errno" not in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", ["keys.json", "board.sqlite3"])
def test_a_damaged_root_is_told_in_one_line(tmp_path, capsys, name):
    damage(tmp_path / "root", name)
    assert run(["--root", str(tmp_path / "root")]) == 3
    told = capsys.readouterr().err
    assert f"{name} cannot be read" in told
    assert told.count("\n") == 1


def test_a_root_that_is_a_file_is_told(tmp_path, capsys):
    (tmp_path / "root").write_text("")
    assert run(["--root", str(tmp_path / "root")]) == 3
    assert "Not a directory" in capsys.readouterr().err


async def test_two_platforms_do_not_share_a_root(tmp_path):
    async with LocalPlatform(tmp_path, executor="simulated"):
        told = rf"another local platform is using .* \(process {os.getpid()}\); stop it"
        with pytest.raises(RootInUseError, match=told):
            async with LocalPlatform(tmp_path, executor="simulated"):
                pass


async def test_an_orderly_restart_keeps_the_board(tmp_path):
    async with (
        LocalPlatform(tmp_path, executor="simulated", simulate="duration=0") as platform,
        calling(platform) as caller,
    ):
        job = await caller.create_job(parameter=[{"label": "lr", "value": "0.1"}])
        before = await caller.finished(job)
        await caller.ok("PUT", f"training-jobs/{job['job_id']}", body={"job_desc": "changed"})
        await caller.ok("POST", "training-job-configs", body={"config_name": "c", **config()})
        shown = await caller.ok("POST", "visualization-jobs", body={"job_name": "v", "train_url": "/bucket/o/"})
    async with (
        LocalPlatform(tmp_path, executor="simulated", simulate="duration=0") as platform,
        calling(platform) as caller,
    ):
        assert await caller.detail(job) == {**before, "job_desc": "changed"}
        assert (await caller.ok("GET", "training-job-configs/c"))["config_name"] == "c"
        assert (await caller.ok("GET", f"visualization-jobs/{shown['job_id']}"))["job_name"] == "v"
        reply = await caller.call("POST", "training-jobs", body={"job_name": "demo", "config": config()})
        assert reply.code == "ModelArts.0103"


async def test_ids_are_not_used_again_after_a_deletion_and_a_restart(tmp_path):
    async with (
        LocalPlatform(tmp_path, executor="simulated", simulate="duration=0") as platform,
        calling(platform) as caller,
    ):
        job = await caller.create_job()
        await caller.ok("DELETE", f"training-jobs/{job['job_id']}")
        await eventually(lambda: caller.call("GET", where(job)), lambda reply: reply.status != 200)
    async with LocalPlatform(tmp_path, executor="simulated") as platform, calling(platform) as caller:
        again = await caller.create_job()
        assert again["job_id"] > job["version_id"]


async def test_a_full_disk_refuses_creates_clearly_and_loses_nothing(tmp_path, in_thread):
    """The kernel refuses every file beyond a size, which is what a full disk is to SQLite."""
    text = "x" * 3000
    options = ("--executor", "simulated", "--simulate", "duration=0")
    async with serving(tmp_path / "root", *options) as (process, access), calling(access) as caller:
        job = await caller.create_job()
        accepted = [job["version_id"]]
        limit = 400_000
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        body = {"config": config(pre_version_id=job["version_id"], user_command=text)}
        for _ in range(300):
            reply = await caller.call("POST", f"training-jobs/{job['job_id']}/versions", body=body)
            if reply.status != 200:
                break
            accepted.append(reply.json["version_id"])
        assert (reply.status, reply.code) == (500, "ModelArts.6200")
        assert "Nothing was made" in reply.json["error_message"]
        assert sorted(await states(caller, job["job_id"])) == accepted
        await eventually(lambda: states(caller, job["job_id"]), lambda found: set(found.values()) == {10})
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        accepted.append((await caller.create_version(job))["version_id"])
        process.send_signal(signal.SIGKILL)
        await in_thread(process.wait)
    async with serving(tmp_path / "root", *options) as (_, access), calling(access) as caller:
        found = await states(caller, job["job_id"])
        assert sorted(found) == accepted
        assert set(found.values()) <= {7, 8, 10, 14}


async def test_moves_that_could_not_be_written_are_written_later(tmp_path):
    journal = SqliteJournal(tmp_path / "j.sqlite3")
    await asyncio.to_thread(journal.read)
    journal.start(asyncio.get_running_loop())
    monkey = SqliteJournal._try
    failing = True

    def sometimes(self, database, changes):
        return sqlite3.OperationalError("database or disk is full") if failing else monkey(self, database, changes)

    SqliteJournal._try = sometimes
    try:
        journal.note([Change("states", 1, {"status": 8})])
        with pytest.raises(RecordError, match="disk is full"):
            await journal.write([Change("versions", 2, {"a": 1})])
        failing = False
        await journal.write([Change("versions", 3, {"a": 1})])
    finally:
        SqliteJournal._try = monkey
        await asyncio.to_thread(journal.stop)
    records = await asyncio.to_thread(SqliteJournal(tmp_path / "j.sqlite3").read)
    assert {(table, key) for table, key, _ in records} == {("states", 1), ("versions", 3)}


async def test_a_deletion_cut_short_by_the_end_is_finished_at_the_next_start(tmp_path):
    async with LocalPlatform(tmp_path, slots=1) as platform, calling(platform) as caller:
        job = await caller.create_job()
        await caller.finished(job)
        await caller.ok("DELETE", where(job))
    async with LocalPlatform(tmp_path, slots=1) as platform, calling(platform) as caller:
        assert await states(caller, job["job_id"]) == {}


async def test_a_taken_port_is_told(tmp_path):
    async with LocalPlatform(tmp_path / "a", executor="simulated") as platform:
        port = int(platform.modelarts_endpoint.rpartition(":")[2])
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another"):
            async with LocalPlatform(tmp_path / "b", executor="simulated", port=port):
                pass


async def test_whoever_connects_before_the_past_is_settled_waits(tmp_path, in_thread):
    """Many start and end on one port, while somebody asks without a pause."""
    async with LocalPlatform(tmp_path, executor="simulated", simulate="duration=99") as platform:
        port = int(platform.modelarts_endpoint.rpartition(":")[2])
        async with calling(platform) as caller:
            job = await caller.create_job()
    for _ in range(3):
        again = LocalPlatform(tmp_path, executor="simulated", simulate="duration=99", port=port)
        async with again, calling(again) as caller:
            made = await caller.create_version(job)
            found = await states(caller, job["job_id"])
            assert found.pop(made["version_id"]) == 8
            assert set(found.values()) == {14}
