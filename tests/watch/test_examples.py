"""The three example programs, as processes, against the local platform."""

import asyncio
import csv
import itertools
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from aiomodelarts import AsyncSession, TrainingJob
from aiomodelarts.local import LocalPlatform
from tests.support.platform import ROOT, environment, platform_at, session_at

EXAMPLES = ROOT / "examples"
README = {name: (EXAMPLES / name / "README.md").read_text() for name in ("bot", "bulk", "service")}


def as_users(platform: LocalPlatform | None = None) -> dict[str, str]:
    return environment(platform, PYTHONWARNINGS="error", PYTHONUNBUFFERED="1")


async def run(cwd: Path, env: dict[str, str], *command: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=cwd, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest_asyncio.fixture
async def platform(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[LocalPlatform]:
    seed = getattr(request, "param", 0)
    spec = f"duration=0.05..0.3,fail=0.2,seed={seed}"
    async with platform_at(tmp_path / "platform", spec) as there:
        yield there


async def live(platform: LocalPlatform, bots: Sequence[Sequence[tuple[Sequence[str], int | None]]]) -> Any:
    """How the lives of bots ended; see ``bots``."""
    code, out, err = await run(ROOT, as_users(platform), "-m", "tests.watch.bots", json.dumps(bots))
    assert code == 0, err
    return json.loads(out)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", [1, 2, 3], indirect=True)
async def test_the_bot_killed_between_any_two_steps_launches_no_version_twice(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    total, killed_at, unharmed = 3, set(), False
    # Later steps than the last one do not exist: the enumeration is whole when a bot ends unharmed.
    for first in itertools.count(0, 12):
        if unharmed:
            break
        names = [f"bot-{number}" for number in range(first, first + 12)]
        options = {
            name: ["--name", name, "--total", str(total), "--state", f"{tmp_path}/{name}.json"] for name in names
        }
        lives = [[(options[name], int(name[4:])), (options[name], None)] for name in names]
        ended = [step for step, _ in await live(platform, lives)]
        unharmed = None in ended
        killed_at |= {*ended} - {None}
        for name in names:
            state = json.loads(await asyncio.to_thread((tmp_path / f"{name}.json").read_text))
            assert len(state["results"]) == total
    assert killed_at == {
        "loaded", "job", "event", "scored", "intended", "before a create", "after a create", "launched", "saved",
    }  # fmt: skip
    async with session_at(platform) as session:
        jobs = [job async for job in _jobs(session)]
        assert len(jobs) == first
        for job in jobs:
            versions = [row async for row in TrainingJob.attach(session, job, 1).iter_job_versions()]
            assert len(versions) == total


@pytest.mark.timeout(300)
async def test_a_bot_that_is_to_have_more_goes_on_wherever_it_is_killed(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    bots = []
    for number in range(16):
        options = ["--name", f"bot-{number}", "--state", f"{tmp_path}/bot-{number}.json", "--total"]
        bots.append([([*options, "1"], None), ([*options, "2"], number), ([*options, "2"], None)])
    ended = [step for _, step, _ in await live(platform, bots)]
    # Every step there is, and then some that there are not.
    assert ended[:8].count(None) == 0
    assert ended[-1] is None
    async with session_at(platform) as session:
        for job in [job async for job in _jobs(session)]:
            assert len([row async for row in TrainingJob.attach(session, job, 1).iter_job_versions()]) == 2

    async with session_at(platform) as session:
        jobs = [job async for job in _jobs(session)]
        assert len(jobs) == number + 1
        for job in jobs:
            assert len([row async for row in TrainingJob.attach(session, job, 1).iter_job_versions()]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("bot/bot.py", "--total", "0"), 2, "it is 1 or more"),
        (("bot/bot.py", "--state", "garbage", "--local"), 1, "is not what this bot has written"),
        (("bot/bot.py", "--state", "no/such/folder", "--local"), 1, "No such file"),
        (("bot/bot.py",), 1, "no credentials were found"),
        (("bulk/bulk.py", "nowhere.csv"), 1, "nowhere.csv"),
        (("bulk/bulk.py", "garbage"), 1, "garbage:2: the row has not as many cells as there are columns"),
        (("bulk/bulk.py", "taken.csv"), 1, "a column must not be called outcome"),
        (("bulk/bulk.py", "empty.csv"), 1, "has no rows"),
        (("bulk/bulk.py", "good.csv", "--results", "no/such"), 1, "No such file"),
        (("bulk/bulk.py", "good.csv", "--at-once", "0"), 2, "it is 1 or more"),
        (("bulk/bulk.py", "good.csv"), 1, "no credentials were found"),
        (("service/service.py",), 1, "no credentials were found"),
        (("service/service.py", "--local", "--port", "99999"), 1, "0-65535"),
        (("service/service.py", "--prot", "1"), 2, "--prot"),
    ],
)
async def test_what_is_wrong_is_told_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    for name, text in (
        ("garbage", "a,b\n1\n"),
        ("taken.csv", "outcome\n1\n"),
        ("empty.csv", ""),
        ("good.csv", "lr\n0.1\n"),
    ):
        await asyncio.to_thread((tmp_path / name).write_text, text)
    done = await run(tmp_path, as_users(), str(EXAMPLES / arguments[0]), *arguments[1:])
    assert done[0] == code, done
    assert says in done[2]
    assert "Traceback" not in done[2]


async def _count(session: AsyncSession) -> int:
    """How many versions there are, of all jobs."""
    jobs = [job async for job in _jobs(session)]
    return sum([1 for job in jobs async for _ in TrainingJob.attach(session, job, 1).iter_job_versions()])


async def _jobs(session: AsyncSession) -> AsyncIterator[int]:
    from aiomodelarts import AsyncEstimator

    async for job in AsyncEstimator.iter_jobs(session):
        yield job.job_id


async def test_the_bot_runs_as_its_readme_says(tmp_path: Path) -> None:
    command = _commands("bot")[0].replace("examples/", f"{EXAMPLES}/").split()[1:]
    code, out, err = await run(tmp_path, as_users(), *command)
    assert code == 0, err
    assert "done: 8 versions" in out


@pytest.mark.timeout(120)
async def test_the_bulk_run_makes_one_version_for_each_row(tmp_path: Path) -> None:
    command = _commands("bulk")[0].replace("examples/", f"{EXAMPLES}/").split()[1:]
    code, out, err = await run(tmp_path, as_users(), *command)
    assert code == 0, err
    assert "500 of 500 succeeded" in out
    rows = list(csv.DictReader((await asyncio.to_thread((tmp_path / "results.csv").read_text)).splitlines()))
    given = list(csv.DictReader((await asyncio.to_thread((EXAMPLES / "bulk/grid.csv").read_text)).splitlines()))
    assert [(row["lr"], row["layers"]) for row in rows] == [(row["lr"], row["layers"]) for row in given]
    assert len({row["version_id"] for row in rows}) == 500


async def test_the_bulk_run_tells_of_rows_that_failed(platform: LocalPlatform, tmp_path: Path) -> None:
    grid = tmp_path / "grid.csv"
    await asyncio.to_thread(grid.write_text, "lr\n" + "".join(f"0.{n:03}\n" for n in range(1, 61)))
    code, out, err = await run(tmp_path, as_users(platform), str(EXAMPLES / "bulk/bulk.py"), str(grid))
    rows = list(csv.DictReader((await asyncio.to_thread((tmp_path / "results.csv").read_text)).splitlines()))
    failed = [row for row in rows if row["outcome"] == "failed"]
    assert code == 1, err
    assert failed
    assert f"{60 - len(failed)} of 60 succeeded" in out
    assert {row["reason"] for row in failed} == {"FAILED"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_a_bulk_run_that_was_stopped_goes_on_and_makes_no_row_twice(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with platform_at(tmp_path / "root", "duration=0.5..2,seed=3") as platform:
        grid, results = tmp_path / "grid.csv", tmp_path / "results.csv"
        await asyncio.to_thread(grid.write_text, "lr\n" + "".join(f"0.{n:03}\n" for n in range(1, 41)))
        arguments = (str(EXAMPLES / "bulk/bulk.py"), str(grid), "--at-once", "2")
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=tmp_path, env=as_users(platform), stderr=asyncio.subprocess.PIPE
        )
        async with session_at(platform) as session:
            while await _count(session) < 4:
                await asyncio.sleep(0.02)
            process.send_signal(number)
            _, err = await process.communicate()
            if number == signal.SIGINT:
                assert process.returncode == 130, err
                assert b"goes on from here" in err
                assert "going on" in await asyncio.to_thread(results.read_text)
            code, out, problems = await run(tmp_path, as_users(platform), *arguments)
            assert (code, problems) == (0, "")
            assert "40 of 40 succeeded" in out
            (job,) = [job async for job in _jobs(session)]
            versions = [row async for row in TrainingJob.attach(session, job, 1).iter_job_versions()]
    assert len(versions) == 40
    assert len({version.train_url for version in versions}) == 40


async def test_a_bulk_run_makes_what_failed_once_more_when_it_is_told_to(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    grid, results = tmp_path / "grid.csv", tmp_path / "results.csv"
    await asyncio.to_thread(grid.write_text, "lr\n" + "".join(f"0.{n:03}\n" for n in range(1, 31)))
    command = (str(EXAMPLES / "bulk/bulk.py"), str(grid))
    failed = [30]
    for more in ((), (), ("--again",), ("--again",)):
        await run(tmp_path, as_users(platform), *command, *more)
        rows = list(csv.DictReader((await asyncio.to_thread(results.read_text)).splitlines()))
        failed.append(sum(row["outcome"] == "failed" for row in rows))
    assert 0 < failed[1] == failed[2] > failed[3] >= failed[4]
    async with session_at(platform) as session:
        (job,) = [job async for job in _jobs(session)]
        count = len([row async for row in TrainingJob.attach(session, job, 1).iter_job_versions()])
    assert count == 30 + failed[2] + failed[3]


async def test_the_service_trains_streams_and_ends_cleanly_with_requests_under_way(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "service/service.py"), "--local", "--port", "0",
        cwd=tmp_path, env=as_users(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    (address,) = re.findall(r"http://\S+", (await process.stdout.readline()).decode())
    try:
        async with aiohttp.ClientSession(address) as http:
            async with http.post("/jobs", json={"lr": 0.01}) as answer:
                assert answer.status == 201
                made = await answer.json()
            path = f"/jobs/{made['job_id']}/versions/{made['version_id']}"
            async with http.get(path, params={"wait": "30"}) as answer:
                assert (await answer.json())["outcome"] == "succeeded"
            async with http.get(f"{path}/log") as answer:
                text = await answer.text()
            assert 'data: "val_accuracy=1.0000"' in text
            assert text.endswith("event: end\ndata: \n\n")
            marker = re.findall(r"id: (.*)", text)[-1]
            async with http.get(f"{path}/log", headers={"Last-Event-ID": marker}) as answer:
                assert await answer.text() == "event: end\ndata: \n\n"
            async with http.get(f"{path}/log", headers={"Last-Event-ID": "rubbish"}) as answer:
                assert answer.status == 400
            for missing in ("/jobs/999/versions/1", "/jobs/999/versions/1/log", "/jobs/999/versions/1?wait=1"):
                async with http.get(missing) as answer:
                    assert answer.status == 404
            for wrong in (f"{path}?wait=nan", f"{path}?wait=-1", f"{path}?wait=x"):
                async with http.get(wrong) as answer:
                    assert answer.status == 400
            async with http.post(f"/jobs/{made['job_id']}/versions/999", json={"lr": 0.1}) as answer:
                assert answer.status == 400
            async with http.post("/jobs", data=b"no json") as answer:
                assert answer.status == 400
            script = tmp_path / ".service-platform/obs/bucket/src/train.py"
            await asyncio.to_thread(script.write_text, "import time; print('begun', flush=True); time.sleep(60)")
            async with http.post("/jobs", json={"lr": 0.02}) as answer:
                slow = await answer.json()
            going = f"/jobs/{slow['job_id']}/versions/{slow['version_id']}"
            stream = await http.get(f"{going}/log")
            assert b"begun" in await stream.content.readuntil(b"\n\n")
            waiting = asyncio.ensure_future(http.get(going, params={"wait": "300"}))
            under_way = asyncio.ensure_future(http.post(path, json={"lr": 0.02}))
            await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            async with await under_way as answer:
                assert answer.status == 201
            async with await waiting as answer:
                assert (await answer.json())["outcome"] == "going on"
            # A stream that ends without its last event is one that a browser asks for again.
            assert await stream.read() == b""
            stream.release()
    except BaseException:
        process.kill()
        raise
    finally:
        _, err = await process.communicate()
    assert process.returncode == 0, err
    assert b"Traceback" not in err


def _commands(name: str) -> list[str]:
    """The commands of a README that run the example."""
    readme = README[name]
    return [
        command.removeprefix(".venv/bin/") for command in re.findall(r"^\.venv/bin/python .*$", readme, re.MULTILINE)
    ]
