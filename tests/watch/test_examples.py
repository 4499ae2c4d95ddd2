"""The three example programs, as processes, against the local platform."""

import asyncio
import csv
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from aiomodelarts import AsyncSession, TrainingJob
from aiomodelarts.local import LocalPlatform

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
README = {name: (EXAMPLES / name / "README.md").read_text() for name in ("bot", "bulk", "service")}
KILLED = """
import asyncio, os, pathlib, signal, sys
sys.path.insert(0, sys.argv[1])
import bot
left = int(sys.argv[2])
def step(name):
    global left
    left -= 1
    if left < 0:
        pathlib.Path(sys.argv[3]).write_text(name)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(bot.main(bot.parse(sys.argv[4:]), step))
"""


def environment(platform: LocalPlatform | None = None) -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1"}
    if platform is not None:
        env |= {
            "AIOMODELARTS_MODELARTS_ENDPOINT": platform.modelarts_endpoint,
            "AIOMODELARTS_REGION": platform.region_name,
            "HUAWEICLOUD_SDK_AK": platform.access_key,
            "HUAWEICLOUD_SDK_SK": platform.secret_key,
            "HUAWEICLOUD_SDK_PROJECT_ID": platform.project_id,
        }
    return env


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
    async with LocalPlatform(tmp_path / "platform", executor="simulated", simulate=spec) as platform:
        script = Path(platform.obs_root, "bucket/src/train.py")
        await asyncio.to_thread(lambda: (script.parent.mkdir(parents=True), script.write_text("")))
        yield platform


def session_on(platform: LocalPlatform) -> AsyncSession:
    return AsyncSession(
        platform.access_key,
        platform.secret_key,
        project_id=platform.project_id,
        region_name=platform.region_name,
        endpoints={"modelarts": platform.modelarts_endpoint, "iam": platform.iam_endpoint},
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("platform", [1, 2, 3], indirect=True)
async def test_the_bot_killed_between_any_two_steps_launches_no_version_twice(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    total, room = 3, asyncio.Semaphore(3)
    killed_at: dict[int, str] = {}

    async def life(number: int) -> bool:
        """Whether the bot was killed at this step; in any case it is started again and has to end well."""
        async with room:
            note = tmp_path / f"note-{number}"
            name = f"bot-{number}"
            options = ("--name", name, "--total", str(total), "--state", str(tmp_path / f"{name}.json"))
            env = environment(platform)
            first = await run(tmp_path, env, "-c", KILLED, str(EXAMPLES / "bot"), str(number), str(note), *options)
            assert first[0] in (0, -signal.SIGKILL), first
            if first[0] == 0:
                return False
            killed_at[number] = await asyncio.to_thread(note.read_text)
            code, out, err = await run(tmp_path, env, str(EXAMPLES / "bot/bot.py"), *options)
            assert code == 0, err
            state = json.loads(await asyncio.to_thread((tmp_path / f"{name}.json").read_text))
            assert len(state["results"]) == total, out
            return True

    # Later steps than the last one do not exist: the enumeration is whole when a bot ends unharmed.
    number, going = 0, True
    while going:
        going = all(await asyncio.gather(*(life(step) for step in range(number, number + 6))))
        number += 6
    assert set(killed_at.values()) == {"loaded", "job", "event", "scored", "intended", "launched", "saved"}
    async with session_on(platform) as session:
        jobs = [job async for job in _jobs(session)]
        assert len(jobs) >= len(killed_at)
        for job in jobs:
            versions = [row async for row in TrainingJob.attach(session, job, 1).iter_job_versions()]
            assert len(versions) == total


async def _jobs(session: AsyncSession) -> AsyncIterator[int]:
    from aiomodelarts import AsyncEstimator

    async for job in AsyncEstimator.iter_jobs(session):
        yield job.job_id


async def test_the_bot_runs_as_its_readme_says(tmp_path: Path) -> None:
    command = _commands("bot")[0].replace("examples/", f"{EXAMPLES}/").split()[1:]
    code, out, err = await run(tmp_path, environment(), *command)
    assert code == 0, err
    assert "done: 8 versions" in out


@pytest.mark.timeout(120)
async def test_the_bulk_run_makes_one_version_for_each_row(tmp_path: Path) -> None:
    command = _commands("bulk")[0].replace("examples/", f"{EXAMPLES}/").split()[1:]
    code, out, err = await run(tmp_path, environment(), *command)
    assert code == 0, err
    assert "500 of 500 succeeded" in out
    rows = list(csv.DictReader((await asyncio.to_thread((tmp_path / "results.csv").read_text)).splitlines()))
    given = list(csv.DictReader((await asyncio.to_thread((EXAMPLES / "bulk/grid.csv").read_text)).splitlines()))
    assert [(row["lr"], row["layers"]) for row in rows] == [(row["lr"], row["layers"]) for row in given]
    assert len({row["version_id"] for row in rows}) == 500


async def test_the_bulk_run_tells_of_rows_that_failed(platform: LocalPlatform, tmp_path: Path) -> None:
    grid = tmp_path / "grid.csv"
    await asyncio.to_thread(grid.write_text, "lr\n" + "".join(f"0.{n:03}\n" for n in range(1, 61)))
    code, out, err = await run(tmp_path, environment(platform), str(EXAMPLES / "bulk/bulk.py"), str(grid))
    rows = list(csv.DictReader((await asyncio.to_thread((tmp_path / "results.csv").read_text)).splitlines()))
    failed = [row for row in rows if row["outcome"] == "failed"]
    assert code == 1, err
    assert failed
    assert f"{60 - len(failed)} of 60 succeeded" in out
    assert {row["reason"] for row in failed} == {"FAILED"}


async def test_the_service_trains_streams_and_ends_cleanly_with_requests_under_way(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "service/service.py"), "--local", "--port", str(port),
        cwd=tmp_path, env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
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
            async with http.get("/jobs/999/versions/1") as answer:
                assert answer.status == 404
            async with http.post("/jobs", data=b"no json") as answer:
                assert answer.status == 400
            under_way = asyncio.ensure_future(http.post(path, json={"lr": 0.02}))
            await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            answer = await under_way
            assert answer.status == 201
            answer.release()
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
    return re.findall(r"^python (?:.*)$", readme, re.MULTILINE)
