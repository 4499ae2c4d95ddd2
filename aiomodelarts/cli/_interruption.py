"""Ctrl-C while a sweep runs: asks once what becomes of running versions."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.text import Text

from ..sweep.engine.halts import Running

_DO = {"l": Running.LEAVE, "s": Running.STOP}


class Shown(Protocol):
    """What is drawn on the terminal meanwhile."""

    def pause(self) -> None:
        """Make room for a question."""
        ...

    def resume(self) -> None:
        """Draw on."""
        ...


class Interruption:
    """Ends a run as the user wants it.

    The first signal asks, where somebody can answer and there is something to ask; a second one takes the usual answer,
    and one more ends at once.

    Args:
        end: ends the run, and says whether versions go on or are stopped.
        going: how many versions run; None before the sweep has begun.
        console: where the question goes.
        usual: what becomes of running versions where nobody is asked.
        asks: whether somebody may be asked.
        outlives: whether versions can go on without this command.
    """

    def __init__(
        self,
        end: Callable[[Running], None],
        going: Callable[[], int | None],
        console: Console,
        *,
        usual: Running,
        asks: bool,
        outlives: bool,
    ) -> None:
        self._end = end
        self._going = going
        self._console = console
        self._usual = usual
        self._asks = asks and outlives and console.is_terminal and sys.stdin.isatty()
        self._outlives = outlives
        self._shown: Shown | None = None
        self._asking = False
        self.decided: Running | None = None
        self.signal: signal.Signals | None = None

    def over(self, shown: Shown) -> None:
        """From now on questions are asked over what is shown."""
        self._shown = shown

    def take(self, number: signal.Signals) -> bool:
        """Whether the signal is taken care of; else the command is to be cancelled."""
        going = self._going()
        if self.decided is not None or going is None:
            return False
        self.signal = number
        if number is signal.SIGINT and self._asks and going and not self._asking:
            self._ask(going)
        else:
            self._decide(self._usual)
        return True

    def close(self) -> None:
        """Nobody is asked any more; a question that nobody has answered is left behind on its line."""
        if self._asking:
            self._stop_asking()
            self._console.print()

    def _stop_asking(self) -> None:
        self._asking = False
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        if self._shown is not None:
            self._shown.resume()

    def _ask(self, going: int) -> None:
        if self._shown is not None:
            self._shown.pause()
        count = "1 version is" if going == 1 else f"{going} versions are"
        usual = self._usual.value
        self._console.print(Text(f"\n{count} running. What becomes of them? The sweep goes on until you answer."))
        self._console.print("  l  leave them; the same command takes them up again")
        self._console.print("  s  stop them; the same command makes them anew")
        self._console.print("  c  go on with the sweep")
        self._console.print(Text(f"l, s or c? Enter and Ctrl-C {usual} them: "), end="")
        try:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._hear)
        except NotImplementedError:
            self._decide(self._usual)
        else:
            self._asking = True

    def _hear(self) -> None:
        try:
            answer = os.read(sys.stdin.fileno(), 1024).decode(errors="replace").strip().lower()[:1]
        except OSError:
            answer = ""
        if not answer or answer in _DO:
            self._decide(_DO.get(answer, self._usual))
        elif answer == "c":
            self._stop_asking()
            self.signal = None
        else:
            self._console.print("l, s or c? ", end="")

    def _decide(self, running: Running) -> None:
        if self._asking:
            self._stop_asking()
        self.decided = running
        leaving = "Ending; versions that run go on" if self._outlives else "Ending, and what runs with it"
        doing = "Stopping the versions that run" if running is Running.STOP else leaving
        with contextlib.suppress(OSError):
            self._console.print(Text(f"{doing}. Ctrl-C again does not wait."))
        self._end(running)
