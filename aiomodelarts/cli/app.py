"""The tree of commands."""

from importlib.metadata import version
from typing import Annotated

import typer

from . import (
    catalog,
    jobs,
    local,
    login,
    logs,
    obs,
    sweep,
    sweep_check,
    sweep_export,
    sweep_past,
    sweep_plan,
    sweep_report,
    sweep_stop,
    versions,
    watch,
)
from ._session import PROFILE

app = typer.Typer(
    help="Training on ModelArts: sweeps and single versions, and a local platform to try them on.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sweep.app.add_typer(sweep_check.app)
sweep.app.add_typer(sweep_past.app)
sweep.app.add_typer(sweep_plan.app)
sweep.app.add_typer(sweep_report.app)
sweep.app.add_typer(sweep_export.app)
sweep.app.add_typer(sweep_stop.app)
app.add_typer(login.app)
app.add_typer(jobs.app)
app.add_typer(versions.app)
app.add_typer(logs.app)
app.add_typer(watch.app)
app.add_typer(catalog.app)
app.add_typer(obs.app, name="obs")
app.add_typer(sweep.app, name="sweep")
app.add_typer(local.app, name="local")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aiomodelarts {version('aiomodelarts')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            envvar="AIOMODELARTS_PROFILE",
            help="The profile to log in with, or to keep by login.",
            show_default=False,
        ),
    ] = None,
) -> None:
    PROFILE.set(profile or None)
