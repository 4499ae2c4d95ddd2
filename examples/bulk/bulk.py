"""One version for each row of a CSV file, so many at once, with a progress bar and a results file."""

import argparse
import asyncio
import csv
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from aiomodelarts import (
    AlreadyExists,
    AsyncEstimator,
    AsyncSession,
    ModelArtsError,
    Outcome,
    StateUnclear,
    TrainingJob,
    VersionGone,
)
from aiomodelarts.local import RootInUseError

Row = dict[str, str]
OURS = ("version_id", "outcome", "reason")
SAVE_EVERY_S = 1.0


def read_rows(path: Path) -> list[Row]:
    """The rows; what is wrong with the file is told with its line."""
    # Spreadsheets begin their files with a mark of the encoding.
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        taken = sorted({*(reader.fieldnames or ())} & {*OURS})
        if taken:
            raise ValueError(f"{path}: a column must not be called {taken[0]}, which is one of the results")
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(f"{path}:{reader.line_num}: the row has not as many cells as there are columns")
            rows.append(row)
    if not rows:
        raise ValueError(f"{path} has no rows")
    return rows


class Results:
    """What became of each row, in a file that is replaced as a whole now and then."""

    def __init__(self, path: Path, rows: list[Row]) -> None:
        self.path = path
        self.rows = rows
        self.told: dict[int, Row] = {}
        self.saved_at = 0.0

    def tell(self, number: int, version_id: int | None, outcome: str, reason: str = "") -> None:
        told = {"version_id": str(version_id or ""), "outcome": outcome, "reason": reason}
        self.told[number] = {**self.rows[number], **told}

    def failed(self) -> int:
        succeeded = [row for row in self.told.values() if row["outcome"] == Outcome.SUCCEEDED.value]
        return len(self.rows) - len(succeeded)

    async def save_now_and_then(self) -> None:
        if time.monotonic() - self.saved_at >= SAVE_EVERY_S:
            self.saved_at = time.monotonic()
            await asyncio.to_thread(self.save)

    def check(self) -> None:
        """Tell of a place where nothing can be written before anything is made."""
        part = self.path.with_suffix(".part")
        part.touch()
        part.unlink()

    def save(self) -> None:
        part = self.path.with_suffix(".part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=[*self.rows[0], *OURS])
            writer.writeheader()
            writer.writerows(self.told[number] for number in sorted(self.told))
        part.replace(self.path)


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


async def first_version(estimator: AsyncEstimator, name: str, row: Row) -> TrainingJob:
    """The version of the first row, which the others derive from; a job that an earlier run made is gone on with."""
    try:
        return await estimator.fit(
            "/bucket/data/", job_name=name, hyperparameters=row, output_path=f"/bucket/output/{name}/row-0-1/"
        )
    except AlreadyExists:
        async for job in estimator.iter_jobs(estimator.session, search_content=name):
            if job.job_name == name:
                newest = TrainingJob.attach(estimator.session, job.job_id, job.version_id)
                oldest = min([row.version_id async for row in newest.iter_job_versions()])
                return TrainingJob.attach(estimator.session, job.job_id, oldest)
        raise


async def failed_before(first: TrainingJob) -> set[str]:
    """The output paths of versions that ended, but not well."""
    rows = [row async for row in first.iter_job_versions()]
    return {row.train_url.strip("/") for row in rows if row.status.outcome in (Outcome.FAILED, Outcome.CANCELLED)}


async def make(
    estimator: AsyncEstimator, first: TrainingJob, name: str, number: int, row: Row, passed_over: set[str]
) -> TrainingJob:
    attempt = 1
    while f"bucket/output/{name}/row-{number}-{attempt}" in passed_over:
        attempt += 1
    if (number, attempt) == (0, 1):
        return first
    # The key and the path of its own make this the same version, however often the program is started.
    return await estimator.create_job_version(
        first.job_id,
        first.version_id,
        "/bucket/data/",
        hyperparameters=row,
        output_path=f"/bucket/output/{name}/row-{number}-{attempt}/",
        intent_id=f"row-{number}-{attempt}",
    )


async def run(session: AsyncSession, rows: list[Row], name: str, options: argparse.Namespace, results: Results) -> None:
    """Make and await all of them."""
    estimator = estimator_on(session)
    first = await first_version(estimator, name, rows[0])
    passed_over = await failed_before(first) if options.again else set()
    numbers: dict[int, int] = {}
    room = asyncio.Semaphore(options.at_once)
    console = Console(stderr=True)

    async def one(number: int, row: Row) -> TrainingJob | None:
        async with room:
            try:
                version = await make(estimator, first, name, number, row, passed_over)
            except ModelArtsError as error:
                results.tell(number, None, "not made", str(error))
                return None
        numbers[version.version_id] = number
        results.tell(number, version.version_id, Outcome.GOING_ON.value)
        progress.advance(making)
        return version

    with Progress(console=console, disable=not console.is_terminal) as progress:
        making = progress.add_task("made", total=len(rows))
        made = await asyncio.gather(*(one(number, row) for number, row in enumerate(rows)))
        left = {version.version_id: version for version in made if version is not None}
        ending = progress.add_task("ended", total=len(left))
        while left:
            try:
                # All waits on one job share one list a look, however many there are.
                async for version in session.as_completed(left.values()):
                    del left[version.version_id]
                    outcome = version.status.outcome
                    reason = "" if outcome is Outcome.SUCCEEDED else version.status.name
                    results.tell(numbers[version.version_id], version.version_id, outcome.value, reason)
                    progress.advance(ending)
                    await results.save_now_and_then()
            except (VersionGone, StateUnclear) as error:
                # One that somebody deleted is not the end of the others.
                version_id = error.where.version_id
                del left[version_id]
                results.tell(numbers[version_id], version_id, "unknown", str(error))
                progress.advance(ending)


def put_script(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("train.py"), folder)


async def main(options: argparse.Namespace) -> int:
    rows = await asyncio.to_thread(read_rows, options.csv)
    results = Results(options.results, rows)
    await asyncio.to_thread(results.check)
    if options.local:
        session = AsyncSession.local(options.root, executor="simulated" if options.simulated else "process")
    else:
        session = AsyncSession()
    name = options.name or f"bulk-{options.csv.stem}"
    async with session:
        if options.local:
            await asyncio.to_thread(put_script, Path(session.platform.obs_root, "bucket/src"))
        try:
            await run(session, rows, name, options, results)
        finally:
            results.save()
    print(f"{len(rows) - results.failed()} of {len(rows)} succeeded; see {options.results}")
    return 1 if results.failed() else 0


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it is 1 or more")
    return number


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path, help="a column for each hyperparameter, a row for each version")
    parser.add_argument("--name", help="name of the job; by default it follows from that of the file")
    parser.add_argument("--results", type=Path, default=Path("results.csv"))
    parser.add_argument("--at-once", type=at_least_one, default=64, help="creations that are under way at once")
    parser.add_argument("--again", action="store_true", help="make those once more that an earlier run saw fail")
    parser.add_argument("--local", action="store_true", help="use a platform on this machine")
    parser.add_argument("--root", default=".bulk-platform", help="folder of the local platform")
    parser.add_argument("--simulated", action="store_true", help="with --local: take the time, run nothing")
    return parser.parse_args(argv)


if __name__ == "__main__":
    options = parse()
    try:
        sys.exit(asyncio.run(main(options)))
    except (ModelArtsError, RootInUseError, OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print(f"interrupted; see {options.results}; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
