"""``aiomodelarts login``, ``jobs``, ``versions`` and ``logs`` as a user calls them."""

import asyncio
import json
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aiomodelarts import AsyncSession, TrainingJob
from aiomodelarts.local import LocalPlatform
from tests.support.fakes import estimator_on
from tests.support.platform import environment, keys, platform_at, session_at

Done = tuple[int | None, str, str]
Command = Callable[..., Any]


@pytest_asyncio.fixture
async def platform(tmp_path: Path) -> AsyncIterator[LocalPlatform]:
    async with platform_at(tmp_path / "platform", "duration=0.1..0.2,log_lines=3") as there:
        yield there


async def start(home: Path, *arguments: str, **more: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "aiomodelarts.cli", *arguments,
        cwd=home, env=environment(HOME=str(home), COLUMNS="100", **more), stdin=pipe, stdout=pipe, stderr=pipe,
    )  # fmt: skip


async def run(home: Path, *arguments: str, typed: str = "", **more: str) -> Done:
    process = await start(home, *arguments, **more)
    out, err = await process.communicate(typed.encode())
    assert b"Traceback" not in err
    return process.returncode, out.decode(), err.decode()


async def make(session: AsyncSession, name: str, *rates: float) -> list[TrainingJob]:
    estimator = estimator_on(session)
    first = await estimator.fit("/bucket/data/", job_name=name, hyperparameters={"lr": rates[0]})
    more = [
        await estimator.create_job_version(first.job_id, first.version_id, "/bucket/data/", hyperparameters={"lr": lr})
        for lr in rates[1:]
    ]
    await session.wait_all([first, *more])
    return [first, *more]


def profile_file(home: Path) -> Path:
    return home / ".huaweicloud/credentials"


async def text(path: Path) -> str:
    return await asyncio.to_thread(path.read_text)


async def test_a_login_with_keys_is_kept_and_used(platform: LocalPlatform, tmp_path: Path) -> None:
    places = ("--region-name", "local", "--endpoint", f"modelarts={platform.modelarts_endpoint}")
    who = ("--access-key", platform.access_key, "--project-id", platform.project_id, "--secret-stdin")
    code, out, err = await run(tmp_path, "login", *who, *places, typed=f"{platform.secret_key}\n")
    assert (code, err) == (0, "")
    assert out == f"The service answered. Profile basic is kept in {profile_file(tmp_path)}.\n"
    assert stat.S_IMODE((await asyncio.to_thread(profile_file(tmp_path).stat)).st_mode) == 0o600
    assert platform.secret_key in await text(profile_file(tmp_path))
    assert (await run(tmp_path, "jobs")) == (0, "", "There are none.\n")


async def test_a_login_from_the_environment_makes_a_profile_that_commands_can_name(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    code, out, err = await run(tmp_path, "--profile", "work", "login", "-o", "json", **keys(platform))
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["profile"], told["ak"]) == ("work", platform.access_key)
    assert platform.secret_key not in out
    assert (await run(tmp_path, "--profile", "work", "jobs"))[0] == 0
    assert (await run(tmp_path, "jobs", AIOMODELARTS_PROFILE="work"))[0] == 0
    code, _, err = await run(tmp_path, "--profile", "wrok", "jobs")
    assert (code, "no profile 'wrok'; it has work" in err) == (2, True)


async def test_a_login_with_a_password(platform: LocalPlatform, tmp_path: Path) -> None:
    who = ("--account", platform.account, "--username", platform.username, "--secret-stdin")
    place = {name: value for name, value in keys(platform).items() if not name.endswith(("_AK", "_SK"))}
    code, _, err = await run(tmp_path, "login", *who, typed=f"{platform.password}\n", **place)
    assert (code, err) == (0, "")
    assert (await run(tmp_path, "jobs"))[0] == 0
    code, _, err = await run(tmp_path, "login", *who, typed="wrong\n", **place)
    assert code == 3
    assert platform.password in await text(profile_file(tmp_path))


