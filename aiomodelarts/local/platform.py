"""The local platform as somebody holds it: an async context manager with endpoints and keys."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from attrs import field, frozen

from aiomodelarts._clock import Clock, SystemClock
from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.answers import Style
from aiomodelarts.local.app import HOST, App, listen, serve_on
from aiomodelarts.local.background import LateWork, Timers
from aiomodelarts.local.board import restore
from aiomodelarts.local.buckets import RemoteBuckets
from aiomodelarts.local.core import Core
from aiomodelarts.local.exchange import Exchange
from aiomodelarts.local.faults import Faults, read_rules
from aiomodelarts.local.gatekeeper import Keys
from aiomodelarts.local.journal import SqliteJournal
from aiomodelarts.local.leftovers import Leftovers
from aiomodelarts.local.lifecycle import Ending
from aiomodelarts.local.ports import Executor, Logs, Ports, Storage
from aiomodelarts.local.rate import RateLimit
from aiomodelarts.local.root import Root, RootError, open_root
from aiomodelarts.local.runner import GRACE_S, FileLogs, ProcessExecutor
from aiomodelarts.local.simulated import SimulatedExecutor, SimulatedLogs, Simulation
from aiomodelarts.local.storage import Folder, Nowhere
from aiomodelarts.local.varied import style_of
from aiomodelarts.local.workplace import Workplace

_THREADS = 4
ExecutorName = Literal["process", "simulated"]


@frozen
class Access:
    """All that a client needs to know of a running platform."""

    modelarts_endpoint: str
    iam_endpoint: str
    obs_endpoint: str
    obs_root: str
    region_name: str
    project_id: str
    access_key: str
    secret_key: str = field(repr=False)
    account: str
    username: str
    password: str = field(repr=False)
    admin_token: str = field(repr=False)
    pid: int


class LocalPlatform:
    """A stand-in for ModelArts, IAM and OBS on this machine, which really runs the training scripts.

    Use it as an async context manager; inside, endpoints and keys are attributes. It may live
    in the event loop of its own client: nothing it does blocks the loop.

    Args:
        root: the folder that keeps everything; None means a temporary one, removed at the end.
        port: to listen on, on the loopback interface only; 0 means any free one.
        executor: ``process`` runs scripts, ``simulated`` only takes their time.
        simulate: what simulated versions do, for instance ``duration=5..25,fail=0.05``.
        answers: ``tidy``, or ``varied`` (``varied:SEED``): among all forms that the documents allow.
        faults: rules as ``PUT /_local/faults`` takes them.
        rate: a limit such as ``creates=20/s,reads=50/s``; what is too much is answered 429.
        slots: how many workers run at once; by default one per core, and without limit if simulated.
        obs_endpoint: an S3 server that is OBS, in place of the folder; it has to take the platform's keys.
        grace_s: seconds that a stopped script has between SIGTERM and SIGKILL.
        clock: tells the time.

    Raises:
        ValueError: ``simulate``, ``answers``, ``faults`` or ``rate`` cannot be read, or ``simulate`` is given where
            scripts really run.
        RootError: on entering, another platform uses this root, or its keys cannot be read.
        RecordError: on entering, its board cannot be read.
        OSError: on entering, the root cannot be written or the port is taken.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        port: int = 0,
        executor: ExecutorName = "process",
        simulate: str = "",
        answers: str = "tidy",
        faults: Sequence[JsonObject] = (),
        rate: str = "",
        slots: int | None = None,
        obs_endpoint: str | None = None,
        grace_s: float = GRACE_S,
        clock: Clock | None = None,
    ) -> None:
        if executor not in ("process", "simulated"):
            raise ValueError(f"executor has to be 'process' or 'simulated', not {executor!r}")
        if obs_endpoint is not None and not obs_endpoint.startswith(("http://", "https://")):
            raise ValueError(f"obs_endpoint has to begin with http:// or https://, not {obs_endpoint!r}")
        if not 0 <= port <= 65535:
            raise ValueError(f"port has to lie between 0 and 65535, not {port}")
        if slots is not None and slots < 1:
            raise ValueError(f"slots has to be at least 1, not {slots}")
        self._wanted_root = None if root is None else Path(root)
        self._wanted_port = port
        self._executor_name = executor
        self._simulation = Simulation.parse(simulate)
        if simulate and executor != "simulated":
            raise ValueError("simulate goes with executor='simulated'; with 'process' the scripts really run")
        self._style: Style = style_of(answers)
        self._faults = Faults(read_rules(list(faults)))
        self._rate = RateLimit.parse(rate)
        self._slots = slots
        self._obs_endpoint = obs_endpoint
        self._grace_s = grace_s
        self._clock: Clock = SystemClock() if clock is None else clock
        self._stack = AsyncExitStack()
        self._access: Access | None = None
        self._core: Core | None = None

    def __repr__(self) -> str:
        where = "not running" if self._access is None else self._access.modelarts_endpoint
        return f"<LocalPlatform {where}>"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._access = None
        await self._stack.aclose()

    @property
    def access(self) -> Access:
        """Endpoints and keys of the running platform."""
        if self._access is None:
            raise RuntimeError(
                "the local platform is not running; enter it, or the session that it belongs to, with 'async with'"
            )
        return self._access

    @property
    def modelarts_endpoint(self) -> str:
        """Address of the training service."""
        return self.access.modelarts_endpoint

    @property
    def iam_endpoint(self) -> str:
        """Address of the token service."""
        return self.access.iam_endpoint

    @property
    def obs_endpoint(self) -> str:
        """Address of object storage: of another server, or ``file://`` and the folder that holds the buckets."""
        return self.access.obs_endpoint

    @property
    def obs_root(self) -> str:
        """The folder that holds one folder per bucket, unless object storage is another server."""
        return self.access.obs_root

    @property
    def region_name(self) -> str:
        """Also the name of the project."""
        return self.access.region_name

    @property
    def project_id(self) -> str:
        """Of the one project."""
        return self.access.project_id

    @property
    def access_key(self) -> str:
        """Public half of the key pair."""
        return self.access.access_key

    @property
    def secret_key(self) -> str:
        """Secret half of the key pair."""
        return self.access.secret_key

    @property
    def account(self) -> str:
        """The tenant's name."""
        return self.access.account

    @property
    def username(self) -> str:
        """The tenant's one user."""
        return self.access.username

    @property
    def password(self) -> str:
        """Of the user."""
        return self.access.password

    @property
    def admin_token(self) -> str:
        """For the header ``X-Local-Admin``."""
        return self.access.admin_token

    @property
    def pid(self) -> int:
        """The process that the platform lives in."""
        return self.access.pid

    async def _open_root(self) -> Root:
        opening = asyncio.ensure_future(asyncio.to_thread(open_root, self._wanted_root))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread goes on, so what it opens still has to be closed.
            with suppress(RootError, OSError):
                await asyncio.to_thread((await opening).close)
            raise

    async def _open(self, stack: AsyncExitStack) -> None:
        root = await self._open_root()
        stack.push_async_callback(asyncio.to_thread, root.close)
        line = listen(self._wanted_port)
        stack.callback(line.close)
        journal = SqliteJournal(root.journal)
        records = await asyncio.to_thread(journal.read)
        journal.start(asyncio.get_running_loop())
        stack.push_async_callback(asyncio.to_thread, journal.stop)
        timers, late = Timers(), LateWork()
        executor, logs, storage = await self._outside(root, journal, timers, stack)
        stack.push_async_callback(timers.close)
        stack.push_async_callback(late.close)
        ports = Ports(journal, executor, logs, storage, self._clock.now, timers.later)
        core = self._core = Core(root.keys, ports, board=restore(records), style=self._style, slots=self._slot_count())
        exchange = Exchange(core, self._faults, self._rate, self._clock.monotonic, self._clock.sleep, late.start)
        # Nobody is answered before the past is settled; whoever comes earlier waits in the line.
        core.recover()
        app = App(exchange, root.keys.admin_token)
        stack.push_async_callback(app.close)
        server = await serve_on(line, app)
        stack.push_async_callback(server.cleanup)
        obs_endpoint = self._obs_endpoint or root.buckets.as_uri()
        self._access = _access(root, line.getsockname()[1], obs_endpoint)

    async def _outside(
        self, root: Root, journal: SqliteJournal, timers: Timers, stack: AsyncExitStack
    ) -> tuple[Executor, Logs, Storage]:
        repeats = self._style.base_line_is_repeated
        if self._executor_name == "simulated":
            simulated = SimulatedExecutor(self._simulation, self._clock.monotonic, timers.later, self._ended)
            stack.push_async_callback(simulated.close)
            return simulated, SimulatedLogs(self._simulation, self._clock.now, repeats), Nowhere()
        folder, buckets = (Folder(root.buckets), None) if self._obs_endpoint is None else (None, self._remote(root))
        if buckets is not None:
            stack.push_async_callback(buckets.close)
        workplace = Workplace(root.path, folder, root.keys.access_key)
        await asyncio.to_thread(Leftovers().end, workplace.identity)
        await asyncio.to_thread(workplace.open)
        stack.push_async_callback(asyncio.to_thread, workplace.close)
        threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aiomodelarts-run")
        stack.push_async_callback(asyncio.to_thread, threads.shutdown)
        processes = ProcessExecutor(workplace, threads, buckets, journal.settled, self._ended, self._grace_s)
        stack.push_async_callback(processes.close)
        return processes, FileLogs(workplace, threads, repeats), folder or Nowhere()

    def _remote(self, root: Root) -> RemoteBuckets:
        assert self._obs_endpoint is not None
        keys = root.keys
        return RemoteBuckets(self._obs_endpoint, keys.region_name, keys.access_key, keys.secret_key)

    def _slot_count(self) -> int | None:
        if self._slots is None and self._executor_name == "process":
            return os.cpu_count() or 1
        return self._slots

    def _ended(self, version_id: int, ending: Ending) -> None:
        assert self._core is not None
        self._core.ended(version_id, ending)


def _access(root: Root, port: int, obs_endpoint: str) -> Access:
    endpoint = f"http://{HOST}:{port}"
    keys: Keys = root.keys
    return Access(
        modelarts_endpoint=endpoint,
        iam_endpoint=endpoint,
        obs_endpoint=obs_endpoint,
        obs_root=str(root.buckets),
        region_name=keys.region_name,
        project_id=keys.project_id,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        account=keys.account,
        username=keys.username,
        password=keys.password,
        admin_token=keys.admin_token,
        pid=os.getpid(),
    )
