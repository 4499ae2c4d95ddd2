"""A local platform that finds what ``OWN_CODE`` names in its bucket, and what its users need to reach it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from aiomodelarts import AsyncSession, LocalPlatform

ROOT = Path(__file__).parents[2]
_VARIABLES = {
    "HUAWEICLOUD_SDK_AK": "access_key",
    "HUAWEICLOUD_SDK_SK": "secret_key",
    "HUAWEICLOUD_SDK_PROJECT_ID": "project_id",
    "AIOMODELARTS_REGION": "region_name",
    "AIOMODELARTS_MODELARTS_ENDPOINT": "modelarts_endpoint",
    "AIOMODELARTS_IAM_ENDPOINT": "iam_endpoint",
}


@asynccontextmanager
async def platform_at(
    root: Path, simulate: str = "duration=0.05..0.2,metric=accuracy", **options: Any
) -> AsyncIterator[LocalPlatform]:
    """A platform whose versions run nothing and take no more than a moment; the script lies in its bucket."""
    async with LocalPlatform(root, executor="simulated", simulate=simulate, **options) as there:
        await asyncio.to_thread(put_script, there)
        yield there


@contextmanager
def served(root: Path, *options: str, before: tuple[str, ...] = ()) -> "Iterator[tuple[subprocess.Popen[bytes], Any]]":
    """A platform in a process of its own, and what its ready file says; ends well unless the test ended it. Blocks.

    Args:
        root: its folder.
        options: of its command.
        before: what its command is given to.
    """
    ready = root.parent / f"{root.name}.ready.json"
    ready.unlink(missing_ok=True)
    own = [sys.executable, "-W", "error", "-m", "aiomodelarts.local", "--root", root, "--ready-file", ready]
    with subprocess.Popen([*before, *own, *options], env=environment()) as process:
        try:
            until = time.monotonic() + 60
            while not ready.exists():
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.01)
            yield process, SimpleNamespace(**json.loads(ready.read_bytes()))
            if process.poll() is None:
                process.terminate()
                assert process.wait(30) == 0
        finally:
            process.kill()


@asynccontextmanager
async def serving(root: Path, *options: str, **more: Any) -> "AsyncIterator[tuple[subprocess.Popen[bytes], Any]]":
    """The same for a test on a loop."""
    with ExitStack() as stack:
        there = await asyncio.to_thread(stack.enter_context, served(root, *options, **more))
        try:
            yield there
        finally:
            await asyncio.to_thread(stack.close)


def put_script(access: Any, text: str = "", name: str = "train.py", folder: str = "bucket/src") -> None:
    """Put a script into the platform's bucket. Blocks."""
    place = Path(access.obs_root, folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)


def session_at(access: Any, **options: Any) -> AsyncSession:
    """A session with the keys of a platform (anything with the members of its ready file)."""
    return AsyncSession(
        access.access_key,
        access.secret_key,
        project_id=access.project_id,
        region_name=access.region_name,
        endpoints={"modelarts": access.modelarts_endpoint, "iam": access.iam_endpoint, "obs": access.obs_endpoint},
        **options,
    )


def keys(access: Any) -> dict[str, str]:
    """The variables by which a process finds the platform and may use it."""
    return {variable: getattr(access, member) for variable, member in _VARIABLES.items()}


def environment(access: Any = None, **more: str) -> dict[str, str]:
    """What a process gets that reads this tree: with a platform, or without one."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(keys(access) if access is not None else {}), **more}


async def requests(access: Any) -> Mapping[str, int]:
    """How often the platform was asked for each operation, by its own count."""
    async with _administrator(access) as http, http.get("/_local/stats") as answer:
        counted: dict[str, int] = (await answer.json())["requests"]
    return counted


async def set_faults(access: Any, rules: list[dict[str, Any]]) -> None:
    """From now on the platform does this wrong, and nothing else."""
    async with _administrator(access) as http, http.put("/_local/faults", json=rules) as answer:
        answer.raise_for_status()


def _administrator(access: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(access.modelarts_endpoint, headers={"X-Local-Admin": access.admin_token})