async def test_keys_that_are_refused_are_not_kept(platform: LocalPlatform, tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "login", **{**keys(platform), "HUAWEICLOUD_SDK_SK": "wrongwrong"})
    assert (code, out) == (3, "")
    assert "wrongwrong" not in err
    assert not await asyncio.to_thread(profile_file(tmp_path).exists)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "there is no access key: run this in a terminal"),
        (("--access-key", "a"), "pipe it in with --secret-stdin, or set HUAWEICLOUD_SDK_SK"),
        (("--access-key", "a", "--account", "b"), "either --access-key, or --account"),
        (("--access-key", "a", "--secret-stdin"), "there is no secret key"),
        (("--endpoint", "modelarts"), "modelarts=https://"),
        (("--endpoint", "modelart=x"), "did you mean 'modelarts'?"),
        (("--account", "a"), "there is no user"),
    ],
)
async def test_a_login_that_lacks_something_is_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, _, err = await run(tmp_path, "login", *arguments)
    assert code == 2
    assert says in " ".join(err.split())


# A process of its own: whoever forks must not have threads.
TERMINAL = """
import os, pty, select, sys
answers = sys.argv[1].split("|")
child, near = pty.fork()
if child == 0:
    os.execv(sys.executable, [sys.executable, "-m", "aiomodelarts.cli", *sys.argv[2:]])
seen = last = b""
try:
    while True:
        # Readline can miss a signal that comes at the very moment when it begins to wait; a person presses again.
        while last == b"\\x03" and not select.select([near], [], [], 3)[0]:
            os.write(near, last)
        piece = os.read(near, 4096)
        if not piece:
            break
        seen += piece
        if seen.endswith(b": ") and answers:
            last = answers.pop(0).encode()
            os.write(near, last)
            seen += b"|"
except OSError:
    pass  # the other end of a terminal reports its hanging up as an error
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


async def on_a_terminal(home: Path, answers: list[str], *arguments: str) -> tuple[int | None, str]:
    """What a person sees who types these answers, each when it is asked for."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TERMINAL, "|".join(answers), *arguments,
        cwd=home, env=environment(HOME=str(home), COLUMNS="100", TERM="dumb"), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode, out.decode()


async def test_on_a_terminal_it_asks_and_shows_no_secret(platform: LocalPlatform, tmp_path: Path) -> None:
    address = ("--endpoint", f"modelarts={platform.modelarts_endpoint}")
    answers = [f"{answer}\n" for answer in (platform.access_key, platform.secret_key, platform.project_id, "local")]
    code, seen = await on_a_terminal(tmp_path, answers, "login", *address)
    assert code == 0, seen
    assert "Secret key (not shown): " in seen
    assert platform.secret_key not in seen
    # The second time it offers what is known already, but for the secret.
    again = ["\n", f"{platform.secret_key}\n", "\n", "\n"]
    code, seen = await on_a_terminal(tmp_path, again, "login", *address)
    assert code == 0, seen
    assert f"Access key [{platform.access_key}]: " in seen
    assert "Region [local]: " in seen
    code, seen = await on_a_terminal(tmp_path, ["\x03"], "login")
    assert code == 130, seen
    assert "Traceback" not in seen


async def test_jobs_are_listed_newest_first_bounded_and_filtered(platform: LocalPlatform, tmp_path: Path) -> None:
    async with session_at(platform) as session:
        for name in ("apple", "pear", "apricot"):
            await make(session, name, 0.1)
    login = keys(platform)
    code, out, err = await run(tmp_path, "jobs", "-o", "json", **login)
    assert (code, err) == (0, "")
    assert [job["job_name"] for job in json.loads(out)] == ["apricot", "pear", "apple"]
    assert json.loads(out)[0].keys() >= {"job_id", "status", "version_count", "created", "duration_s"}
    code, out, err = await run(tmp_path, "jobs", "--search", "ap", "--limit", "1", **login)
    assert (code, err) == (0, "These are the first 1 jobs; --limit N shows more, --all shows every one.\n")
    assert ("apricot" in out, "apple" in out, "COMPLETED" in out) == (True, False, True)
    code, out, err = await run(tmp_path, "jobs", "--all", "--sort-by", "job_name", "--ascending", **login)
    names = [line.split()[1] for line in out.splitlines() if "COMPLETED" in line]
    assert (code, err, names) == (0, "", ["apple", "apricot", "pear"])
    assert (await run(tmp_path, "jobs", "--status", "running", **login)) == (0, "", "There are none.\n")
    assert json.loads((await run(tmp_path, "jobs", "--status", "7", "-o", "json", **login))[1]) == []


