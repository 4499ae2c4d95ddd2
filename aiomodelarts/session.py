"""The session: credentials, endpoints, connections and the watcher. It owns everything that it starts."""

import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

from . import config
from ._catalogue import Catalogue
from ._checks import check_timeout
from ._create.create import may_always_leave
from ._create.made import LeftBehind, Made, Pending, Twin
from ._create.maker import Maker
from ._create.policy import SettlePolicy
from ._errands import Errands
from ._home import AtHome, Configured, Home
from ._line import Line
from ._net.aiohttp_transport import AiohttpTransport
from ._net.governor import Governor, headroom
from ._net.limits import Limits
from ._net.retry import Retry, RetryPolicy
from ._net.transport import Timeouts
from ._seams import Seams
from ._storage import Storage
from ._watch.cadence import Cadence, Ceiling, PollS
from ._watch.feed import Feed
from ._watch.many import Waitable, as_completed, wait_all
from ._watch.patience import Patience
from ._watch.roster import Roster
from ._watch.stalls import Stalls
from ._watch.streaming import Aside, job_ids_of, stream
from ._watch.watcher import Watcher
from ._wire import catalog
from ._wire.call import Call, Site
from .errors import InvalidArgument, ModelArtsError, WaitTimeout, Where
from .events import Event
from .models.catalog import BuiltInAlgorithm, Engine, ResourceSpec
from .models.job import JobDetail
from .models.spec import TrainingSpec
from .obs import Obs, TransferLimits
from .obs.code_upload import CodeUploads

if TYPE_CHECKING:
    import aiohttp

    from .local import LocalPlatform

T = TypeVar("T")
P = ParamSpec("P")
_SET_UP = (
    "limits",
    "retry",
    "timeouts",
    "http",
    "cadence",
    "poll_s",
    "patience",
    "settle",
    "seams",
    "workspace_id",
    "transfers",
)


_LOST_AT_HOME_S = 1.0
W = TypeVar("W", bound=Waitable)


