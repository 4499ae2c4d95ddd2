"""Finds and ends processes that a run left behind, by the mark that every process of a run inherits."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "AIOMODELARTS_LOCAL_RUN"
_MEMORY_S = 2.0
_ROUNDS = 20
# Which a program has for less, and how long the kernel takes to end one.
_BEGINS_S, _DIES_MS = 0.005, 5000


class Leftovers:
    """Ends processes by their mark.

    A script may fork twice and open a session of its own, so neither its process group nor its parent tells
    whose it is; its environment does. Processes once seen without our mark are not read again for a short
    while: a process number does not come round that quickly.
    """

    def __init__(self) -> None:
        self._foreign: dict[int, float] = {}
        self._lock = threading.Lock()

    def end(self, mark: str) -> int:
        """Kill every process with this mark, and those with a mark that begins with it and a slash. Blocks.

        Returns:
            how many were killed.
        """
        wanted = f"{MARK}={mark}".encode()
        ended = 0
        for _ in range(_ROUNDS):
            beginning: list[int] = []
            killed = [pid for pid in self._candidates() if self._kill(pid, wanted, beginning)]
            ended += len(killed)
            if not killed and not beginning:
                break
            if beginning:
                time.sleep(_BEGINS_S)
        return ended

    def _candidates(self) -> Iterator[int]:
        if sys.platform != "linux":
            return
        now = time.monotonic()
        with self._lock:
            self._foreign = {pid: until for pid, until in self._foreign.items() if until > now}
            known = set(self._foreign)
        for name in os.listdir("/proc"):  # noqa: PTH208 - called for every run, and a Path per process is slow
            if name.isdigit() and int(name) not in known:
                yield int(name)

    def _kill(self, pid: int, wanted: bytes, beginning: list[int]) -> bool:
        """Whether it was ours and has been killed."""
        try:
            # The handle first: from here on the number means this process or none.
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            mine = _mark_of(pid)
            if mine is None and _begins(pid):
                beginning.append(pid)
                return False
            # Once more, as it may have begun in between.
            mine = mine or _mark_of(pid)
            if mine is None:
                with self._lock:
                    self._foreign[pid] = time.monotonic() + _MEMORY_S
                return False
            if not _belongs(mine, wanted):
                return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            _until_gone(handle)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


def _until_gone(handle: int) -> None:
    """On a busy machine a process goes on for a moment after it was killed."""
    gone = select.poll()
    gone.register(handle, select.POLLIN)
    gone.poll(_DIES_MS)


def _belongs(mine: bytes, wanted: bytes) -> bool:
    return mine == wanted or mine.startswith(wanted + b"/")


def _mark_of(pid: int) -> bytes | None:
    """The mark of a process; None if it has none, which is also the answer for one that is ending."""
    with suppress(OSError):
        prefix = MARK.encode() + b"="
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if entry.startswith(prefix):
                return entry
    return None


def _begins(pid: int) -> bool:
    """Whether it is just becoming another program, when it has no environment yet that could be read."""
    place = Path(f"/proc/{pid}")
    with suppress(OSError):
        # What comes last but one is where its environment ends; what has no program at all is ending, or the kernel's.
        return (place / "stat").read_bytes().split()[-2] == b"0" and bool(place.joinpath("exe").readlink())
    return False
