"""Writes that arrive together share one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

W = TypeVar("W")

# More rows in one transaction would make the first of them wait for the last.
_MOST_AT_ONCE = 500


class Writer(Generic[W]):
    """Collects writes while a transaction is under way, and makes one of them.

    A caller that is cancelled leaves its write in the queue: it is carried out all the same.

    Args:
        commit: carries out some writes in one transaction; gives a result or an error for each.
    """

    def __init__(self, commit: Callable[[Sequence[W]], Awaitable[Sequence[Any]]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[W, asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None
        self.commits = 0

    async def write(self, what: W) -> Any:
        """The result of this write, once it is on disk."""
        written: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((what, written))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name="aiomodelarts ledger writer")
        return await written

    async def close(self) -> None:
        """Return when everything that was asked for is written."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
            try:
                results = await self._commit([what for what, _ in batch])
            except BaseException as error:
                if not isinstance(error, Exception):
                    # Nobody drains what came meanwhile, and whoever waits for it would do so for ever.
                    batch, self._waiting = batch + self._waiting, []
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
                        written.exception()
                if not isinstance(error, Exception):
                    raise
            else:
                self.commits += 1
                for (_, written), result in zip(batch, results, strict=True):
                    _tell(written, result)


def _tell(written: "asyncio.Future[Any]", result: Any) -> None:
    if written.done():
        return
    if isinstance(result, Exception):
        written.set_exception(result)
    else:
        written.set_result(result)
