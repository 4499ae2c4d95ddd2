"""The session: credentials, endpoints, connections and the watcher. It owns everything that it starts."""

import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

from attrs import fields_dict

from . import config
from ._checks import check_timeout
from ._create.create import may_always_leave
from ._create.made import LeftBehind, Made, Pending, Twin
from ._create.policy import SettlePolicy
from ._home import AtHome, Configured
from ._net.governor import Governor
from ._net.limits import Limits
from ._net.retry import RetryPolicy
from ._net.transport import Timeouts
from ._parts import Options, Parts
from ._seams import Seams
from ._watch.cadence import Cadence, PollS
from ._watch.ceiling import Ceiling
from ._watch.many import Waitable, as_completed, wait_all
from ._watch.patience import Patience
from ._wire.call import Call, Site
from .errors import InvalidArgument, ModelArtsError, WaitTimeout, Where
from .models.catalog import BuiltInAlgorithm, Engine, ResourceSpec
from .models.job import JobDetail
from .models.spec import TrainingSpec

if TYPE_CHECKING:
    import aiohttp

    from .events import Event
    from .local import LocalPlatform
    from .obs import Obs, TransferLimits
    from .obs.code.upload import CodeUploads

T = TypeVar("T")
P = ParamSpec("P")
_LOST_AT_HOME_S = 1.0
W = TypeVar("W", bound=Waitable)