async def test_versions_are_listed_with_state_duration_and_hyperparameters(
    platform: LocalPlatform, tmp_path: Path
) -> None:
    async with session_at(platform) as session:
        made = await make(session, "pear", 0.1, 0.01, 0.001)
    job, login = str(made[0].job_id), keys(platform)
    code, out, err = await run(tmp_path, "versions", job, "-o", "json", **login)
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert [row["version_id"] for row in told] == [version.version_id for version in reversed(made)]
    assert [row["hyperparameters"] for row in told] == [{"lr": "0.001"}, {"lr": "0.01"}, {"lr": "0.1"}]
    assert {row["outcome"] for row in told} == {"succeeded"}
    code, out, err = await run(tmp_path, "versions", job, "--limit", "2", **login)
    assert (code, err.startswith("These are the first 2 versions")) == (0, True)
    assert ("lr=0.001" in out, "lr=0.1" in out, " 0 s " in out) == (True, False, True)
    assert "There are none" in (await run(tmp_path, "versions", job, "--status", "failed", **login))[2]
    assert "lr=0.1" in (await run(tmp_path, "versions", job, "--status", "completed", "--all", **login))[1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("jobs", "--status", "runing"), 2, "did you mean 'RUNNING'?"),
        (("jobs", "--sort-by", "nmae"), 2, "it is one of job_name"),
        (("jobs", "--search", "x" * 65), 2, "64 characters"),
        (("jobs", "--limit", "0"), 2, "--limit"),
        (("versions", "x"), 2, "job_id"),
        (("versions", "999"), 1, "There is no training job 999"),
        (("logs", "1", "1", "--after", "rubbish"), 2, "marker"),
        (("logs", "1", "1", "--tail", "0"), 2, "--tail"),
        (("logs", "1", "1", "--tail", "3", "--follow"), 2, "--tail is for what is there now"),
        (("logs", "999", "1"), 1, "There is no training job 999"),
        (("logs", "999", "1", "--follow"), 1, "error: getTrainingJobVersion (job 999, version 1): ModelArts.2775"),
    ],
)
async def test_what_is_wrong_is_told(
    platform: LocalPlatform, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = await run(tmp_path, *arguments, **keys(platform))
    assert done[:2] == (code, "")
    assert says in " ".join(done[2].split())


async def test_a_secret_that_is_no_text_is_not_shown(tmp_path: Path) -> None:
    process = await start(tmp_path, "login", "--access-key", "a", "--secret-stdin")
    _, err = await process.communicate(b"\xff\xfesecret\n")
    assert (process.returncode, b"secret\\n" in err, b"UTF-8" in err) == (2, False, True)
    assert b"Traceback" not in err


async def test_a_log_is_gone_on_with_behind_any_line(platform: LocalPlatform, tmp_path: Path) -> None:
    async with session_at(platform) as session:
        (version,) = await make(session, "pear", 0.1)
    ids, login = (str(version.job_id), str(version.version_id)), keys(platform)
    _, out, _ = await run(tmp_path, "logs", *ids, "-o", "json", **login)
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) >= 3
    assert lines[0].keys() == {"line", "log_file", "marker"}
    plain = [line["line"] for line in lines]
    for follow in ((), ("--follow",)):
        code, out, err = await run(tmp_path, "logs", *ids, *follow, "--after", lines[0]["marker"], **login)
        assert (code, out.splitlines(), err) == (0, plain[1:], "")
    assert (await run(tmp_path, "logs", *ids, "--tail", "2", **login))[1].splitlines() == plain[-2:]


async def test_who_interrupts_a_log_is_told_how_to_go_on(tmp_path: Path) -> None:
    spec = "duration=60..60,log_lines=600"
    async with platform_at(tmp_path / "platform", spec) as platform:
        async with session_at(platform) as session:
            estimator = estimator_on(session)
            version = await estimator.fit("/bucket/data/")
        process = await start(
            tmp_path, "logs", str(version.job_id), str(version.version_id), "--follow", **keys(platform)
        )
        assert process.stdout is not None
        first = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = await process.communicate()
        assert process.returncode == 130
        seen = (first + rest).decode().splitlines()
        hint = err.decode().removeprefix("To go on from here: ").strip()
        shell = await asyncio.create_subprocess_shell(
            f"{hint.replace('aiomodelarts', f'{sys.executable} -m aiomodelarts.cli', 1)} | head -n 1",
            cwd=tmp_path, env=environment(platform, HOME=str(tmp_path), COLUMNS="100"), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await shell.communicate()
        async with session_at(platform) as session:
            every = [str(line) async for line in TrainingJob.attach(session, version.job_id, version.version_id).logs()]
    assert every[len(seen)] == out.decode().strip()
    assert every[: len(seen)] == seen
