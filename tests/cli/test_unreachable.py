"""What a command says where there is no service to be reached: one sentence, exit code 3, and nothing else."""

import asyncio
from pathlib import Path

from tests.net.servers import Behaviour, closes, http, serving
from tests.support.sweep_file import SWEEP

from .calls import start

PAGE = b"<html><head><title>Please log in</title></head><body><p>to the proxy</p></body></html>"
COMMANDS = (
    ("logs", "1", "2", "--follow"),
    ("watch", "1", "2"),
    ("sweep", "run", "sweep.toml"),
    ("obs", "ls", "obs://bucket/"),
    ("obs", "cp", "sweep.toml", "obs://bucket/"),
)
ANSWERS: dict[str, Behaviour | bytes] = {
    "a page of a proxy": http(PAGE, "200 OK", "Content-Type: text/html"),
    "a redirect": http(b"", "302 Found", "Location: http://login.invalid/"),
    "a proxy that wants a password": http(PAGE, "407 Proxy Authentication Required", "Content-Type: text/html"),
    "no answer": closes,
}


async def test_what_is_not_the_service_is_told_with_exit_code_3(tmp_path: Path) -> None:
    told = await asyncio.gather(*(_told(tmp_path, ("jobs",), answer) for answer in ANSWERS.values()))
    for name, text in zip(ANSWERS, told, strict=True):
        assert ("proxy" in text) == (name != "no answer"), name


async def test_every_command_tells_of_it(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "sweep.toml").write_text, SWEEP)
    for told in await asyncio.gather(*(_told(tmp_path, arguments, http(PAGE)) for arguments in COMMANDS)):
        assert "look at" in told


async def _told(home: Path, arguments: tuple[str, ...], answer: Behaviour | bytes) -> str:
    async with serving(answer) as server:
        code, out, told = await asyncio.to_thread(_done, home, arguments, server.origin)
    assert (code, out) == (3, ""), (arguments, told)
    assert told.startswith("error: "), arguments
    assert len(told.splitlines()) == 1, arguments
    return told


def _done(home: Path, arguments: tuple[str, ...], origin: str) -> tuple[int, str, str]:
    keys = {"HUAWEICLOUD_SDK_AK": "AK", "HUAWEICLOUD_SDK_SK": "SK", "HUAWEICLOUD_SDK_PROJECT_ID": "p"}
    places = {f"AIOMODELARTS_{service}_ENDPOINT": origin for service in ("MODELARTS", "OBS")}
    with start(home, *arguments, AIOMODELARTS_REGION="local", **keys, **places) as process:
        out, told = process.communicate(timeout=60)
    return process.returncode, out, told
