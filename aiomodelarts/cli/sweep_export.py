"""``aiomodelarts sweep export``: a sweep's ledger as an Optuna study."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from .._redact import without_password
from ..sweep.run import Sweep
from ._run import DONE, run
from ._session import OutputOption
from .render import Output, brief_path, print_json, writer
from .sweep import FileArgument

app = typer.Typer()

ToOption = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="STORAGE",
        help="journal:PATH, or a database's URL as in sqlite:///PATH.",
        show_default="journal:optuna.log, in results_dir",
    ),
]
NameOption = Annotated[str | None, typer.Option("--name", help="Of the study.", show_default="the name of the sweep")]


@app.command("export")
def export_command(
    file: FileArgument, to: ToOption = None, name: NameOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Write an Optuna study of all trials. It is for optuna-dashboard and Optuna's plots; nothing is sent."""
    run(_export(file, to, name, output))


async def _export(file: Path, to: str | None, name: str | None, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    place = sweep.config.results_dir / "optuna.log"
    storage = to or f"journal:{place}"
    study = await sweep.study(storage, name=name)
    count = await asyncio.to_thread(lambda: len(study.get_trials(deepcopy=False)))
    shown = await asyncio.to_thread(_shown, storage)
    if output is Output.JSON:
        print_json(
            {
                "sweep": sweep.config.name,
                "study": study.study_name,
                "storage": without_password(storage),
                "trials": count,
            }
        )
        return DONE
    console = writer()
    told = f"{count} trial{'s' if count != 1 else ''} in the study {study.study_name}; to look at it:"
    console.print(Text(told), soft_wrap=True)
    console.print(Text(f"optuna-dashboard {shown}"), soft_wrap=True)
    return DONE


def _shown(storage: str) -> str:
    """The storage as the dashboard takes it, a file as seen from here."""
    scheme, _, path = storage.partition(":")
    return str(brief_path(Path(path.removeprefix("//")))) if scheme == "journal" else without_password(storage)
