"""The session: credentials, endpoints, connections and the watcher. It owns everything that it starts."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, Protocol, Self, TypeVar

from attrs import field, frozen

from . import config
from ._catalogue import Catalogue
from ._clock import Clock, SystemClock
from ._create.made import LeftBehind, Made, Pending, Twin
from ._create.maker import Maker
from ._create.policy import SettlePolicy
from ._net.aiohttp_transport import AiohttpTransport
from ._net.auth import Auth, FixedTokenAuth, SignedAuth, TokenAuth
from ._net.caller import Aside, Caller
from ._net.governor import Governor
from ._net.limits import Limits
from ._net.retry import Retry, RetryPolicy
from ._net.singleflight import SingleFlight
from ._net.transport import Timeouts, Transport
from ._watch.cadence import Cadence
from ._watch.watcher import Watcher
from ._wire import catalog, iam, training
from ._wire.call import Call, Site
from .credentials import AccessKey, AccountLogin, Token
from .errors import ConfigurationError, InvalidArgument, SessionClosed, WaitTimeout, Where, WrongState
from .models.catalog import BuiltInAlgorithm, Engine, ResourceSpec
from .models.job import CreatedVersion, JobDetail, VersionPage
from .models.listing import JOBS, ListQuery
from .models.spec import TrainingSpec

if TYPE_CHECKING:
    import aiohttp

    from .local import LocalPlatform

T = TypeVar("T")
P = ParamSpec("P")
_SET_UP = ("limits", "retry", "timeouts", "http", "cadence", "settle", "seams", "workspace_id")


@frozen(kw_only=True)
class Seams:
    """Where tests and simulators put their own hands in.

    Args:
        clock: all dates, ages and pauses.
        rng: all drawing.
        transport: carries the requests; None opens one over aiohttp.
        aside: runs what would hold up the event loop.
    """

    clock: Clock = field(factory=SystemClock)
    rng: random.Random = field(factory=random.Random)
    transport: Transport | None = None
    aside: Aside = asyncio.to_thread


class Waitable(Protocol):
    """A handle that can be waited for."""

    @property
    def job_id(self) -> int: ...

    @property
    def version_id(self) -> int: ...

    async def ended(self, timeout_s: float | None = None) -> JobDetail: ...


W = TypeVar("W", bound=Waitable)


@frozen
class _Line:
    """A connected session: where calls go, and what performs them."""

    site: Site
    call: Caller


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
        cadence: how often versions that somebody waits for are looked at.
        settle: how long the version of a create whose answer was lost is looked for.
        seams: clock, randomness and transport.

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
        settle: SettlePolicy | None = None,
        seams: Seams | None = None,
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
        configured = _Configured(given, self._endpoints, self._region_name)
        self._set_up(configured, limits, retry, timeouts, http, cadence, settle, seams, workspace_id)

    def _set_up(
        self,
        home: "_Configured | _AtHome",
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        http: "aiohttp.ClientSession | None" = None,
        cadence: Cadence | None = None,
        settle: SettlePolicy | None = None,
        seams: Seams | None = None,
        workspace_id: str | None = None,
    ) -> None:
        if workspace_id == "":
            raise InvalidArgument("workspace_id", workspace_id, "it is the id of a workspace as text, or None")
        self._home = home
        self._workspace_id = workspace_id
        self._policy = retry or RetryPolicy()
        self._seams = seams or Seams()
        self._governor = Governor(limits or Limits(), self._seams.clock)
        self._transport = self._seams.transport or AiohttpTransport(timeouts or Timeouts(), http)
        self._line: _Line | None = None
        self._connect = SingleFlight(self._open)
        self._catalogue = Catalogue(
            lambda: self.perform(catalog.list_resource_specs),
            lambda: self.perform(catalog.list_engines),
            lambda query: self.perform(catalog.list_built_in_algorithms, query),
            self._seams.clock,
        )
        self._cadence = cadence or Cadence()
        asks = _Asks(self)
        self._watcher = Watcher(asks, self._seams.clock, self._cadence)
        self._maker = Maker(asks, self._seams.clock, settle or SettlePolicy())
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
        session = cls.__new__(cls)
        session._set_up(_AtHome(LocalPlatform(root, **options)), **ours)
        return session

    @property
    def platform(self) -> "LocalPlatform | None":
        """The local platform that this session started, or None."""
        return self._home.platform

    async def __aenter__(self) -> Self:
        try:
            await self._connected()
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
            stack.push_async_callback(self._home.close)
            stack.push_async_callback(self._transport.close)
            stack.push_async_callback(self._connect.close)
            stack.push_async_callback(self._catalogue.close)
            stack.push_async_callback(self._watcher.close)
            if self._line is not None:
                # A call that waits for a place must not take the one that is given up below.
                stack.push_async_callback(self._line.call.close)
            # Settling asks until its end, so it comes before everything that it asks through.
            stack.push_async_callback(self._maker.close)

    async def perform(self, build: Callable[Concatenate[Site, P], Call[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What one operation answers; ``build`` is one of the pure build/read pairs.

        Raises:
            ApiError, TransportError, DecodeError: see ``errors``.
            SessionClosed: after ``close``.
        """
        line = self._line or await self._connected()
        return await line.call(build(line.site, *args, **kwargs))

    async def make(self, spec: TrainingSpec) -> Made:
        """The one version for an intent; ``AsyncEstimator`` wraps it into a handle.

        Raises:
            ApiError: the service refused.
            CreateOutcomeUnknown: it could not be found out whether there is a version.
        """
        await self._connected()
        return await self._maker.make(spec)

    async def settle(self, pending: Pending) -> Made | None:
        """What became of an intent whose outcome was unknown; None when it made nothing."""
        await self._connected()
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

    async def until_final(self, job_id: int, version_id: int, timeout_s: float | None = None) -> JobDetail:
        """The version's detail once it has ended, however it ended.

        Raises:
            WaitTimeout: after ``timeout_s`` seconds; the version goes on.
            VersionGone: when it was deleted meanwhile.
        """
        try:
            return await self._watcher.until_final(job_id, version_id, timeout_s)
        except TimeoutError as error:
            if isinstance(error, WaitTimeout) or not error.args:
                raise
            last = error.args[0]
            state = f"it was {last.status.name} when last seen" if last else "its state was not seen yet"
            message = f"not ended within {timeout_s:g} s; {state}, and it goes on"
            raise WaitTimeout(message, where=Where("wait", job_id, version_id), detail=last) from None

    async def as_completed(self, versions: Iterable[W], timeout_s: float | None = None) -> AsyncIterator[W]:
        """The handles, each as soon as its version has ended, however it ended.

        Args:
            versions: handles of this session.
            timeout_s: limit for all of them together, in seconds.

        Raises:
            WaitTimeout: when the limit is reached first.
        """
        queue: asyncio.Queue[W | BaseException] = asyncio.Queue()

        async def one(version: W) -> None:
            try:
                await version.ended(timeout_s)
            except Exception as error:  # noqa: BLE001  (handed to whoever iterates)
                queue.put_nowait(error)
            else:
                queue.put_nowait(version)

        tasks = [asyncio.create_task(one(version)) for version in versions]
        try:
            for _ in tasks:
                done = await queue.get()
                if isinstance(done, BaseException):
                    raise done
                yield done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_all(
        self, versions: Iterable[Waitable], timeout_s: float | None = None, max_concurrency: int | None = None
    ) -> list[JobDetail]:
        """The details of all versions, in order, once all have ended, however they ended.

        Args:
            versions: handles of this session.
            timeout_s: limit for all of them together, in seconds.
            max_concurrency: waits that go on at once; without it all do, which costs no more.

        Raises:
            WaitTimeout: when the limit is reached first.
        """
        if max_concurrency is not None and max_concurrency < 1:
            raise InvalidArgument("max_concurrency", max_concurrency, "it is at least 1")
        handles = list(versions)
        room = asyncio.Semaphore(max_concurrency or max(len(handles), 1))
        deadline = None if timeout_s is None else self._seams.clock.monotonic() + timeout_s

        async def one(version: Waitable) -> JobDetail:
            async with room:
                left = None if deadline is None else max(0.0, deadline - self._seams.clock.monotonic())
                return await version.ended(left)

        tasks = [asyncio.create_task(one(version)) for version in handles]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def governor(self) -> Governor:
        """What bounds this session's requests; ``governor.snapshot()`` tells what waits, and for what."""
        return self._governor

    @property
    def seams(self) -> Seams:
        """Clock, randomness and transport of this session."""
        return self._seams

    @property
    def cadence(self) -> Cadence:
        """How often something that somebody waits for is looked at."""
        return self._cadence

    async def _connected(self) -> _Line:
        if self._line is not None:
            return self._line
        if self._closed:
            raise SessionClosed("the session is closed; open a new one")
        return await self._connect()

    async def _open(self) -> _Line:
        settings = await self._home.settings()
        retry = Retry(self._policy, self._seams.clock, self._seams.rng)
        call = Caller(
            self._transport, self._auth(settings, retry), retry, self._governor, self._seams.clock, self._seams.aside
        )
        self._line = _Line(Site(settings.modelarts_endpoint, settings.project_id, self._workspace_id), call)
        return self._line

    def _auth(self, settings: config.Settings, retry: Retry) -> Auth:
        credentials = settings.credentials
        if isinstance(credentials, AccessKey):
            return SignedAuth(credentials, self._seams.clock)
        if isinstance(credentials, Token):
            return FixedTokenAuth(credentials.token)
        return TokenAuth(lambda: self._fetch_token(settings, credentials, retry), self._seams.clock)

    async def _fetch_token(self, settings: config.Settings, login: AccountLogin, retry: Retry) -> iam.IssuedToken:
        # Tokens are asked for while a request already has its place, so they need a place of their own.
        governor = Governor(Limits(in_flight=1), self._seams.clock)
        caller = Caller(self._transport, None, retry, governor, self._seams.clock, self._seams.aside)
        endpoint = settings.iam_endpoint or ""
        call = iam.create_token(endpoint, login, project_id=settings.project_id, region_name=settings.region_name)
        return await caller(call)


