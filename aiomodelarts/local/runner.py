"""The process executor: every version really runs, in processes of its own, with logs of its own."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from attrs import define, field

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local import logpages
from aiomodelarts.local.board import Job, Version
from aiomodelarts.local.buckets import BucketError, RemoteBuckets
from aiomodelarts.local.leftovers import Leftovers
from aiomodelarts.local.lifecycle import Ending
from aiomodelarts.local.ports import LogLines, LogQuery
from aiomodelarts.local.processes import Exit, Process, exited, spawn
from aiomodelarts.local.storage import OutsideError
from aiomodelarts.local.workplace import CannotRunError, Workplace
from aiomodelarts.status import JobStatus

_log = logging.getLogger(__name__)
GRACE_S = 5.0
P = ParamSpec("P")
T = TypeVar("T")


@define
class _Run:
    job: Job
    version: Version
    task: asyncio.Task[None] | None = None
    processes: list[Process] = field(factory=list)
    stopping: asyncio.Event = field(factory=asyncio.Event)


class ProcessExecutor:
    """Runs versions as processes of this machine.

    Args:
        workplace: the disk side of runs.
        threads: for what blocks; not closed here.
        buckets: moves files between OBS and this machine, where OBS is another server.
        settled: returns once the status of a run has been recorded.
        ended: is told of every end, once per start.
        grace_s: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        workplace: Workplace,
        threads: ThreadPoolExecutor,
        buckets: RemoteBuckets | None,
        settled: Callable[[], Awaitable[None]],
        ended: Callable[[int, Ending], None],
        grace_s: float = GRACE_S,
    ) -> None:
        self._workplace = workplace
        self._buckets = buckets
        self._settled = settled
        self._ended = ended
        self._grace_s = grace_s
        self._runs: dict[int, _Run] = {}
        self._leftovers = Leftovers()
        self._threads = threads
        self._closing = False

    def start(self, job: Job, version: Version) -> None:
        """See :class:`~aiomodelarts.local.ports.Executor`."""
        run = _Run(job, version)
        self._runs[version.version_id] = run
        run.task = asyncio.create_task(self._carry_out(run), name=f"version {version.version_id}")

    def stop(self, version_id: int) -> None:
        """See :class:`~aiomodelarts.local.ports.Executor`."""
        self._runs[version_id].stopping.set()

    async def close(self) -> None:
        """End every run and leave nothing behind; on the board they stay running, so they will be LOST."""
        self._closing = True
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for run in self._runs.values():
            run.stopping.set()
        if tasks:
            await asyncio.wait(tasks)
        await self._call(self._leftovers.end, self._workplace.identity)

    async def _carry_out(self, run: _Run) -> None:
        try:
            ending = await self._run(run)
        finally:
            # Nothing happens here after an orderly end; otherwise nobody would watch these any more.
            for process in run.processes:
                process.send(signal.SIGKILL)
        del self._runs[run.version.version_id]
        if not self._closing:
            self._ended(run.version.version_id, ending)

    async def _run(self, run: _Run) -> Ending:
        await self._settled()
        exits, problem = [], None
        try:
            await self._call(self._workplace.open_logs, run.version)
            if await self._fetched(run):
                run.processes = await self._call(self._begin, run.version)
                exits = await self._exits(run)
        except (OSError, ValueError, CannotRunError, BucketError) as error:
            problem = f"the run could not be carried out: {error}"
        metrics = await self._call(self._end, run, exits, problem)
        put_back = await self._put_back(run)
        failed = problem is not None or not put_back or any(one.code != 0 for one in exits)
        return Ending(JobStatus.FAILED if failed else JobStatus.COMPLETED, metrics, _measured(exits))

    async def _fetched(self, run: _Run) -> bool:
        """Have what the run reads on this machine; False when it was stopped before that."""
        if self._buckets is None:
            return True
        version = run.version
        work = asyncio.create_task(self._buckets.fetch(version.settings, self._workplace.storage(version.version_id)))
        stopping = asyncio.create_task(run.stopping.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not work.done():
                work.cancel()
                await asyncio.wait([work])
        if work.cancelled():
            return False
        work.result()
        return True

    async def _put_back(self, run: _Run) -> bool:
        """Have what the run left in OBS; whether it is there."""
        if self._buckets is None:
            return True
        version = run.version
        try:
            if not self._closing:
                await self._buckets.put_back(version.settings, self._workplace.storage(version.version_id))
        except BucketError as error:
            await self._call(self._explain, version, f"the outputs were not put into the bucket: {error}")
            return False
        finally:
            await self._call(self._workplace.drop_mirror, version.version_id)
        return True

    def _begin(self, version: Version) -> list[Process]:
        prepared = self._workplace.prepare(version)
        if prepared.note:
            self._workplace.note(version, prepared.note)
        processes: list[Process] = []
        try:
            for index, command in enumerate(prepared.commands):
                log = self._workplace.log_path(version.version_id, index)
                processes.append(spawn(command.arguments, command.environment, prepared.folder, log))
        except OSError:
            for process in processes:
                process.send(signal.SIGKILL)
                process.popen.wait()
            raise
        return processes

    async def _exits(self, run: _Run) -> list[Exit]:
        """Wait for all workers; when one fails, or a stop comes, the others are ended."""
        if not run.processes:
            return []
        pending = {asyncio.create_task(exited(process)) for process in run.processes}
        stopping = asyncio.create_task(run.stopping.wait())
        tasks = (stopping, *pending)
        exits: list[Exit] = []
        try:
            while pending:
                finished, _ = await asyncio.wait({stopping, *pending}, return_when=asyncio.FIRST_COMPLETED)
                exits += [task.result() for task in pending if task in finished]
                pending -= finished
                if pending and (stopping in finished or any(one.code != 0 for one in exits)):
                    await self._terminate(run.processes, pending)
                    exits += [task.result() for task in pending]
                    break
        finally:
            for task in tasks:
                task.cancel()
        return exits

    async def _terminate(self, processes: list[Process], pending: set[asyncio.Task[Exit]]) -> None:
        for number, patience_s in ((signal.SIGTERM, self._grace_s), (signal.SIGKILL, None)):
            for process in processes:
                process.send(number)
            _, unfinished = await asyncio.wait(pending, timeout=patience_s)
            if not unfinished:
                return

    def _end(self, run: _Run, exits: list[Exit], problem: str | None) -> JsonObject | None:
        version = run.version
        left = self._leftovers.end(self._workplace.mark(version.version_id))
        if problem is not None:
            self._explain(version, problem)
        elif run.stopping.is_set():
            self._explain(version, "the run was stopped")
        elif any(one.code != 0 for one in exits):
            worst = next(one for one in exits if one.code != 0)
            self._explain(version, f"the run {worst}")
        if left:
            self._explain(version, f"{left} processes that the run had left behind were ended")
        try:
            return self._workplace.finish(run.job, version)
        except (OSError, OutsideError) as error:
            self._explain(version, f"the log was not copied to {version.settings.log_url}: {error}")
            return None

    def _explain(self, version: Version, text: str) -> None:
        try:
            self._workplace.note(version, text)
        except OSError as error:
            _log.warning("version %s: %s; the log could not be written: %s", version.version_id, text, error)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(function, *args, **kwargs))


