"""The local platform as somebody holds it: an async context manager with endpoints and keys."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from attrs import field, fields, frozen

from aiomodelarts._clock import Clock, SystemClock
from aiomodelarts.local.answers import Style, Tidy
from aiomodelarts.local.app import HOST, App, Listener
from aiomodelarts.local.board import restore
from aiomodelarts.local.core import Core
from aiomodelarts.local.gatekeeper import Keys
from aiomodelarts.local.journal import SqliteJournal
from aiomodelarts.local.leftovers import Leftovers
from aiomodelarts.local.lifecycle import Ending
from aiomodelarts.local.ports import Executor, Logs, Ports, Storage
from aiomodelarts.local.root import Root, open_root
from aiomodelarts.local.runner import GRACE_S, FileLogs, ProcessExecutor
from aiomodelarts.local.simulated import SimulatedExecutor, SimulatedLogs, Simulation
from aiomodelarts.local.storage import Folder, Nowhere
from aiomodelarts.local.workplace import Workplace

ExecutorName = Literal["process", "simulated"]


@frozen
class Access:
    """All that a client needs to know of a running platform."""

    modelarts_endpoint: str
    iam_endpoint: str
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


_ACCESS_NAMES = frozenset(one.name for one in fields(Access))


class LocalPlatform:
    """A stand-in for ModelArts, IAM and OBS on this machine, which really runs the training scripts.

    Use it as an async context manager; inside, every member of :class:`Access` is an attribute. It may live
    in the event loop of its own client: nothing it does blocks the loop.

    Args:
        root: the folder that keeps everything; None means a temporary one, removed at the end.
        port: to listen on, on the loopback interface only; 0 means any free one.
        executor: ``process`` runs scripts, ``simulated`` only takes their time.
        simulate: what simulated versions do, for instance ``duration=5..25,fail=0.05``.
        slots: how many workers run at once; by default one per core, and without limit if simulated.
        grace_s: seconds that a stopped script has between SIGTERM and SIGKILL.
        clock: tells the time.

    Raises:
        ValueError: ``simulate`` cannot be read.
        RootInUseError: on entering, another platform uses this root.
        OSError: on entering, the root cannot be written or the port is taken.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        port: int = 0,
        executor: ExecutorName = "process",
        simulate: str = "",
        slots: int | None = None,
        grace_s: float = GRACE_S,
        clock: Clock | None = None,
    ) -> None:
        if executor not in ("process", "simulated"):
            raise ValueError(f"executor has to be 'process' or 'simulated', not {executor!r}")
        if slots is not None and slots < 1:
            raise ValueError(f"slots has to be at least 1, not {slots}")
        self._wanted_root = None if root is None else Path(root)
        self._wanted_port = port
        self._executor_name = executor
        self._simulation = Simulation.parse(simulate)
        self._slots = slots
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
            raise RuntimeError("the local platform is not running; enter it with 'async with'")
        return self._access

    def __getattr__(self, name: str) -> str | int:
        if name.startswith("_") or name not in _ACCESS_NAMES:
            raise AttributeError(name)
        value: str | int = getattr(self.access, name)
        return value

    async def _open(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        root = await asyncio.to_thread(open_root, self._wanted_root)
        stack.push_async_callback(asyncio.to_thread, root.close)
        journal = SqliteJournal(root.journal)
        records = await asyncio.to_thread(journal.read)
        journal.start(loop)
        stack.push_async_callback(asyncio.to_thread, journal.stop)
        style: Style = Tidy()
        executor, logs, storage = await self._outside(root, journal, style, stack)
        ports = Ports(journal, executor, logs, storage, self._clock.now, self._later)
        self._core = Core(root.keys, ports, board=restore(records), style=style, slots=self._slot_count())
        listener = Listener(App(self._core))
        stack.push_async_callback(listener.close)
        await listener.open(self._wanted_port)
        self._core.recover()
        self._access = _access(root, listener.port)

    async def _outside(
        self, root: Root, journal: SqliteJournal, style: Style, stack: AsyncExitStack
    ) -> tuple[Executor, Logs, Storage]:
        repeats = style.base_line_is_repeated
        if self._executor_name == "simulated":
            simulated = SimulatedExecutor(self._simulation, self._clock.monotonic, self._later, self._ended)
            stack.push_async_callback(simulated.close)
            return simulated, SimulatedLogs(self._simulation, self._clock.now, repeats), Nowhere()
        folder = Folder(root.buckets)
        workplace = Workplace(root.path, folder, root.keys.access_key)
        await asyncio.to_thread(Leftovers().end, workplace.identity)
        await asyncio.to_thread(workplace.open)
        stack.push_async_callback(asyncio.to_thread, workplace.close)
        processes = ProcessExecutor(workplace, journal.settled, self._ended, self._grace_s)
        stack.push_async_callback(processes.close)
        return processes, FileLogs(workplace, repeats), folder

    def _slot_count(self) -> int | None:
        if self._slots is None and self._executor_name == "process":
            return os.cpu_count() or 1
        return self._slots

    def _ended(self, version_id: int, ending: Ending) -> None:
        assert self._core is not None
        self._core.ended(version_id, ending)

    @staticmethod
    def _later(delay_s: float, callback: Callable[[], None]) -> object:
        return asyncio.get_running_loop().call_later(delay_s, callback)


def _access(root: Root, port: int) -> Access:
    endpoint = f"http://{HOST}:{port}"
    keys: Keys = root.keys
    return Access(
        modelarts_endpoint=endpoint,
        iam_endpoint=endpoint,
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
