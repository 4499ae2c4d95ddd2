"""The command line. It needs the extra ``cli``; the library does not."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line on this process's arguments, and exit."""
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ModuleNotFoundError as error:
        sys.stderr.write(f"aiomodelarts: {error.name} is not installed; run: pip install 'aiomodelarts[cli]'\n")
        sys.exit(2)
    from .app import app

    app(prog_name="aiomodelarts")
