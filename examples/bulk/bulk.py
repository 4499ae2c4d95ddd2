"""One version for each row of a CSV file, so many at once, with a progress bar and a results file."""

import argparse
import asyncio
import csv
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from aiomodelarts import AsyncEstimator, AsyncSession, ModelArtsError, Outcome, TrainingJob

Row = dict[str, str]


def read_rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def estimator_on(session: AsyncSession) -> AsyncEstimator:
    return AsyncEstimator(
        modelarts_session=session,
        framework_type="PyTorch",
        framework_version="PyTorch-1.0.0-python3.6",
        code_dir="/bucket/src/",
        boot_file="/bucket/src/train.py",
        log_url="/bucket/log/",
        output_path="/bucket/output/",
        train_instance_type="modelarts.vm.cpu.2u",
        train_instance_count=1,
    )


async def make(estimator: AsyncEstimator, first: TrainingJob, number: int, row: Row) -> TrainingJob:
    return await estimator.create_job_version(
        first.job_id,
        first.version_id,
        "/bucket/data/",
        hyperparameters=row,
        output_path=f"/bucket/output/{first.job_id}/row-{number}/",
        intent_id=f"row-{number}",
    )


async def run(session: AsyncSession, rows: list[Row], at_once: int, results: Path) -> int:
    """Make and await all of them; the number of rows that did not succeed."""
    estimator = estimator_on(session)
    first = await estimator.fit("/bucket/data/", hyperparameters=rows[0], output_path="/bucket/output/row-0/")
    room = asyncio.Semaphore(at_once)
    told: dict[int, Row] = {}
    numbers = {first.version_id: 0}

    async def one(number: int, row: Row) -> TrainingJob | None:
        async with room:
            try:
                version = await make(estimator, first, number, row)
            except ModelArtsError as error:
                told[number] = {**row, "version_id": "", "outcome": "not made", "reason": str(error)}
                return None
        numbers[version.version_id] = number
        return version

    made = await asyncio.gather(*(one(number, row) for number, row in enumerate(rows) if number))
    versions = [first, *filter(None, made)]
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("versions", total=len(versions))
        # All waits on one job share one list a look, however many there are.
        async for version in session.as_completed(versions):
            number, status = numbers[version.version_id], version.status
            outcome = status.outcome
            reason = "" if outcome is Outcome.SUCCEEDED else status.name
            ids = {"version_id": str(version.version_id), "outcome": outcome.value, "reason": reason}
            told[number] = {**rows[number], **ids}
            progress.advance(bar)
    await asyncio.to_thread(write, results, [told[number] for number in sorted(told)])
    return sum(row["outcome"] != Outcome.SUCCEEDED.value for row in told.values())


def write(path: Path, rows: list[Row]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)


def put_script(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("train.py"), folder)


async def main(options: argparse.Namespace) -> int:
    rows = await asyncio.to_thread(read_rows, options.csv)
    if not rows:
        print(f"{options.csv} has no rows", file=sys.stderr)
        return 2
    if options.local:
        session = AsyncSession.local(executor="simulated" if options.simulated else "process")
    else:
        session = AsyncSession()
    async with session:
        if options.local:
            await asyncio.to_thread(put_script, Path(session.platform.obs_root, "bucket/src"))
        failed = await run(session, rows, options.at_once, options.results)
    print(f"{len(rows) - failed} of {len(rows)} succeeded; see {options.results}")
    return 1 if failed else 0


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path, help="a column for each hyperparameter, a row for each version")
    parser.add_argument("--results", type=Path, default=Path("results.csv"))
    parser.add_argument("--at-once", type=int, default=64, help="creations that are under way at once")
    parser.add_argument("--local", action="store_true", help="use a platform on this machine")
    parser.add_argument("--simulated", action="store_true", help="with --local: only take the time of a training")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parse())))
