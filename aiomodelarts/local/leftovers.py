"""Finds and ends processes that a run left behind, by the mark that every process of a run inherits."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MARK = "AIOMODELARTS_LOCAL_RUN"
_MEMORY_S = 2.0
_ROUNDS = 20


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
            found = [pid for pid in self._candidates() if self._kill(pid, lambda mine: _belongs(mine, wanted))]
            ended += len(found)
            if not found:
                break
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

    def _kill(self, pid: int, belongs: Callable[[bytes], bool]) -> bool:
        try:
            # The handle first: from here on the number means this process or none.
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            mine = _mark_of(pid)
            if mine is None:
                with self._lock:
                    self._foreign[pid] = time.monotonic() + _MEMORY_S
                return False
            if not belongs(mine):
                return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except (OSError, ProcessLookupError):
            return False
        finally:
            os.close(handle)
        return True


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
