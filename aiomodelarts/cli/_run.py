"""Runs a command's coroutine, and turns how it ends into an exit code and one message."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import typer

from ..errors import (
    ApiError,
    ConfigurationError,
    DecodeError,
    InvalidArgument,
    ModelArtsError,
    NotAllowed,
    ServiceTrouble,
    SweepError,
    Throttled,
    TokenExpired,
    TransportError,
)
from ..obs.errors import NotFromStorage, ObsNotAllowed, ObsTrouble
from .render import tell, tell_error

_STOPPING = (signal.SIGINT, signal.SIGTERM)
DONE, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3
_BY_ERROR: tuple[tuple[tuple[type[Exception], ...], int], ...] = (
    ((SweepError, InvalidArgument, ConfigurationError), USAGE),
    ((TransportError, NotAllowed, TokenExpired, Throttled, ServiceTrouble), UNREACHABLE),
    ((ObsNotAllowed, ObsTrouble, NotFromStorage), UNREACHABLE),
    # What answers is something else than the service.
    ((DecodeError,), UNREACHABLE),
    ((ModelArtsError, OSError), FAILED),
)


def exit_code(error: Exception) -> int | None:
    """The exit code of an error that a user can do something about, or None for a fault of this program."""
    from ..local import RootInUseError

    if isinstance(error, RootInUseError) or (isinstance(error, ApiError) and 300 <= error.status < 400):
        return UNREACHABLE
    return next((code for kinds, code in _BY_ERROR if isinstance(error, kinds)), None)


class Signals:
    """Lets a command end in its own way at an interruption or SIGTERM, as long as ``take`` is set."""

    take: Callable[[signal.Signals], bool] | None = None


def run(main: Coroutine[Any, Any, int], signals: Signals | None = None) -> None:
    """Run to the end and leave with its exit code; an interruption or SIGTERM cancels it first.

    Args:
        main: what the command does.
        signals: asked first; what it takes does not cancel.

    Raises:
        typer.Exit: always.
    """
    stopped_by: list[signal.Signals] = []

    async def stoppable() -> int:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()

        def stop(number: signal.Signals) -> None:
            if signals is not None and signals.take is not None and signals.take(number):
                return
            stopped_by.append(number)
            task.cancel()

        for number in _STOPPING:
            # Where the loop takes no handlers, Ctrl-C still arrives as KeyboardInterrupt.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, stop, number)
        try:
            return await main
        finally:
            # After this only threads are waited for, of which one may hang in a name look-up: that can be interrupted.
            for number in _STOPPING:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)

    try:
        code = asyncio.run(stoppable())
    except (asyncio.CancelledError, KeyboardInterrupt) as interruption:
        code = 128 + (stopped_by[0] if stopped_by else signal.SIGINT)
        if stopped_by and isinstance(interruption, KeyboardInterrupt):
            # Interrupted again, while threads were waited for; the interpreter would wait for them once more.
            _flush()
            os._exit(code)
    except Exception as error:  # noqa: BLE001  (raised again unless a user can do something about it)
        code = _report(error)
    raise typer.Exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


@contextlib.contextmanager
def reporting() -> Iterator[None]:
    """For what comes before ``run``: an error ends as one there, an interruption of a prompt with exit code 130.

    Raises:
        typer.Exit: in these cases.
    """
    try:
        yield
    except (typer.Abort, KeyboardInterrupt):
        raise typer.Exit(128 + signal.SIGINT) from None
    except Exception as error:  # noqa: BLE001  (raised again unless a user can do something about it)
        raise typer.Exit(_report(error)) from None


def _report(raised: Exception) -> int:
    error = raised
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BrokenPipeError):
        # Whoever read the output has enough of it; nothing more may be written at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return 128 + signal.SIGPIPE
    code = exit_code(error)
    if code is None:
        raise raised
    tell_error(str(error))
    for note in getattr(error, "__notes__", ()):
        tell(note)
    return code
