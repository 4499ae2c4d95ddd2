"""The line to one project: opened at the first question, and what watching and making ask through it."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from attrs import frozen

from . import config
from ._home import Home
from ._net.auth import Auth, FixedTokenAuth, SignedAuth, TemporaryKeysAuth, TokenAuth
from ._net.caller import Caller
from ._net.governor import Governor
from ._net.limits import Limits
from ._net.metadata import InstanceMetadata
from ._net.renewed import Renewed
from ._net.retry import Retry
from ._net.singleflight import SingleFlight
from ._net.transport import Transport
from ._one_loop import OneLoop
from ._paging import all_rows
from ._seams import Seams
from ._wire import iam, logs, states, training
from ._wire.call import Call, Site
from .credentials import AccessKey, AccountLogin, InstanceKeys, Token
from .errors import ConfigurationError, LogNotReady, SessionClosed, WrongState
from .models.job import CreatedVersion, JobDetail, JobSummary, VersionPage
from .models.listing import JOBS, ListQuery
from .models.spec import TrainingSpec
from .models.states import StatePage

T = TypeVar("T")
P = ParamSpec("P")


@frozen
class _Open:
    site: Site
    call: Caller
    settings: config.Settings


class Line:
    """Performs the calls of a session.

    Args:
        home: where the settings come from.
        seams: clock and the rest that is handed in.
        transport: carries the requests.
        retry: decides on another attempt.
        governor: says when a request may leave.
        workspace_id: sent where the service asks for one.
    """

    def __init__(
        self,
        home: Home,
        seams: Seams,
        transport: Transport,
        retry: Retry,
        governor: Governor,
        workspace_id: str | None,
    ) -> None:
        self._home = home
        self._seams = seams
        self._transport = transport
        self._retry = retry
        self._governor = governor
        self._workspace_id = workspace_id
        self._open: _Open | None = None
        self._keys: Renewed[iam.TemporaryKeys] | None = None
        self._opening = SingleFlight(self._opened)
        self._closed = False
        self.loop = OneLoop()

    async def ready(self) -> _Open:
        """The open line.

        Raises:
            SessionClosed: after ``refuse``.
            RuntimeError: in another event loop than before.
        """
        if self._closed:
            raise SessionClosed("the session is closed; open a new one")
        self.loop.check()
        return self._open or await self._opening()

    async def settings(self) -> config.Settings:
        """What the line was opened with."""
        return (await self.ready()).settings

    async def perform(self, build: Callable[Concatenate[Site, P], Call[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What one operation answers; ``build`` is one of the pure build/read pairs."""
        line = self._open if self._open and self.loop.is_here else await self.ready()
        return await line.call(build(line.site, *args, **kwargs))

    async def refuse(self) -> None:
        """From now on every call ends with ``SessionClosed``."""
        self._closed = True
        if self._open is not None:
            await self._open.call.close()

    async def close(self) -> None:
        """Let go of all that was opened."""
        # Each of these is closed although another one fails or is cancelled; the last one pushed goes first.
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._home.close)
            stack.push_async_callback(self._transport.close)
            stack.push_async_callback(self._opening.close)
            if self._keys is not None:
                stack.push_async_callback(self._keys.close)

    async def version(self, job_id: int, version_id: int) -> JobDetail:
        """One version whole."""
        return await self.perform(training.get_training_job_version, job_id, version_id)

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage:
        """One page of a job's versions."""
        return await self.perform(training.list_training_job_versions, job_id, page, per_page)

    async def states(self, job_id: int, page: int, per_page: int, known: StatePage | None = None) -> StatePage:
        """One page of a job's versions, read no further than their states; ``known`` itself where it is as it was."""
        return await self.perform(states.list_version_states, job_id, page, per_page, known)

    def row(self, page: StatePage, job_id: int, version_id: int) -> JobDetail:
        """One row of a page of states, whole."""
        return states.read_row(page, job_id, version_id)

    async def jobs(self, turn: Callable[[], Awaitable[None]]) -> list[JobSummary]:
        """All jobs of the workspace; ``turn`` is waited for before each page."""

        async def read(page: int, per_page: int) -> Sequence[JobSummary]:
            await turn()
            query = ListQuery.of(JOBS, page=page, per_page=per_page)
            return (await self.perform(training.list_training_jobs, query)).jobs

        return [job async for job in all_rows(read, lambda job: job.job_id, JOBS.max_per_page)]

    async def log_end(self, job_id: int, version_id: int) -> str:
        """The markers of the last lines of a log's files, as one text; it changes when the log grows."""
        try:
            files = await self.perform(logs.list_training_job_log_files, job_id, version_id)
            pages = [
                await self.perform(logs.get_training_job_log, job_id, version_id, name, lines=1) for name in files.names
            ]
        except LogNotReady:
            return ""
        return "/".join(str(page.end_line) for page in pages)

    async def stop(self, job_id: int, version_id: int) -> None:
        """Ask for a version to be stopped; one that has ended by itself is as good."""
        try:
            await self.perform(training.stop_training_job_version, job_id, version_id)
        except WrongState:
            return

    async def create(self, spec: TrainingSpec, sending: Callable[[], None]) -> CreatedVersion:
        """Send a create once; ``sending`` is called when its bytes may begin to leave."""
        build = training.create_training_job if spec.job_id is None else training.create_training_job_version
        line = self._open if self._open and self.loop.is_here else await self.ready()
        return await line.call(build(line.site, spec), sending)

    async def job_named(self, name: str) -> int | None:
        """The id of the job with exactly this name, or None."""
        query = ListQuery.of(JOBS, search_content=name, per_page=JOBS.max_per_page)
        page = await self.perform(training.list_training_jobs, query)
        return next((job.job_id for job in page.jobs if job.job_name == name), None)

    async def keys(self, renew: bool = False) -> iam.TemporaryKeys | AccessKey:
        """Keys for what is signed with keys only, as object storage is: the session's own, or temporary ones.

        Args:
            renew: those of before were refused, and others are wanted.

        Raises:
            ConfigurationError: there are none, and no identity service to get some from.
            ApiError: the identity service gives none for these credentials.
        """
        settings = await self.settings()
        if isinstance(settings.credentials, AccessKey):
            return settings.credentials
        assert self._keys is not None
        if renew:
            self._keys.refused()
        return await self._keys()

    async def _opened(self) -> _Open:
        settings = await self._home.settings()
        auth = self._auth(settings)
        site = Site(settings.modelarts_endpoint, settings.project_id, self._workspace_id)
        self._open = _Open(site, self._caller(auth, self._governor), settings)
        return self._open

    def _caller(self, auth: Auth | None, governor: Governor) -> Caller:
        return Caller(self._transport, auth, self._retry, governor, self._seams.clock, self._seams.aside)

    def _auth(self, settings: config.Settings) -> Auth:
        credentials, clock = settings.credentials, self._seams.clock
        if isinstance(credentials, AccessKey):
            return SignedAuth(credentials, clock)
        if isinstance(credentials, InstanceKeys):
            metadata = InstanceMetadata(self._transport, credentials.metadata_endpoint)
            self._keys = Renewed(metadata.keys, clock)
            return TemporaryKeysAuth(self._keys, clock)
        auth: Auth
        if isinstance(credentials, Token):
            auth = FixedTokenAuth(credentials.token)
        else:
            auth = TokenAuth(lambda: self._fetch_token(settings, credentials), clock)
        self._keys = Renewed(lambda: self._fetch_keys(settings, auth), clock)
        return auth

    async def _fetch_token(self, settings: config.Settings, login: AccountLogin) -> iam.IssuedToken:
        endpoint = settings.iam_endpoint or ""
        return await self._aside(None)(
            iam.create_token(endpoint, login, project_id=settings.project_id, region_name=settings.region_name)
        )

    async def _fetch_keys(self, settings: config.Settings, auth: Auth) -> iam.TemporaryKeys:
        if settings.iam_endpoint is None:
            raise ConfigurationError(
                "object storage takes no token; temporary keys come from the identity service, whose endpoint is not "
                "known: give region_name or endpoints={'iam': ...}, or a key pair in place of the token"
            )
        return await self._aside(auth)(iam.create_temporary_keys(settings.iam_endpoint))

    def _aside(self, auth: Auth | None) -> Caller:
        """Asks the identity service: that happens while a request already has its place, so it has one of its own."""
        return self._caller(auth, Governor(Limits(in_flight=1), self._seams.clock))
