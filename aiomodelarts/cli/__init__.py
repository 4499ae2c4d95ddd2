"""The command line. It needs the extra ``cli``; the library does not."""

import io
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
    for stream in (sys.stdout, sys.stderr):
        # In a locale of few signs, one that it lacks is written as its number.
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors="backslashreplace")
    try:
        from .app import app
    except KeyboardInterrupt:
        sys.exit(130)
    app(prog_name="aiomodelarts")
