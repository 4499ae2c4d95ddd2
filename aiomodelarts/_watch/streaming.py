"""Events as an async iterator."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from typing import Any

from ..errors import InvalidArgument
from ..events import Event
from ..models.spec import check_id
from .feed import Feed
from .watcher import Watcher

_log = logging.getLogger("aiomodelarts.watch")
Aside = tuple[str, Callable[[], Coroutine[Any, Any, None]]]


def job_ids_of(job_id: int | str | Iterable[int | str] | None) -> list[int] | None:
    """The jobs, each once; None is all of them.

    Raises:
        InvalidArgument: for an empty list, or what is no id.
    """
    if job_id is None:
        return None
    given = [job_id] if isinstance(job_id, int | str) else list(job_id)
    if not given:
        raise InvalidArgument("job_id", given, "it names at least one job; without it, it is all jobs")
    return list(dict.fromkeys(check_id(one, "job_id") for one in given))


async def stream(feed: Feed, watcher: Watcher, aside: Sequence[Aside]) -> AsyncGenerator[Event, None]:
    """The events of a feed, for as long as somebody iterates.

    Args:
        feed: gives the events.
        watcher: looks at the jobs that the feed is about.
        aside: what goes on beside it meanwhile, by name.
    """
    tasks: list[asyncio.Task[None]] = []
    try:
        for job_id in feed.job_ids:
            watcher.survey(job_id, feed)
        tasks += [asyncio.create_task(_told(feed, name, run), name=f"aiomodelarts {name}") for name, run in aside]
        while True:
            yield await feed.take()
    finally:
        for task in tasks:
            task.cancel()
        # Whoever is cancelled once more while those end must have left all the same, or the looks would go on.
        for job_id in feed.job_ids:
            watcher.leave(job_id, feed)
        await asyncio.gather(*tasks, return_exceptions=True)


async def _told(feed: Feed, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await run()
    except Exception as error:  # noqa: BLE001  (told to the consumer, who would wait for ever)
        _log.exception("looking for %s failed", name)
        feed.failed(error)