class FileLogs:
    """Reads the logs of runs from their files.

    Args:
        workplace: knows where they are.
        threads: removes them.
        repeat_base: whether a page begins with its base line; asked for every page.
    """

    def __init__(self, workplace: Workplace, threads: ThreadPoolExecutor, repeat_base: Callable[[], bool]) -> None:
        self._workplace = workplace
        self._repeat_base = repeat_base
        self._threads = threads

    async def page(self, job: Job, version: Version, query: LogQuery) -> LogLines:  # noqa: ARG002
        """See :class:`~aiomodelarts.local.ports.Logs`."""
        return await asyncio.to_thread(self._page, version, query, self._repeat_base())

    def forget(self, version: Version) -> None:
        """See :class:`~aiomodelarts.local.ports.Logs`."""
        self._threads.submit(self._workplace.forget, version)

    def _page(self, version: Version, query: LogQuery, repeat_base: bool) -> LogLines:
        # Asked before the size is looked at: what is complete now cannot grow afterwards.
        complete = version.end_ms is not None
        try:
            with self._workplace.log_path(version.version_id, query.worker).open("rb", buffering=0) as log:
                number = log.fileno()
                return logpages.page(
                    lambda offset, count: os.pread(number, count, offset),
                    os.fstat(number).st_size,
                    query,
                    complete=complete,
                    repeat_base=repeat_base,
                )
        except FileNotFoundError:
            return LogLines()


def _measured(exits: list[Exit]) -> JsonObject | None:
    if not exits:
        return None
    cpu = sum(100 * one.cpu_s / max(one.duration_s, 0.001) for one in exits) / len(exits)
    memory = 100 * max(one.max_rss_kb for one in exits) * 1024 / _machine_memory()
    return {"cpuUsage": ["0", f"{cpu:.2f}"], "memUsage": ["0", f"{memory:.2f}"], "gpuUtil": ["0", "0"]}


def _machine_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
