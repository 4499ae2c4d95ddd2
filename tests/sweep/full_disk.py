"""A sweep on a disk that fills up under it, as a process of its own: what it came to, as JSON.

``python -m tests.sweep.full_disk HOW FOLDER``, where HOW is ``disk``, a folder that holds little, or ``limit``, files
that may not grow.
"""

import asyncio
import contextlib
import json
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.description.config import SweepConfig
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.engine import Engine, SweepEvent
from aiomodelarts.sweep.ledger import Definition, LedgerError
from aiomodelarts.sweep.ledger.ledger import Ledger
from tests.sweep.documents import changed, read
from tests.sweep.scarce import Scarce

TRIALS = 80
_ROOM = 160 * 1024
_CONFIG = evolve(
    read(changed("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "").replace("[1, 4]", f"[1, {TRIALS}]")),
    concurrency=4,
)


@define(slots=False)
class Wordy(Scarce):
    """Says more than a disk without room can take."""

    async def intend(self, trial: Any, job: tuple[int, int] | None) -> Mapping[str, Any]:
        return {**await super().intend(trial, job), "more": "x" * 1500}


@contextlib.contextmanager
def _filling(how: str, folder: Path) -> Iterator[None]:
    """Little room, for the length of the block."""
    if how == "disk":
        ballast = folder / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        with ballast.open("rb+") as file:
            file.truncate(ballast.stat().st_size - _ROOM)
        yield
        ballast.unlink()
    else:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, before[1]))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def _carry_out(versions: Scarce, folder: Path, config: SweepConfig) -> tuple[str | None, list[str]]:
    async def listen(event: SweepEvent) -> None:
        return

    error = None
    definition = Definition(config.name, settings_of(config))
    async with Ledger.open(folder / "sweep.sqlite", definition, SystemClock()) as ledger:
        engine = Engine(config, versions, None, listen, SystemClock(), ledger, lease_s=1.5)
        try:
            await engine.run()
        except LedgerError as raised:
            error = str(raised)
        return error, [trial.state.value for trial in await ledger.trials()]


def main() -> None:
    """Fill the disk, make room, and go on."""
    how, folder = sys.argv[1], Path(sys.argv[2])
    first, second = Wordy(), Wordy()
    with _filling(how, folder):
        error, kept = asyncio.run(_carry_out(first, folder, _CONFIG))
    second.versions.update(first.versions)
    later, states = asyncio.run(_carry_out(second, folder, _CONFIG))
    sent = Counter(number for number, _ in [*first.sent, *second.sent])
    told = {"error": error, "kept": kept, "sent at first": len(first.sent), "later": later, "states": states}
    sys.stdout.write(json.dumps(told | {"versions": sorted(sent.values())}))


if __name__ == "__main__":
    main()
