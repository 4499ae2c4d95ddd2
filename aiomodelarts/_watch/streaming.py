"""Events as an async iterator."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

from ..errors import InvalidArgument
from ..events import Event
from ..models.spec import check_id
from .feed import Feed
from .stalls import Stalls
from .watcher import Watcher


def job_ids_of(job_id: int | str | Iterable[int | str]) -> list[int]:
    """The jobs, each once.

    Raises:
        InvalidArgument: for none at all, or what is no id.
    """
    given = [job_id] if isinstance(job_id, int | str) or job_id is None else list(job_id)
    if not given:
        raise InvalidArgument("job_id", given, "it names at least one job")
    return list(dict.fromkeys(check_id(one, "job_id") for one in given))


async def stream(feed: Feed, watcher: Watcher, stalls: Stalls | None) -> AsyncGenerator[Event, None]:
    """The events of a feed, for as long as somebody iterates."""
    looking = None
    try:
        for job_id in feed.job_ids:
            watcher.survey(job_id, feed)
        if stalls is not None:
            looking = asyncio.create_task(stalls.run(), name="aiomodelarts log stalls")
        while True:
            yield await feed.take()
    finally:
        for job_id in feed.job_ids:
            watcher.leave(job_id, feed)
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
