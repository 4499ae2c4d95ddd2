"""What the command line says of a sweep that ended before its time: what it leaves, and how to take it up."""

from collections.abc import Iterable
from pathlib import Path

from attrs import frozen
from rich.console import Console
from rich.text import Text

from ..sweep.engine.halts import Running
from ..sweep.trial import Trial, TrialState
from .render import brief_path
from .sweep_view import Tally

# More would push the sentences above them off the screen.
_NAMED = 16


@frozen
class Left:
    """What a run leaves behind when it ends before its time.

    Args:
        tally: what it has told.
        results_dir: where its results are.
        local: whether the local platform ended with it.
    """

    tally: Tally
    results_dir: Path
    local: bool


def print_interruption(
    left: Left, console: Console, running: Running = Running.LEAVE, how: str = "Interrupted"
) -> None:
    """Print what a sweep that was interrupted leaves behind, and how to take it up.

    Args:
        left: what it leaves.
        console: where to.
        running: what was to become of running versions.
        how: it ended.
    """
    progress = left.tally.progress
    if progress is None:
        console.print("Interrupted before anything was made.")
        return
    console.print(f"{how}: {progress.done} of {progress.total} trials are over.")
    going = [trial for trial in left.tally.going.values() if trial.state is not TrialState.RESERVED]
    if left.local and (going or running is Running.STOP):
        console.print(f"The local platform stopped the {len(going)} that were going on.")
    elif running is Running.STOP:
        console.print("The versions that ran were stopped; the same command makes them anew.")
    if not left.local:
        print_going(going, console)
    console.print("The same command again goes on from here.")
    if progress.done or going:
        console.print(Text(f"What is known so far: {brief_path(left.results_dir)}"), soft_wrap=True)


def print_going(going: Iterable[Trial], console: Console) -> None:
    """Print the versions that go on at the platform, and how to take one up."""
    trials = list(going)
    for trial in trials[:_NAMED]:
        ids = f"job_id={trial.job_id}, version_id={trial.version_id}"
        told = ids if trial.version_id is not None else f"maybe made; its outputs go to {trial.output_path}"
        console.print(Text(f"  trial {trial.number} goes on: {told}"), soft_wrap=True)
    if len(trials) > _NAMED:
        console.print(Text(f"  and {len(trials) - _NAMED} more", style="dim"))
    known = next((trial for trial in trials if trial.version_id is not None), None)
    if known is not None:
        console.print(Text(f"Look at one with: aiomodelarts logs {known.job_id} {known.version_id} --follow"))
        told = "or from Python with TrainingJob.attach(session, job_id, version_id): wait(), logs(), stop()."
        console.print(told, soft_wrap=True)
