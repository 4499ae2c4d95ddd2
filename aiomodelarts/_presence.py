"""Who this process is, and whether another one of this machine is still there. Blocks."""

import os
import platform
from pathlib import Path

_PROC = Path("/proc")


def place() -> str:
    """The machine, its present run, and the process table that ids belong to; containers have tables of their own."""
    boot = _read(_PROC / "sys/kernel/random/boot_id")
    try:
        table = str((_PROC / "self/ns/pid").readlink())
    except OSError:
        table = ""
    return f"{platform.node()} {boot} {table}".strip()


def process(pid: int | None = None) -> str:
    """A process's id and when it began; a number that has come round again began at another time."""
    number = os.getpid() if pid is None else pid
    # The name of a program may hold spaces and brackets; what follows the last one is numbers.
    fields = _read(_PROC / str(number) / "stat").rpartition(")")[2].split()
    began = fields[19] if len(fields) > 19 else ""
    return f"{number} {began}".strip()


def is_gone(where: str, who: str) -> bool:
    """Whether the process is certainly not there any more; nothing is known of other machines."""
    if where != place():
        return False
    pid = int(who.partition(" ")[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return process(pid) != who


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
