"""``aiomodelarts sweep check``: what a sweep file says, and what its patterns find in a sample of a log."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import asdict
from rich.console import Console
from rich.text import Text

from ..sweep.matching import Match
from ..sweep.planning.trying import Tried, try_patterns
from ..sweep.run import Sweep
from ._run import DONE, FAILED, run
from ._session import OutputOption
from .render import Output, number, print_json, writer
from .sweep import FileArgument

app = typer.Typer()

_LONGEST = 40
LogOption = Annotated[
    Path | None,
    typer.Option("--log", metavar="F", help="Try the patterns on this sample of a log.", exists=True, dir_okay=False),
]


@app.command("check")
def check_command(file: FileArgument, log: LogOption = None, output: OutputOption = Output.TABLE) -> None:
    """Check a sweep file. It says how many trials it makes, and tries its patterns on a log. Nothing is sent."""
    run(_check(file, log, output))


async def _check(file: Path, log: Path | None, output: Output) -> int:
    config = (await asyncio.to_thread(Sweep.from_file, file)).config
    count = await asyncio.to_thread(lambda: config.count)
    tried, elsewhere = ([], []) if log is None else await asyncio.to_thread(try_patterns, config, log)
    if output is Output.JSON:
        told: dict[str, Any] = {"sweep": config.name, "trials": count, "concurrency": config.concurrency}
        if log is not None:
            told["log"] = [asdict(one) for one in tried]
        print_json(told)
    else:
        console = writer()
        told_count = f"{count} trial{'s' if count != 1 else ''}, {config.concurrency} at a time"
        console.print(Text(f"{file}: sweep {config.name} makes {told_count}."), soft_wrap=True)
        for one in tried:
            _print(one, console)
        for key in elsewhere if log is not None else ():
            console.print(Text(f"{key}: comes from elsewhere, so that a log says nothing of it"), soft_wrap=True)
    return DONE if all(one.problem is None for one in tried) else FAILED


def _print(tried: Tried, console: Console) -> None:
    console.print(Text.assemble((f"{tried.key}", "bold"), f" '{tried.pattern}'"), soft_wrap=True)
    told = f"  {tried.count} match{'es' if tried.count != 1 else ''} in {tried.lines} lines"
    if tried.count:
        between = ["..."] if tried.count > len(tried.first) + len(tried.last) else []
        told += f": {', '.join([*_shown(tried.first), *between, *_shown(tried.last)])}"
    console.print(Text(told), soft_wrap=True)
    if tried.problem is not None:
        console.print(Text.assemble(("  no value: ", "bold red"), tried.problem), soft_wrap=True)
    elif tried.value is not None:
        console.print(Text.assemble("  the value is ", (number(tried.value), "bold green")), soft_wrap=True)
    else:
        console.print(Text(f"  {tried.steps} steps are looked at while a version runs"), soft_wrap=True)


def _shown(matches: Iterable[Match]) -> Iterable[str]:
    for match in matches:
        text = match.text if len(match.text) <= _LONGEST else match.text[: _LONGEST - 3] + "..."
        yield f"{text!r} at step {match.step if match.step is not None else '?'}"
