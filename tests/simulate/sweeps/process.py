"""Processes that are no more than groups of tasks on one virtual loop, so that they can be stopped dead."""

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any

from attrs import define, field

from tests.support.throttling import VirtualLoop

HERE: ContextVar["Process | None"] = ContextVar("process", default=None)


@define(eq=False)
class Process:
    """Everything that runs in the context of one process.

    Args:
        number: its id, which never comes round again.
        place: the machine.
        paused: nothing of it runs now.
        dead: nothing of it will ever run again; its tasks are cleared away at the end of the run.
        task: its first one.
    """

    number: int
    place: str
    paused: bool = False
    dead: bool = False
    task: "asyncio.Task[Any] | None" = None
    on_death: list[Callable[[], None]] = field(factory=list)
    on_kill: Callable[[], Any] = lambda: None
    _held: list["_Due"] = field(factory=list)

    def pause(self) -> None:
        """As SIGSTOP does: from now on nothing runs, and time goes by."""
        self.paused = True

    def go_on(self) -> None:
        """As SIGCONT does: whatever has come due meanwhile runs now, in its order."""
        self.paused = False
        loop = asyncio.get_running_loop()
        held, self._held = self._held, []
        for due in held:
            due.handle = loop.call_soon(due, context=due.context)

    def kill(self) -> None:
        """As SIGKILL does; what it has sent is under way all the same."""
        self.paused = self.dead = True
        for tell in list(self.on_death):
            tell()
        self.on_kill()

    async def bury(self) -> None:
        """Clear its tasks away; whoever hands things to a dead process gives it nothing but cancellations."""
        if self.task is None or self.task.done():
            return
        self.go_on()
        self.task.cancel()
        await asyncio.wait([self.task])


class _Due:
    """A callback of a process."""

    __slots__ = ("args", "callback", "context", "handle", "process")

    def __init__(self, process: Process, callback: Callable[..., Any], args: tuple[Any, ...], context: Context) -> None:
        self.process, self.callback, self.args, self.context = process, callback, args, context
        self.handle: asyncio.Handle | None = None

    def __call__(self) -> None:
        if not self.process.paused:
            self.callback(*self.args)
        elif self.handle is None or not self.handle.cancelled():
            self.process._held.append(self)


class Machines(VirtualLoop):
    """A virtual loop on which processes can be paused and killed."""

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> asyncio.Handle:
        process = HERE.get() if context is None else context.get(HERE)
        if process is None or isinstance(callback, _Due):
            return super().call_soon(callback, *args, context=context)
        context = context or copy_context()
        due = _Due(process, callback, args, context)
        due.handle = super().call_soon(due, context=context)
        return due.handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        process = HERE.get() if context is None else context.get(HERE)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        context = context or copy_context()
        due = _Due(process, callback, args, context)
        timer = super().call_at(when, due, context=context)
        due.handle = timer
        return timer
