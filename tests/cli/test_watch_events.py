"""``aiomodelarts watch --job`` as a user calls it: lines, cursor, webhook, and what it refuses."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from aiomodelarts import TrainingJob
from aiomodelarts._cursor import encode
from aiomodelarts.cli.watch import _show_text
from aiomodelarts.events import Overflowed, verify
from aiomodelarts.local import LocalPlatform
from tests.support.fakes import estimator_on
from tests.support.platform import environment, platform_at, session_at
from tests.watch.test_delivery import EVERY_KIND, WHAT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"HOOK_SECRET": SECRET, "SHORT": "whsec_c2hvcnQ="}


@pytest_asyncio.fixture
async def platform(tmp_path: Path) -> AsyncIterator[LocalPlatform]:
    async with platform_at(tmp_path / "platform", "duration=0.1..0.2") as there:
        yield there


async def start(platform: LocalPlatform, cwd: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "aiomodelarts.cli", "watch", *arguments, cwd=cwd, env=environment(platform, **SECRETS),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def make(platform: LocalPlatform, job_id: int | None = None, *, wait: bool = True) -> int:
    """The job with two more versions, or a new one with two."""
    async with session_at(platform) as session:
        estimator = estimator_on(session)
        if job_id is None:
            first = await estimator.fit("/bucket/data/")
        else:
            newest = await anext(TrainingJob.attach(session, job_id, 1).iter_job_versions(limit=1))
            first = await estimator.create_job_version(job_id, newest.version_id, "/bucket/data/")
        second = await estimator.create_job_version(first.job_id, first.version_id, "/bucket/data/")
        if wait:
            await session.wait_all([first, second])
        return first.job_id


async def lines(process: asyncio.subprocess.Process, count: int) -> list[dict[str, object]]:
    assert process.stdout is not None
    return [json.loads(await process.stdout.readline()) for _ in range(count)]


async def end(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    process.terminate()
    _, err = await process.communicate()
    return process.returncode, err.decode()


async def test_lines_a_webhook_and_a_cursor_that_is_gone_on_from(platform: LocalPlatform, tmp_path: Path) -> None:
    got: list[dict[str, object]] = []
    all_there = asyncio.Event()

    async def hook(request: web.Request) -> web.Response:
        got.append(verify(await request.read(), request.headers, SECRET))
        if len(got) == 4:
            all_there.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    job = await make(platform)
    options = ("--job", str(job), "--output", "json", "--cursor-file", "cursor", "--from-beginning")
    process = await start(platform, tmp_path, *options, "--webhook", url, "--webhook-secret-env", "HOOK_SECRET")
    told = await lines(process, 4)
    await all_there.wait()
    cursor_file = tmp_path / "cursor"
    while True:
        kept = await asyncio.to_thread(lambda: cursor_file.read_text() if cursor_file.exists() else "")
        if kept.strip() == told[-1]["cursor"]:
            break
        await asyncio.sleep(0.02)
    assert await end(process) == (143, "")
    assert [event["id"] for event in got] == [event["id"] for event in told]
    assert (
        sorted(str(event["type"]) for event in told)
        == ["aiomodelarts.version.appeared"] * 2 + ["aiomodelarts.version.finished"] * 2
    )
    await runner.cleanup()

    # Whatever is made later is all that a second life tells.
    await asyncio.to_thread(cursor_file.write_text, str(told[0]["cursor"]))
    process = await start(platform, tmp_path, *options)
    again = await lines(process, 3)
    await end(process)
    assert [event["id"] for event in again] == [event["id"] for event in told[1:]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("5",), "VERSION_ID"),
        (("5", "6", "--job", "5"), "either"),
        (("5", "6", "--cursor-file", "f"), "are for events"),
        (("--job", "x"), "job_id"),
        (("--job", "5", "--webhook", "nowhere", "--webhook-secret-env", "HOOK_SECRET"), "https://"),
        (("--job", "5", "--webhook", "http://localhost/"), "--webhook-secret-env"),
        (("--job", "5", "--webhook", "http://localhost/", "--webhook-secret-env", "NO_SUCH"), "NO_SUCH"),
        (("--job", "5", "--cursor-file", "garbage"), "cursor"),
        (("--job", "5", "--cursor-file", "cut"), "--cursor-file cut: got"),
        (("--cursor-file", "of-job-5"), "belongs to job 5, and this is about all jobs"),
        (("--job", "5", "--webhook", "http://localhost/", "--webhook-secret-env", "SHORT"), "24 bytes or more"),
        (("--job", "5", "--webhook-secret-env", "HOOK_SECRET"), "it goes with --webhook"),
        (("--job", "5", "--log-stalled", "0"), "minutes above 0"),
        (("5", "6", "--log-stalled", "1"), "are for events"),
        (("--job", "5", "--cursor-file", "future"), "a later version wrote this one"),
        (("--job", "5", "--cursor-file", "."), "directory"),
    ],
)
async def test_what_means_nothing_is_refused_with_exit_code_2(
    platform: LocalPlatform, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    await asyncio.to_thread((tmp_path / "garbage").write_bytes, b"\xff\xfe garbage")
    await asyncio.to_thread((tmp_path / "of-job-5").write_text, encode({5: {}}))
    await asyncio.to_thread((tmp_path / "future").write_text, "c9.abcd")
    await asyncio.to_thread((tmp_path / "cut").write_text, encode({5: {}})[:-4])
    process = await start(platform, tmp_path, *arguments)
    _, err = await process.communicate()
    assert process.returncode == 2, err
    assert says in err.decode()
    assert SECRET not in err.decode()


async def test_without_a_job_all_jobs_are_told_of(platform: LocalPlatform, tmp_path: Path) -> None:
    jobs = [await make(platform), await make(platform)]
    process = await start(platform, tmp_path, "--from-beginning", "-o", "json", "--cursor-file", "cursor")
    told = await lines(process, 8)
    jobs.append(await make(platform))
    finished = 0
    while finished < 2:
        (line,) = await lines(process, 1)
        told.append(line)
        finished += line["type"] == "aiomodelarts.version.finished" and line["source"] == f"/training-jobs/{jobs[2]}"
    assert await end(process) == (143, "")
    assert {line["source"] for line in told} == {f"/training-jobs/{job}" for job in jobs}
    assert len({line["id"] for line in told}) == len(told)


async def test_two_do_not_move_one_cursor(platform: LocalPlatform, tmp_path: Path) -> None:
    job = await make(platform)
    options = ("--job", str(job), "--from-beginning", "--cursor-file", "cursor")
    first = await start(platform, tmp_path, *options)
    assert first.stdout is not None
    await first.stdout.readline()
    second = await start(platform, tmp_path, *options)
    _, err = await second.communicate()
    assert second.returncode == 2
    assert "another process is moving it" in err.decode()
    first.kill()
    await first.communicate()
    # What the killed one leaves behind holds nobody up. Without its cursor there is something to tell again.
    await asyncio.to_thread((tmp_path / "cursor").unlink, True)
    third = await start(platform, tmp_path, *options, "--output", "json")
    await lines(third, 1)
    assert await end(third) == (143, "")


async def test_an_unknown_job_is_an_error(platform: LocalPlatform, tmp_path: Path) -> None:
    process = await start(platform, tmp_path, "--job", "999")
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "there is no job 999" in err.decode()


async def test_a_reader_that_has_enough_ends_it_quietly(platform: LocalPlatform, tmp_path: Path) -> None:
    job = await make(platform)
    process = await start(platform, tmp_path, "--job", str(job), "--from-beginning")
    assert process.stdout is not None
    assert b"appeared" in await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    await make(platform, job)
    _, err = await process.communicate()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_an_interruption_is_no_error(
    platform: LocalPlatform, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    job = await make(platform)
    # A webhook that nobody answers is being posted to again and again when the signal comes.
    options = ("--webhook", "http://127.0.0.1:1/", "--webhook-secret-env", "HOOK_SECRET")
    process = await start(platform, tmp_path, "--job", str(job), "--from-beginning", *options)
    assert process.stderr is not None
    assert b"it is posted again for a while" in await process.stderr.readline()
    process.send_signal(number)
    _, err = await process.communicate()
    assert (process.returncode, err) == (code, b"")
    assert not await asyncio.to_thread((tmp_path / "dead-letters.jsonl").exists)


async def test_a_cursor_file_with_nothing_in_it_is_told(platform: LocalPlatform, tmp_path: Path) -> None:
    job = await make(platform)
    await asyncio.to_thread((tmp_path / "cursor").touch)
    process = await start(platform, tmp_path, "--job", str(job), "--cursor-file", "cursor", "--from-beginning")
    assert process.stderr is not None
    assert b"cursor is empty, so this begins anew" in await process.stderr.readline()
    await end(process)


async def test_a_log_that_stands_still_is_told(tmp_path: Path) -> None:
    spec = "duration=60..60,log_lines=1"
    async with platform_at(tmp_path / "platform", spec) as platform:
        job = await make(platform, wait=False)
        options = ("--job", str(job), "--from-beginning", "--log-stalled", "0.01")
        process = await start(platform, tmp_path, *options, "-o", "json")
        while True:
            (line,) = await lines(process, 1)
            if line["type"] == "aiomodelarts.version.log_stalled":
                break
        assert await end(process) == (143, "")
        process = await start(platform, tmp_path, *options)
        assert process.stdout is not None
        while b"log stalled" not in (shown := await process.stdout.readline()):
            assert shown
        assert shown.decode().rstrip().endswith("log stalled, RUNNING, for 1 s")
        await end(process)
    assert line["data"]["still_s"] >= 0.6  # type: ignore[index]


async def test_each_kind_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for event in (*(event for event, _ in EVERY_KIND), Overflowed(**WHAT)):
        _show_text(event)
    assert [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()] == [
        "job 5 version 7: appeared, RUNNING",
        "job 5 version 7: state changed, WAITING -> RUNNING",
        "job 5 version 7: finished, FAILED",
        "job 5 version 7: disappeared, RUNNING",
        "job 5 version 7: log stalled, RUNNING, for 10 min 0 s",
        "job 5 version 7: twin stopped, KILLING",
        "overflowed: too much came at once, so some changes are told as one",
    ]


@pytest.mark.parametrize("missing", ["cloudevents", "standardwebhooks"])
async def test_without_the_extra_it_says_what_to_install(platform: LocalPlatform, tmp_path: Path, missing: str) -> None:
    script = f"import sys; sys.modules['{missing}'] = None; from aiomodelarts.cli import main; main()"
    options = ("watch", "--webhook", "http://127.0.0.1:1/", "--webhook-secret-env", "HOOK_SECRET")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *options, cwd=tmp_path, env=environment(platform, **SECRETS),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == 2
    assert err.decode() == f"error: {missing} is not installed; run: pip install 'aiomodelarts[events]'\n"
