"""What the core is given: a place to record moves, something that runs versions, logs, folders and time.

The core awaits these and nothing else, so it runs under asyncio, under virtual time, or stepped by hand.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from aiomodelarts.local.board import Job, Version
from aiomodelarts.local.records import Change


class Journal(Protocol):
    """Makes changes durable, in the order in which they were handed over."""

    def write(self, changes: Sequence[Change]) -> Awaitable[None]:
        """Keep changes, all or none of them; returns once they are durable.

        Raises:
            RecordError: they could not be kept. The caller takes them back.
        """
        ...

    def note(self, changes: Sequence[Change]) -> None:
        """Keep changes that have already happened: written soon, and again until it is possible."""
        ...


class Executor(Protocol):
    """Runs versions. It tells the core about the end through the callback it was made with."""

    def start(self, job: Job, version: Version) -> None:
        """Begin a run. Nothing that outlives a crash may happen before the status has been recorded."""
        ...

    def stop(self, version_id: int) -> None:
        """End a run; its end is reported like any other."""
        ...


@frozen
class LogQuery:
    """One question for log lines.

    Args:
        worker: index of the log file.
        base: byte offset of the line to start from, or None for the newest lines.
        lines: how many at most.
        following: the lines after the base line, otherwise those before it.
    """

    worker: int
    base: int | None
    lines: int
    following: bool


@frozen
class LogLines:
    """Lines of a log with the byte offsets of the first and the last one."""

    content: bytes = b""
    count: int = 0
    first: int | None = None
    last: int | None = None


class Logs(Protocol):
    """Reads what versions printed."""

    def page(self, job: Job, version: Version, query: LogQuery) -> Awaitable[LogLines]: ...

    def forget(self, version: Version) -> None:
        """The version was deleted; nobody will ask again."""
        ...


class Storage(Protocol):
    """Knows which OBS paths may be used."""

    def check(self, paths: Mapping[str, str]) -> Awaitable[str | None]:
        """The name of a member whose path leaves the root, or None."""
        ...


@frozen
class Ports:
    """Everything the core is given.

    Args:
        now: seconds since the epoch.
        later: calls back after that many seconds.
    """

    journal: Journal
    executor: Executor
    logs: Logs
    storage: Storage
    now: Callable[[], float]
    later: Callable[[float, Callable[[], None]], None]
