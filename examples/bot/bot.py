"""A bot that answers every finished version with the next one, near the best so far, and can be killed at any moment.

What it is about to do is on disk before it does it, and a version has an output path of its own, so that a bot that
starts again finds the version it had launched instead of launching it twice.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiomodelarts import (
    AlreadyExists,
    AsyncEstimator,
    AsyncSession,
    ConfigurationError,
    ModelArtsError,
    Outcome,
    TrainingJob,
)
from aiomodelarts.events import BEGINNING, Finished
from aiomodelarts.local import RootInUseError

METRIC = re.compile(r"val_accuracy=([0-9.]+)")


class State:
    """What the bot knows, in one file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cursor: str = BEGINNING
        self.intent: dict[str, Any] | None = None
        self.unanswered: int | None = None
        self.results: dict[str, dict[str, float | None]] = {}

    def load(self) -> "State":
        if self.path.exists():
            try:
                vars(self).update(json.loads(self.path.read_text()))
            except (ValueError, TypeError):
                raise ConfigurationError(
                    f"{self.path} is not what this bot has written; name another --state"
                ) from None
        return self

    def save(self) -> None:
        part = self.path.with_suffix(".part")
        known = {name: value for name, value in vars(self).items() if name != "path"}
        with part.open("w") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)

    def best(self) -> float | None:
        """The learning rate of the best version so far."""
        scored = [(result["value"], result["lr"]) for result in self.results.values() if result["value"] is not None]
        return max(scored)[1] if scored else None


def near(best: float | None, seed: int) -> float:
    """A learning rate near the best one; the same again for the same seed."""
    chance = random.Random(seed)
    if best is None:
        return float(f"{10 ** chance.uniform(-4, -1):.6g}")
    return float(f"{min(max(best * 10 ** chance.gauss(0, 0.3), 1e-5), 1.0):.6g}")


class Bot:
    """Drives one job until it has so many versions.

    Args:
        estimator: makes them.
        job: the job's first version, which the others derive from.
        state: what is known from earlier.
        total: how many versions the job is to have.
        step: called between any two steps; tests kill the process there.
    """

    def __init__(
        self, estimator: AsyncEstimator, job: TrainingJob, state: State, total: int, step: Callable[[str], None]
    ) -> None:
        self.estimator = estimator
        self.job = job
        self.state = state
        self.total = total
        self.step = step

    async def run(self) -> None:
        if len(self.state.results) >= self.total:
            return
        if self.state.unanswered is not None:
            # An earlier life had enough, and this one is to have more.
            await self.launch_after(self.state.unanswered)
            await asyncio.to_thread(self.state.save)
            self.step("saved")
        session = self.estimator.session
        async for event in session.events(self.job.job_id, self.state.cursor):
            if isinstance(event, Finished):
                await self.answer(event)
            self.state.cursor = event.cursor
            await asyncio.to_thread(self.state.save)
            self.step("saved")
            if len(self.state.results) >= self.total:
                return

    async def answer(self, event: Finished) -> None:
        """Score the version, write down what is to be launched, launch it."""
        self.step("event")
        number, state = str(event.version_id), self.state
        if number not in state.results:
            lr, value = await self.score(event)
            state.results[number] = {"lr": lr, "value": value}
            print(f"version {number}: lr={lr:g} val_accuracy={value}", flush=True)
        self.step("scored")
        # One launch for each finished version, until the job has its number.
        state.unanswered = event.version_id
        if len(state.results) < self.total:
            await self.launch_after(event.version_id)

    async def launch_after(self, version_id: int) -> None:
        state = self.state
        state.intent = {"after": version_id, "lr": near(state.best(), version_id)}
        await asyncio.to_thread(state.save)
        self.step("intended")
        await self.launch(state.intent)
        self.step("launched")
        state.intent = state.unanswered = None

    async def score(self, event: Finished) -> tuple[float, float | None]:
        version = TrainingJob.attach(self.estimator.session, event.job_id, event.version_id)
        detail = await version.refresh()
        lr = float(detail.hyperparameters["lr"])
        if event.outcome is not Outcome.SUCCEEDED:
            return lr, None
        found = METRIC.findall("\n".join(await version.tail(50)))
        return lr, float(found[-1]) if found else None

    async def launch(self, intent: dict[str, Any]) -> None:
        name = f"after-{intent['after']}"
        # The key and the path of its own make this the same version, however often it is asked for.
        await self.estimator.create_job_version(
            self.job.job_id,
            self.job.version_id,
            "/bucket/data/",
            hyperparameters={"lr": intent["lr"]},
            output_path=f"/bucket/bot/{self.job.job_id}/{name}/",
            intent_id=name,
        )


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
        hyperparameters={"lr": 0.001},
    )


async def first_version(estimator: AsyncEstimator, name: str) -> TrainingJob:
    """The job's first version; the name is unique, so a job that an earlier life of this bot made is found by it."""
    try:
        return await estimator.fit("/bucket/data/", job_name=name)
    except AlreadyExists:
        async for job in estimator.iter_jobs(estimator.session, search_content=name):
            if job.job_name == name:
                newest = TrainingJob.attach(estimator.session, job.job_id, job.version_id)
                versions = [row.version_id async for row in newest.iter_job_versions()]
                return TrainingJob.attach(estimator.session, job.job_id, min(versions))
        raise


def put_script(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("train.py"), folder)


def no_step(_: str) -> None:
    """Nothing happens between two steps."""


async def main(options: argparse.Namespace, step: Callable[[str], None] = no_step) -> None:
    session = AsyncSession.local(options.root) if options.local else AsyncSession()
    async with session:
        if options.local:
            await asyncio.to_thread(put_script, Path(session.platform.obs_root, "bucket/src"))
        state = await asyncio.to_thread(State(options.state).load)
        step("loaded")
        estimator = estimator_on(session)
        job = await first_version(estimator, options.name)
        step("job")
        await Bot(estimator, job, state, options.total, step).run()
        best = state.best()
        print(f"done: {len(state.results)} versions, " + ("none has a score" if best is None else f"best lr {best:g}"))


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it is 1 or more")
    return number


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="bot", help="name of the job")
    parser.add_argument("--total", type=at_least_one, default=8, help="versions that the job is to have")
    parser.add_argument("--state", type=Path, default=Path("bot-state.json"), help="what the bot knows")
    parser.add_argument("--local", action="store_true", help="train on this machine")
    parser.add_argument("--root", default=".bot-platform", help="folder of the local platform")
    return parser.parse_args(argv)


if __name__ == "__main__":
    try:
        asyncio.run(main(parse()))
    except (ModelArtsError, RootInUseError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