class _Asks:
    """What watching and making ask, through a session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def version(self, job_id: int, version_id: int) -> JobDetail:
        return await self._session.perform(training.get_training_job_version, job_id, version_id)

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage:
        return await self._session.perform(training.list_training_job_versions, job_id, page, per_page)

    async def stop(self, job_id: int, version_id: int) -> None:
        try:
            await self._session.perform(training.stop_training_job_version, job_id, version_id)
        except WrongState:
            # It has ended by itself, which is as good.
            return

    async def create(self, spec: TrainingSpec, sending: Callable[[], None]) -> CreatedVersion:
        build = training.create_training_job if spec.job_id is None else training.create_training_job_version
        line = await self._session._connected()
        return await line.call(build(line.site, spec), sending)

    async def job_named(self, name: str) -> int | None:
        query = ListQuery.of(JOBS, search_content=name, per_page=JOBS.max_per_page)
        page = await self._session.perform(training.list_training_jobs, query)
        return next((job.job_id for job in page.jobs if job.job_name == name), None)


class _Configured:
    """Settings from arguments, environment and profile file; what can be told at once is told at once."""

    platform = None

    def __init__(self, given: config.Given, endpoints: config.Endpoints | None, region_name: str | None) -> None:
        self._given, self._endpoints, self._region_name = given, endpoints, region_name
        self._settings: config.Settings | None = None
        config.given_credentials(given)
        if given.profile is None:
            # What is still missing may stand in the profile file, which is not read here.
            with contextlib.suppress(ConfigurationError):
                self._settings = self._read({})

    async def settings(self) -> config.Settings:
        if self._settings is None:
            profile = await asyncio.to_thread(config.read_profile, os.environ, self._given.profile)
            self._settings = self._read(profile)
        return self._settings

    def _read(self, profile: Mapping[str, str]) -> config.Settings:
        return config.settings(self._given, os.environ, self._endpoints, self._region_name, profile)

    async def close(self) -> None:
        return


class _AtHome:
    """Settings of a local platform that lives as long as the session."""

    def __init__(self, platform: "LocalPlatform") -> None:
        self.platform = platform
        self._started = False

    async def settings(self) -> config.Settings:
        platform = self.platform
        await platform.__aenter__()
        self._started = True
        return config.Settings(
            credentials=AccessKey(platform.access_key, platform.secret_key),
            project_id=platform.project_id,
            region_name=platform.region_name,
            modelarts_endpoint=platform.modelarts_endpoint,
            iam_endpoint=platform.iam_endpoint,
            obs_endpoint=None,
        )

    async def close(self) -> None:
        if self._started:
            await self.platform.__aexit__(None, None, None)
