"""Serving a local platform until a signal comes, for the command line."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import orjson
from attrs import asdict

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.platform import LocalPlatform
from aiomodelarts.local.records import RecordError
from aiomodelarts.local.root import RootError, write_private


async def serve(
    platform: LocalPlatform, ready_file: Path | None = None, announce: Callable[[str], None] | None = None
) -> None:
    """Run a platform until SIGTERM, SIGINT or SIGHUP.

    Args:
        platform: not entered yet.
        ready_file: gets endpoints and keys as one JSON object once the platform listens, and is gone when it does not
            any more; only its owner can read it.
        announce: is told where the platform listens, for a person.
    """
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in _endings():
        loop.add_signal_handler(number, over.set)
    async with platform:
        told = orjson.dumps(asdict(platform.access))
        try:
            if ready_file is not None:
                await asyncio.to_thread(write_private, ready_file, told)
            if announce is not None:
                announce(f"{platform.modelarts_endpoint} serves {Path(platform.obs_root).parent}; Ctrl-C ends it")
            await over.wait()
        finally:
            if ready_file is not None:
                await asyncio.to_thread(_withdraw, ready_file, told)


def _endings() -> tuple[signal.Signals, ...]:
    """The signals that end a platform in order; nohup's wish to outlive its terminal is kept."""
    ends = (signal.SIGTERM, signal.SIGINT)
    return ends if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*ends, signal.SIGHUP)


def _withdraw(ready_file: Path, told: bytes) -> None:
    """Remove the file, unless another platform has written its own there."""
    with suppress(OSError):
        if ready_file.read_bytes() == told:
            ready_file.unlink()


def parser() -> argparse.ArgumentParser:
    """The options of ``aiomodelarts local serve``."""
    options = argparse.ArgumentParser(prog="aiomodelarts local serve", description="Serve a local platform.")
    options.add_argument("--root", type=Path, required=True, help="folder that keeps everything")
    options.add_argument("--port", type=int, default=0, help="port on the loopback interface; 0 means any free one")
    options.add_argument("--ready-file", type=Path, help="gets endpoints and keys once the platform listens")
    executors = ("process", "simulated")
    options.add_argument(
        "--executor", choices=executors, default="process", help="run scripts, or only take their time"
    )
    told = "with --executor simulated, for instance duration=5..25,fail=0.05"
    options.add_argument("--simulate", default="", metavar="SPEC", help=told)
    options.add_argument("--answers", default="tidy", metavar="tidy|varied[:SEED]", help="forms of the answers")
    options.add_argument("--faults", type=Path, metavar="FILE", help="fault rules, a JSON list")
    options.add_argument("--obs-endpoint", metavar="URL", help="an S3 server that is OBS, in place of a folder")
    options.add_argument("--rate", default="", metavar="SPEC", help="for instance creates=20/s,reads=50/s")
    return options


def run(arguments: Sequence[str] | None = None) -> int:
    """Serve with these options (those of the process by default) and give the exit status."""
    options = parser().parse_args(arguments)
    try:
        platform = LocalPlatform(
            options.root,
            port=options.port,
            executor=options.executor,
            simulate=options.simulate,
            answers=options.answers,
            faults=_fault_rules(options.faults),
            rate=options.rate,
            obs_endpoint=options.obs_endpoint,
        )
        asyncio.run(serve(platform, options.ready_file, _say))
    except (ValueError, RootError, RecordError) as error:
        _say(str(error))
        return 2 if isinstance(error, ValueError) else 3
    except OSError as error:
        _say(_told(error))
        return 3
    return 0


def _told(error: OSError) -> str:
    """What happened to which file, without the number of the error."""
    reason = error.strerror or str(error)
    return reason if error.filename is None else f"{os.fspath(error.filename)}: {reason}"


def _say(text: str) -> None:
    sys.stderr.write(f"aiomodelarts local serve: {text}\n")
    sys.stderr.flush()


def _fault_rules(path: Path | None) -> Sequence[JsonObject]:
    if path is None:
        return ()
    try:
        rules: Sequence[JsonObject] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the fault rules in {path} are not JSON: {error}") from None
    return rules