class AsyncSession:
    """A connection to one project.

    With no arguments, credentials come from the environment (HUAWEICLOUD_SDK_AK, _SK, _PROJECT_ID, _SECURITY_TOKEN, or
    OS_* variables), then from the profile file ``~/.huaweicloud/credentials``. Use it with ``async with``, which closes
    all that was opened; opening is lazy, so a session that is never asked anything never connects. It belongs to the
    event loop in which it is used first.

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
        transfers: "TransferLimits | None" = None,
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
        options = Options(
            limits=limits,
            retry=retry,
            timeouts=timeouts,
            http=http,
            cadence=cadence,
            poll_s=poll_s,
            patience=patience,
            settle=settle,
            seams=seams,
            workspace_id=workspace_id,
            transfers=transfers,
        )
        self._parts = Parts(Configured(given, self._endpoints, self._region_name), options)

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

        ours = {name: options.pop(name) for name in fields_dict(Options) if name in options}
        # A platform in this process knows at once what it has lost, and nothing that it lost returns.
        ours.setdefault("patience", Patience(lost_s=_LOST_AT_HOME_S))
        session = cls.__new__(cls)
        session._parts = Parts(AtHome(LocalPlatform(root, **options)), Options(**ours))
        return session

    @property
    def obs(self) -> "Obs":
        """Object storage: files up and down, objects read and written."""
        return self._parts.storage.obs

    @property
    def upload_code(self) -> "CodeUploads":
        """Brings code of this machine into a bucket, once; estimators with a ``code_bucket`` use it."""
        return self._parts.storage.upload_code

    @property
    def platform(self) -> "LocalPlatform | None":
        """The local platform that this session started, or None."""
        return self._parts.home.platform

    async def __aenter__(self) -> Self:
        try:
            await self._parts.line.ready()
        except BaseException:
            # Nobody calls __aexit__ after this.
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End all waits, close the connections that this session opened, and stop its local platform."""
        await self._parts.close()

    async def perform(self, build: Callable[Concatenate[Site, P], Call[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What one operation answers; ``build`` is one of the pure build/read pairs.

        Raises:
            ApiError, TransportError, DecodeError: see ``errors``.
            SessionClosed: after ``close``.
        """
        return await self._parts.line.perform(build, *args, **kwargs)

    async def make(
        self, spec: TrainingSpec, may_leave: Callable[[], None] = may_always_leave, *, here: bool = False
    ) -> Made:
        """The one version for an intent; ``AsyncEstimator`` wraps it into a handle.

        Args:
            spec: the intent.
            may_leave: is asked each time just before bytes leave; what it raises keeps them back and comes out here.
            here: make it in the task that calls, whose owner gives it the time that a cancelled create has.

        Raises:
            ApiError: the service refused.
            CreateOutcomeUnknown: it could not be found out whether there is a version.
        """
        maker = self._parts.maker
        made = await (maker.make_here(spec) if here else maker.make(spec, may_leave))
        if made.origin == "created":
            self._parts.watcher.made(made.job_id, made.version_id, made.created.status if made.created else None)
        return made

    async def settle(self, pending: Pending) -> Made | None:
        """What became of an intent whose outcome was unknown; None when it made nothing."""
        await self._parts.line.ready()
        return await self._parts.maker.settle(pending)

    @property
    def twins(self) -> tuple[Twin, ...]:
        """Versions that landed after they had been given up; all of them were stopped."""
        return tuple(self._parts.maker.twins)

    @property
    def left_behind(self) -> tuple[LeftBehind, ...]:
        """Versions that exist, or may exist, although their create was cancelled."""
        return tuple(self._parts.maker.left_behind)

    async def flavors(self) -> tuple[ResourceSpec, ...]:
        """The flavours for training; an answer is good for ten minutes."""
        return await self._parts.catalogue.specs()

    async def engines(self) -> tuple[Engine, ...]:
        """The engines for training; an answer is good for ten minutes."""
        return await self._parts.catalogue.engines()

    async def algorithms(self) -> tuple[BuiltInAlgorithm, ...]:
        """All built-in algorithms; an answer is good for ten minutes."""
        return await self._parts.catalogue.algorithms()

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
            return await self._parts.watcher.until_final(
                job_id, version_id, timeout_s, self._parts.cadence.within(poll_s)
            )
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
        return self._parts.watcher.updates(job_id, version_id, self._parts.cadence.within(poll_s))

    def events(
        self,
        job_id: int | str | Iterable[int | str] | None = None,
        after: str | None = None,
        *,
        log_stalled_s: float | None = None,
        buffer: int = 10_000,
        poll_s: PollS = None,
    ) -> "AsyncGenerator[Event, None]":
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
        if log_stalled_s is not None and not log_stalled_s > 0:
            raise InvalidArgument("log_stalled_s", log_stalled_s, "it is a number of seconds above 0")
        if type(buffer) is not int or buffer < 1:
            raise InvalidArgument("buffer", buffer, "it is a whole number from 1 up")
        return self._parts.events(job_id, after, log_stalled_s, buffer, poll_s)

    def stop_aside(self, job_id: int, version_id: int) -> None:
        """Ask for a version to be stopped without waiting for the answer; ``close`` does wait for it, for a while."""
        self._parts.errands.start(self._parts.line.stop(job_id, version_id), Where("stop", job_id, version_id))

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
            VersionGone, StateUnclear: as soon as one of them cannot be waited for; ``error.where`` says which.
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
            VersionGone, StateUnclear: as soon as one of them cannot be waited for; ``error.where`` says which.
        """
        stop = (lambda one: self.stop_aside(one.job_id, one.version_id)) if stop_on_cancel else None
        return await wait_all(versions, self._parts.seams.clock, timeout_s, poll_s, max_concurrency, stop)

    @property
    def governor(self) -> Governor:
        """What bounds this session's requests; ``governor.snapshot()`` tells what waits, and for what."""
        return self._parts.governor

    @property
    def log_turns(self) -> Ceiling:
        """Spreads the questions of those who follow logs."""
        return self._parts.log_turns

    @property
    def seams(self) -> Seams:
        """Clock, randomness and transport of this session."""
        return self._parts.seams

    @property
    def settle_policy(self) -> SettlePolicy:
        """How long a create whose answer was lost is looked for."""
        return self._parts.settle_policy

    @property
    def cadence(self) -> Cadence:
        """How often something that somebody waits for is looked at."""
        return self._parts.cadence
