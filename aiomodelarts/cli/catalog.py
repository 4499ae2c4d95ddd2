"""``aiomodelarts flavors`` and ``engines``: what a training can run on."""

from typing import Any

import typer

from ._run import DONE, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, print_json, print_rows

app = typer.Typer()


@app.command("flavors")
def flavors_command(local: LocalOption = False, output: OutputOption = Output.TABLE) -> None:
    """List what goes into train_instance_type."""
    run(_flavors(local, output))


@app.command("engines")
def engines_command(local: LocalOption = False, output: OutputOption = Output.TABLE) -> None:
    """List what goes into framework_type, framework_version."""
    run(_engines(local, output))


async def _flavors(local: bool, output: Output) -> int:
    async with open_session(local) as place:
        specs = await place.session.flavors()
    rows = [
        {
            "train_instance_type": spec.spec_code,
            "cores": spec.core,
            "memory": spec.cpu,
            "gpus": spec.gpu_num,
            "gpu_type": spec.gpu_type,
            "max_instances": spec.max_num,
        }
        for spec in specs
    ]
    return _show(rows, output)


async def _engines(local: bool, output: Output) -> int:
    async with open_session(local) as place:
        engines = await place.session.engines()
    rows = [
        {"framework_type": engine.framework_type, "framework_version": engine.framework_version} for engine in engines
    ]
    return _show(rows, output)


def _show(rows: list[dict[str, Any]], output: Output) -> int:
    if output is Output.JSON:
        print_json(rows)
        return DONE
    heads = tuple(rows[0]) if rows else ()
    texts = [["" if value is None else str(value) for value in row.values()] for row in rows]
    print_rows(heads, texts, spare=("gpu_type", "max_instances", "memory"))
    return DONE
