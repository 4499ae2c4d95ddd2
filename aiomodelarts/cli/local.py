"""``aiomodelarts local``: a stand-in for ModelArts on this machine."""

import typer

app = typer.Typer(help="A stand-in for ModelArts on this machine.", no_args_is_help=True)


# The platform reads its own options, so that it can be served without this command line too.
@app.command(
    "serve",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def serve_command(context: typer.Context) -> None:
    """Serve a local platform until SIGTERM or Ctrl-C; --help lists the options."""
    from ..local.serve import run

    raise typer.Exit(run(context.args))