class AsyncSession:
    """A connection to one project.

    With no arguments, credentials come from the environment (HUAWEICLOUD_SDK_AK, _SK, _PROJECT_ID, _SECURITY_TOKEN, or
    OS_* variables), then from the profile file ``~/.huaweicloud/credentials``. Use it with ``async with``, which closes
    all that was opened; opening is lazy, so a session that is never asked anything never connects.

    Args:
        access_key: public half of a key pair; every request is signed.
        secret_key: secret half.
        security_token: for temporary keys.
        project_id: the project whose jobs these are.
        region_name: the region, which endpoints follow from.
        account: name of the tenant; a token is fetched with username and password.
        username: user of the account.
        password: the user's password.
        token: a token that was fetched elsewhere.
        profile: section of the profile file.
        endpoints: addresses of the services, where they do not follow from the region.
        workspace_id: the workspace that new jobs go to and lists are about; jobs of others are invisible to it.
        limits: ceilings.
        retry: how calls that can be repeated without harm are tried again.
        timeouts: limits on each exchange.
        http: an aiohttp session to borrow; it is never closed here.
        cadence: how often versions that somebody waits for are looked at, in full; ``poll_s`` is the short way.
        poll_s: shortest and longest pause between two looks, in seconds, as a pair; one number is both.
        patience: how long a version may stay in a status that does not say how it stands.
        settle: how long the version of a create whose answer was lost is looked for.
        seams: clock, randomness and transport.
        transfers: ceilings of what goes to and from object storage.

    Raises:
        InvalidArgument: for arguments that do not go together.
        ConfigurationError: where something is missing; told on entering, or with the first question.
    """

    _endpoints: ClassVar[config.Endpoints | None] = None
    _region_name: ClassVar[str | None] = None

    def __init__(
        self,
        access_key: str | None = None,
        secret_key: str | None = None,
        *,
        security_token: str | None = None,
        project_id: str | None = None,
        region_name: str | None = None,
        account: str | None = None,
        username: str | None = None,
        password: str | None = None,
        token: str | None = None,
        profile: str | None = None,
        endpoints: config.Endpoints | Mapping[str, str] | None = None,
        workspace_id: str | None = None,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        http: "aiohttp.ClientSession | None" = None,
        cadence: Cadence | None = None,
        poll_s: PollS = None,
        patience: Patience | None = None,
        settle: SettlePolicy | None = None,
        seams: Seams | None = None,
        transfers: TransferLimits | None = None,
    ) -> None:
        given = config.Given(
            access_key=access_key,
            secret_key=secret_key,
            security_token=security_token,
            project_id=project_id,
            region_name=region_name,
            account=account,
            username=username,
            password=password,
            token=token,
            profile=profile,
            endpoints=config.Endpoints.of(endpoints),
        )
        configured = Configured(given, self._endpoints, self._region_name)
        self._set_up(
            configured, limits, retry, timeouts, http, cadence, poll_s, patience, settle, seams, workspace_id, transfers
        )

    def _set_up(
        self,
        home: Home,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        http: "aiohttp.ClientSession | None" = None,
        cadence: Cadence | None = None,
        poll_s: PollS = None,
        patience: Patience | None = None,
        settle: SettlePolicy | None = None,
        seams: Seams | None = None,
        workspace_id: str | None = None,
        transfers: TransferLimits | None = None,
    ) -> None:
        if cadence is not None and poll_s is not None:
            raise InvalidArgument("poll_s", poll_s, "cadence is given as well, and says the same in full")
        if workspace_id == "":
            raise InvalidArgument("workspace_id", workspace_id, "it is the id of a workspace as text, or None")
        self._home = home
        self._seams = seams or Seams()
        clock = self._seams.clock
        self._governor = Governor(limits or Limits(), clock)
        transport = self._seams.transport or AiohttpTransport(timeouts or Timeouts(), http)
        again = Retry(retry or RetryPolicy(), clock, self._seams.rng)
        self._line = Line(home, self._seams, transport, again, self._governor, workspace_id)
        self._obs = Obs(Storage(self._line, self._seams, transport, again), transfers)
        self._upload_code = CodeUploads(self._obs, clock)
        self._catalogue = Catalogue(
            lambda: self.perform(catalog.list_resource_specs),
            lambda: self.perform(catalog.list_engines),
            lambda query: self.perform(catalog.list_built_in_algorithms, query),
            clock,
        )
        self._cadence = (cadence or Cadence()).within(poll_s)
        self._patience = patience or Patience()
        self._watcher = Watcher(
            self._line, clock, self._cadence, self._patience, lambda: headroom(self._governor.snapshot().reads)
        )
        self._errands = Errands()
        self._log_turns = Ceiling(self._cadence.polls_per_s)
        self._maker = Maker(self._line, clock, settle or SettlePolicy())
        self._closed = False

    @classmethod
    def set_endpoint(
        cls,
        iam_endpoint: str | None = None,
        obs_endpoint: str | None = None,
        modelarts_endpoint: str | None = None,
        region_name: str | None = None,
    ) -> None:
        """Set the endpoints of every session that is made after this in the process, as in the official SDK.

        Args:
            iam_endpoint: of the identity service, with or without scheme; None leaves it to the region.
            obs_endpoint: of the object store.
            modelarts_endpoint: of ModelArts.
            region_name: the region.
        """
        for name, value in (("iam", iam_endpoint), ("obs", obs_endpoint), ("modelarts", modelarts_endpoint)):
            if value is not None:
                config.with_scheme(value, f"{name}_endpoint")
        AsyncSession._endpoints = config.Endpoints(iam=iam_endpoint, obs=obs_endpoint, modelarts=modelarts_endpoint)
        AsyncSession._region_name = region_name

    @classmethod
    def local(cls, root: "str | os.PathLike[str] | None" = None, **options: Any) -> Self:
        """A session with a local platform of its own, in this process, which really runs the training scripts.

        Args:
            root: folder of the platform; None takes a temporary one, which is removed at the end.
            options: further arguments of ``AsyncSession`` (``limits``, ``retry``, ...) and of ``LocalPlatform``.
        """
        from .local import LocalPlatform

        ours = {name: options.pop(name) for name in _SET_UP if name in options}
        # A platform in this process knows at once what it has lost, and nothing that it lost returns.
        ours.setdefault("patience", Patience(lost_s=_LOST_AT_HOME_S))
        session = cls.__new__(cls)
        session._set_up(AtHome(LocalPlatform(root, **options)), **ours)
        return session

    @property
    def obs(self) -> Obs:
        """Object storage: files up and down, objects read and written."""
        return self._obs

    @property
    def upload_code(self) -> CodeUploads:
        """Brings code of this machine into a bucket, once; estimators with a ``code_bucket`` use it."""
        return self._upload_code

    @property
    def platform(self) -> "LocalPlatform | None":
        """The local platform that this session started, or None."""
        return self._home.platform

    async def __aenter__(self) -> Self:
        try:
            await self._line.ready()
        except BaseException:
            # Nobody calls __aexit__ after this.
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all waits, close the connections that this session opened, and stop its local platform."""
        if self._closed:
            return
        self._closed = True
        # Each of these is closed although another one fails or is cancelled; the last one pushed goes first.
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._line.close)
            stack.push_async_callback(self._obs.close)
            stack.push_async_callback(self._upload_code.close)
            stack.push_async_callback(self._catalogue.close)
            stack.push_async_callback(self._watcher.close)
            # A call that waits for a place must not take the one that is given up below.
            stack.push_async_callback(self._line.refuse)
            stack.push_async_callback(self._errands.close)
            # Settling asks until its end, so it comes before everything that it asks through.
            stack.push_async_callback(self._maker.close)

    async def perform(self, build: Callable[Concatenate[Site, P], Call[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What one operation answers; ``build`` is one of the pure build/read pairs.

        Raises:
            ApiError, TransportError, DecodeError: see ``errors``.
            SessionClosed: after ``close``.
        """
        return await self._line.perform(build, *args, **kwargs)

    async def make(self, spec: TrainingSpec, may_leave: Callable[[], None] = may_always_leave) -> Made:
        """The one version for an intent; ``AsyncEstimator`` wraps it into a handle.

        Args:
            spec: the intent.
            may_leave: is asked each time just before bytes leave; what it raises keeps them back and comes out here.

        Raises:
            ApiError: the service refused.
            CreateOutcomeUnknown: it could not be found out whether there is a version.
        """
        made = await self._maker.make(spec, may_leave)
        if made.origin == "created":
            self._watcher.made(made.job_id, made.version_id, made.created.status if made.created else None)
        return made

    async def settle(self, pending: Pending) -> Made | None:
        """What became of an intent whose outcome was unknown; None when it made nothing."""
        return await self._maker.settle(pending)

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Versions that landed after they had been given up; all of them were stopped."""
        return tuple(self._maker.twins)

    @property
    def left_behind(self) -> tuple[LeftBehind, ...]:
        """Versions that exist, or may exist, although their create was cancelled."""
        return tuple(self._maker.left_behind)

    async def flavors(self) -> tuple[ResourceSpec, ...]:
        """The flavours for training; an answer is good for ten minutes."""
        return await self._catalogue.specs()

    async def engines(self) -> tuple[Engine, ...]:
        """The engines for training; an answer is good for ten minutes."""
        return await self._catalogue.engines()

    async def algorithms(self) -> tuple[BuiltInAlgorithm, ...]:
        """All built-in algorithms; an answer is good for ten minutes."""
        return await self._catalogue.algorithms()

    async def until_final(
        self, job_id: int, version_id: int, timeout_s: float | None = None, *, poll_s: PollS = None
    ) -> JobDetail:
        """The version's detail once it has ended, however it ended.

        Args:
            job_id: the job.
            version_id: the version.
            timeout_s: limit in seconds; None is no limit.
            poll_s: bounds of the pause between two looks, as a session takes them; None are the session's own.

        Raises:
            WaitTimeout: after ``timeout_s`` seconds; the version goes on.
            StateUnclear: after too long in a status that does not say how it stands.
            VersionGone: when it was deleted meanwhile.
        """
        check_timeout(timeout_s)
        try:
            return await self._watcher.until_final(job_id, version_id, timeout_s, self._cadence.within(poll_s))
        except TimeoutError as error:
            if isinstance(error, ModelArtsError):
                raise
            last = error.args[0]
            state = f"it was {last.status.name} when last seen" if last else "its state was not seen yet"
            message = f"not ended within {timeout_s:g} s; {state}, and it goes on"
            raise WaitTimeout(message, where=Where("wait", job_id, version_id), detail=last) from None

    def updates(self, job_id: int, version_id: int, *, poll_s: PollS = None) -> AsyncGenerator[JobDetail, None]:
        """Every state of a version that is seen: first the one of the last look, the final one last.

        Args:
            job_id: the job.
            version_id: the version.
            poll_s: bounds of the pause between two looks; None are the session's own.

        Raises:
            StateUnclear, VersionGone: as ``until_final``.
        """
        return self._watcher.updates(job_id, version_id, self._cadence.within(poll_s))

    def events(
        self,
        job_id: int | str | Iterable[int | str] | None = None,
        after: str | None = None,
        *,
        log_stalled_s: float | None = None,
        buffer: int = 10_000,
        poll_s: PollS = None,
    ) -> AsyncGenerator[Event, None]:
        """What happens to the versions of some jobs, or of all; ``docs/events.md`` says what is guaranteed.

        Args:
            job_id: the job, or several; None for all jobs of the project, those that come later included.
            after: cursor of the last event that was dealt with; ``events.BEGINNING`` for all that the platform knows;
                None for what happens from now on.
            log_stalled_s: tell when the log of a running version has not grown for so many seconds; None does not look.
            buffer: events that may wait for this consumer; after an overflow, which is told, changes are merged.
            poll_s: bounds of the pause between two looks; None are the session's own.

        Raises:
            InvalidArgument: for a cursor that is none, or one of other jobs.
            NotFound: while iterating, when a job that was named is not there.
            ModelArtsError: while iterating, when asking is refused for good.
        """
        job_ids = job_ids_of(job_id)
        if log_stalled_s is not None and not log_stalled_s > 0:
            raise InvalidArgument("log_stalled_s", log_stalled_s, "it is a number of seconds above 0")
        if type(buffer) is not int or buffer < 1:
            raise InvalidArgument("buffer", buffer, "it is a whole number from 1 up")
        clock = self._seams.clock
        cadence = self._cadence.within(poll_s)
        feed = Feed(job_ids, after, clock, self._patience, self._twin_ids, buffer, self._watcher.resync, cadence)
        aside: list[Aside] = []
        if job_ids is None:
            aside.append(("roster", Roster(feed, self._watcher, self._line.jobs, clock).run))
        if log_stalled_s is not None:
            aside.append(("log stalls", Stalls(feed, self._line.log_end, clock, log_stalled_s).run))
        return stream(feed, self._watcher, aside)

    def _twin_ids(self) -> list[tuple[int, int]]:
        return [(twin.job_id, twin.version_id) for twin in self._maker.twins]

    def stop_aside(self, job_id: int, version_id: int) -> None:
        """Ask for a version to be stopped without waiting for the answer; ``close`` does wait for it, for a while."""
        self._errands.start(self._line.stop(job_id, version_id), Where("stop", job_id, version_id))

    def as_completed(
        self, versions: Iterable[W], timeout_s: float | None = None, *, poll_s: PollS = None
    ) -> AsyncGenerator[W, None]:
        """The handles, each as soon as its version has ended, however it ended.

        Args:
            versions: handles of this session.
            timeout_s: limit for all of them together, in seconds.
            poll_s: bounds of the pause between two looks; None are the session's own.

        Raises:
            WaitTimeout: when the limit is reached first.
        """
        return as_completed(versions, timeout_s, poll_s)

    async def wait_all(
        self,
        versions: Iterable[Waitable],
        timeout_s: float | None = None,
        max_concurrency: int | None = None,
        *,
        poll_s: PollS = None,
        stop_on_cancel: bool = False,
    ) -> list[JobDetail]:
        """The details of all versions, in order, once all have ended, however they ended.

        Args:
            versions: handles of this session.
            timeout_s: limit for all of them together, in seconds.
            max_concurrency: waits that go on at once; without it all do, which costs no more.
            poll_s: bounds of the pause between two looks; None are the session's own.
            stop_on_cancel: cancelling this wait asks the platform to stop those versions that have not ended; nobody
                waits for the answers but ``close``.

        Raises:
            WaitTimeout: when the limit is reached first.
        """
        stop = (lambda one: self.stop_aside(one.job_id, one.version_id)) if stop_on_cancel else None
        return await wait_all(versions, self._seams.clock, timeout_s, poll_s, max_concurrency, stop)

    @property
    def governor(self) -> Governor:
        """What bounds this session's requests; ``governor.snapshot()`` tells what waits, and for what."""
        return self._governor

    @property
    def log_turns(self) -> Ceiling:
        """Spreads the questions of those who follow logs."""
        return self._log_turns

    @property
    def seams(self) -> Seams:
        """Clock, randomness and transport of this session."""
        return self._seams

    @property
    def cadence(self) -> Cadence:
        """How often something that somebody waits for is looked at."""
        return self._cadence
