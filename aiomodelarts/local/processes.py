"""Starting a process and being told of its end, without polling and without a thread for each."""

import asyncio
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen


@frozen
class Exit:
    """How a process ended: ``code`` is negative for the number of the signal that killed it."""

    code: int
    cpu_s: float
    max_rss_kb: int
    duration_s: float

    def __str__(self) -> str:
        if self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"


@frozen
class Process:
    """A started process in a session of its own."""

    popen: subprocess.Popen[bytes] = field(repr=False)
    started: float

    @property
    def pid(self) -> int:
        return self.popen.pid

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group, if the leader has not been reaped yet."""
        if self.popen.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def spawn(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Process:
    """Start a process whose output goes to the end of a file. Blocks."""
    with log.open("ab") as output:
        popen = subprocess.Popen(  # noqa: S603 - running what the user gave is the purpose
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(popen, time.monotonic())


async def exited(process: Process) -> Exit:
    """Wait for the end of a process, end the rest of its group, and collect it."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    handle = _handle(process.pid)
    if handle is not None:
        loop.add_reader(handle, _fire, over)
        try:
            await over
        finally:
            loop.remove_reader(handle)
            os.close(handle)
    else:
        threading.Thread(target=_watch, args=(process.pid, loop, over), daemon=True).start()
        await over
    # The leader is dead and not collected, so its number still means its group.
    process.send(signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)  # noqa: ASYNC222 - it has ended, so this returns at once
    return _exit(process, status, usage)


def _handle(pid: int) -> int | None:
    """A handle that becomes readable at the end of a process; None where there is none to be had."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _exit(process: Process, status: int, usage: resource.struct_rusage) -> Exit:
    code = os.waitstatus_to_exitcode(status)
    process.popen.returncode = code
    return Exit(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, time.monotonic() - process.started)


def _fire(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


def _watch(pid: int, loop: asyncio.AbstractEventLoop, over: asyncio.Future[None]) -> None:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_fire, over)
