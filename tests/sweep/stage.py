"""Controllers that drive sweeps on a local platform as processes, and what the platform has counted."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from aiomodelarts import AsyncEstimator, LocalPlatform
from tests.support.platform import ROOT, environment, session_at
from tests.support.sweep_file import SWEEP as TINY

SWEEP = TINY.replace("tiny", "NAME").replace("concurrency = 2\n", "").replace("[1, 4]", "[1, TRIALS]")
# By the name of a sweep and the number of a controller: what it came to, or None when it was killed.
Came = dict[tuple[str, int], Mapping[str, Any] | None]


async def drive(
    there: LocalPlatform, sweeps: Sequence[Sequence[int | None]], *, name: str, trials: int, ledger: str, **told: Any
) -> Came:
    """What each controller came to; see ``carry_out`` and ``controller.Told``."""
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="sweep")
    try:
        left = Path(folder.name, "left")
        await carry_out(there, Path(folder.name), sweeps, name=name, trials=trials, ledger=ledger, **told)
        return await asyncio.to_thread(_came, left, [(f"{name}-{at}", len(one)) for at, one in enumerate(sweeps)])
    finally:
        await asyncio.to_thread(folder.cleanup)


async def carry_out(
    there: LocalPlatform, folder: Path, sweeps: Any, *, name: str, trials: int, more: str = "", **told: Any
) -> None:
    """Have the sweeps driven; what the controllers came to lies in ``folder / "left"`` afterwards.

    Args:
        there: makes the versions.
        folder: an empty one.
        sweeps: as in ``controller.Told``.
        name: what their names begin with.
        trials: of each.
        more: tables of the sweep file.
        told: the rest of ``controller.Told``.
    """
    file, left = folder / "sweep.toml", folder / "left"
    await asyncio.to_thread(left.mkdir)
    await asyncio.to_thread(file.write_text, SWEEP.replace("NAME", name).replace("TRIALS", str(trials)) + more)
    argument = {"file": str(file), "left": str(left), "sweeps": sweeps} | told
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.sweep.controller",
        json.dumps(argument),
        cwd=ROOT,
        env=environment(there),
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert not err, err.decode()


def _came(left: Path, sweeps: Sequence[tuple[str, int]]) -> Came:
    came: Came = {}
    for name, controllers in sweeps:
        for number in range(controllers):
            file = left / f"{name} {number}"
            came[name, number] = json.loads(file.read_text()) if file.exists() else None
    return came


@frozen
class Row:
    """A version, as the platform tells it."""

    version_id: int
    output_path: str
    status: str
    began_ms: int
    took_ms: int

    def overlaps(self, other: "Row") -> bool:
        """Whether both were there at one moment."""
        return self.began_ms < other.began_ms + other.took_ms and other.began_ms < self.began_ms + self.took_ms


async def made(there: LocalPlatform) -> dict[str, list[Row]]:
    """By the name of a job, all of its versions, by output path."""
    found = {}
    async with session_at(there) as session:
        async for job in AsyncEstimator.iter_jobs(modelarts_session=session):
            of_job = AsyncEstimator(session, job_id=job.job_id)
            rows = [
                Row(
                    row.version_id,
                    str(row.train_url),
                    getattr(row.status, "name", str(row.status)),
                    row.create_time or 0,
                    row.duration or 0,
                )
                async for row in of_job.iter_job_versions()
            ]
            found[job.job_name] = sorted(rows, key=lambda row: (row.output_path, row.version_id))
    return found


def expected(name: str, trials: int) -> list[str]:
    """The output paths of a sweep whose every trial was made once."""
    return [f"/bucket/out/{name}/{number:04d}/" for number in range(1, trials + 1)]
