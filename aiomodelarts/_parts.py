"""What a session is made of: one line to the project, and all that asks over it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from ._catalogue import Catalogue
from ._create.maker import Maker
from ._create.policy import SettlePolicy
from ._errands import Errands
from ._home import Home
from ._line import Line
from ._net.aiohttp_transport import AiohttpTransport
from ._net.governor import Governor, headroom
from ._net.limits import Limits
from ._net.retry import Retry, RetryPolicy
from ._net.transport import Timeouts
from ._seams import Seams
from ._watch.cadence import Cadence, PollS
from ._watch.ceiling import Ceiling
from ._watch.patience import Patience
from ._watch.watcher import Watcher
from ._wire import catalog
from .errors import InvalidArgument
from .hyperparameters import sendable

if TYPE_CHECKING:
    import aiohttp

    from ._storage import Storage
    from ._watch.streaming import Aside
    from .events import Event
    from .obs import TransferLimits

# From the beginning of closing on, which takes five seconds at most.
_ERRANDS_GRACE_S = 4.5


@frozen(kw_only=True)
class Options:
    """How a session behaves, as ``AsyncSession`` describes it; None is the default everywhere."""

    limits: Limits | None = None
    retry: RetryPolicy | None = None
    timeouts: Timeouts | None = None
    http: "aiohttp.ClientSession | None" = None
    cadence: Cadence | None = None
    poll_s: PollS = None
    patience: Patience | None = None
    settle: SettlePolicy | None = None
    seams: Seams | None = None
    workspace_id: str | None = None
    transfers: "TransferLimits | None" = None

    def __attrs_post_init__(self) -> None:
        if self.cadence is not None and self.poll_s is not None:
            raise InvalidArgument("poll_s", self.poll_s, "cadence is given as well, and says the same in full")
        given: object = self.workspace_id
        if given is not None and (not isinstance(given, str) or not given or not sendable(given)):
            raise InvalidArgument("workspace_id", given, "it is the id of a workspace as text, or None")


class Parts:
    """The parts of one session, put together and taken apart in order.

    Args:
        home: where the project is.
        options: how its session behaves.
    """

    def __init__(self, home: Home, options: Options) -> None:
        seams = options.seams or Seams()
        clock = seams.clock
        transport = seams.transport or AiohttpTransport(options.timeouts or Timeouts(), options.http)
        retry = Retry(options.retry or RetryPolicy(), clock, seams.rng)
        self.home = home
        self.seams = seams
        self.governor = Governor(options.limits or Limits(), clock)
        self.line = Line(home, seams, transport, retry, self.governor, options.workspace_id)
        self._transport, self._retry, self._transfers = transport, retry, options.transfers
        self._proxied = options.http is not None and options.http.trust_env
        self._storage: Storage | None = None
        self.catalogue = Catalogue(
            lambda: self.line.perform(catalog.list_resource_specs),
            lambda: self.line.perform(catalog.list_engines),
            lambda query: self.line.perform(catalog.list_built_in_algorithms, query),
            clock,
        )
        self.cadence = (options.cadence or Cadence()).within(options.poll_s)
        self.patience = options.patience or Patience()
        self.watcher = Watcher(
            self.line, clock, self.cadence, self.patience, lambda: headroom(self.governor.snapshot().reads)
        )
        self.errands = Errands()
        self.log_turns = Ceiling(self.cadence.polls_per_s, clock)
        self.settle_policy = options.settle or SettlePolicy()
        self.maker = Maker(self.line, clock, self.settle_policy)
        self._closing = False
        self._closed = asyncio.Event()

    @property
    def storage(self) -> "Storage":
        """Object storage; its modules are loaded when somebody first asks for it, which most never do."""
        if self._storage is None:
            from ._storage import Storage

            self._storage = Storage(
                self.line, self.seams, self._transport, self._retry, proxied=self._proxied, limits=self._transfers
            )
        return self._storage

    def events(
        self,
        job_id: int | str | Iterable[int | str] | None,
        after: str | None,
        log_stalled_s: float | None,
        buffer: int,
        poll_s: PollS,
    ) -> "AsyncGenerator[Event, None]":
        """The stream of what happens to versions; the arguments are those of ``AsyncSession.events``."""
        from ._watch.feed import Feed
        from ._watch.roster import Roster
        from ._watch.stalls import Stalls
        from ._watch.streaming import job_ids_of, stream

        job_ids = job_ids_of(job_id)
        clock, cadence = self.seams.clock, self.cadence.within(poll_s)
        feed = Feed(job_ids, after, clock, self.patience, self._twin_ids, buffer, self.watcher.resync, cadence)
        aside: list[Aside] = []
        if job_ids is None:
            aside.append(("roster", Roster(feed, self.watcher, self.line.jobs, clock).run))
        if log_stalled_s is not None:
            aside.append(("log stalls", Stalls(feed, self.line.log_end, clock, log_stalled_s).run))
        return stream(feed, self.watcher, aside)

    async def close(self) -> None:
        """End everything that goes on, and close what was opened."""
        self.line.loop.check()
        if self._closing:
            await self._closed.wait()
            return
        self._closing = True
        # Each of these is closed although another one fails or is cancelled; the last one pushed goes first.
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._closed.set)
            stack.push_async_callback(self.line.close)
            if self._storage is not None:
                stack.push_async_callback(self._storage.close)
            stack.push_async_callback(self.catalogue.close)
            stack.push_async_callback(self.watcher.close)
            # A call that waits for a place must not take the one that is given up below.
            stack.push_async_callback(self.line.refuse)
            # Both ask until their end, so they come before everything that they ask through.
            stack.push_async_exit(partial(self._end_errands, self.seams.clock.monotonic() + _ERRANDS_GRACE_S))
            stack.push_async_callback(self.maker.close)

    async def _end_errands(self, until: float, cancelled: type[BaseException] | None, *_: object) -> None:
        # They go on while creates come to their ends, which takes time as well. Whoever is cancelled waits no longer.
        await self.errands.close(0.0 if cancelled else max(0.0, until - self.seams.clock.monotonic()))

    def _twin_ids(self) -> list[tuple[int, int]]:
        return [(twin.job_id, twin.version_id) for twin in self.maker.twins]
