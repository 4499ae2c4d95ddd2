"""Cancelling, and ``asyncio.timeout``, as the standard library has them: at once, passed on, and nothing stays."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest
import pytest_asyncio

from aiomodelarts import AsyncSession, TrainingJob
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, answer, estimator_on, session_on

pytestmark = pytest.mark.looptime
_COUNT = 20


@pytest.fixture
def service() -> Service:
    service = Service()
    for number in range(1, _COUNT + 1):
        service.add(5, number)
    return service


@pytest_asyncio.fixture
async def session(service: Service) -> AsyncIterator[AsyncSession]:
    async with session_on(service.transport) as session:
        yield session


def versions(session: AsyncSession) -> list[TrainingJob]:
    return [TrainingJob.attach(session, 5, number) for number in range(1, _COUNT + 1)]


async def _iterated(session: AsyncSession) -> None:
    async with aclosing(session.as_completed(versions(session))) as done:
        async for _ in done:
            pass


async def _all_logs(session: AsyncSession) -> None:
    async for _ in versions(session)[0].logs(follow=True):
        pass


async def _all_updates(session: AsyncSession) -> None:
    async for _ in versions(session)[0].updates():
        pass


async def _all_events(session: AsyncSession) -> None:
    async for _ in session.events(log_stalled_s=1.0):
        pass


Waits = Callable[[AsyncSession], Awaitable[object]]
WAITS: dict[str, Waits] = {
    "wait": lambda session: versions(session)[0].wait(),
    "ended": lambda session: versions(session)[0].ended(),
    "wait_all": lambda session: session.wait_all(versions(session)),
    "wait_all under a bound": lambda session: session.wait_all(versions(session), max_concurrency=3),
    "as_completed": _iterated,
    "logs": _all_logs,
    "updates": _all_updates,
    "events": _all_events,
}


async def _settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def _tasks() -> set["asyncio.Task[object]"]:
    return {task for task in asyncio.all_tasks() if "aiomodelarts" not in task.get_name()}


async def _run(work: Awaitable[object]) -> object:
    return await work


@pytest.mark.parametrize("name", WAITS)
async def test_a_cancelled_wait_ends_at_once_and_leaves_no_task(
    session: AsyncSession, service: Service, name: str
) -> None:
    before = _tasks()
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(_run(WAITS[name](session)))
    await asyncio.sleep(3)
    assert not task.done()
    at = loop.time()
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loop.time() == at
    assert task.cancelled()
    await _settled()
    assert _tasks() == before
    assert not service.counts["stop"]


@pytest.mark.parametrize("name", WAITS)
async def test_a_timeout_around_it_is_the_standard_librarys(session: AsyncSession, service: Service, name: str) -> None:
    before = _tasks()
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(7):
            await WAITS[name](session)
    assert type(caught.value) is TimeoutError
    assert loop.time() - began == pytest.approx(7)
    await _settled()
    assert _tasks() == before


@pytest.mark.parametrize("name", WAITS)
async def test_in_a_group_the_others_failure_ends_it(session: AsyncSession, name: str) -> None:
    async def fails() -> None:
        await asyncio.sleep(2)
        raise OSError("mine")

    before = _tasks()
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(_run(WAITS[name](session)))
            group.create_task(fails())
    assert [str(error) for error in caught.value.exceptions] == ["mine"]
    await _settled()
    assert _tasks() == before


async def test_breaking_out_of_as_completed_leaves_no_task(session: AsyncSession, service: Service) -> None:
    before = _tasks()
    service.status[5, 4] = 10
    async for done in session.as_completed(versions(session)):
        assert done.version_id == 4
        break
    await _settled()
    assert _tasks() == before


async def test_one_failed_wait_ends_all_of_wait_all(session: AsyncSession, service: Service) -> None:
    before = _tasks()
    service.overrides["versions"] = lambda request: answer({"error_code": "ModelArts.0210"}, 403)
    with pytest.raises(Exception, match="0210"):
        await session.wait_all(versions(session))
    await _settled()
    assert _tasks() == before


class Silent(Service):
    """A service that never answers a create, as far as the client is concerned."""

    def __init__(self) -> None:
        super().__init__()
        self.overrides["create_version"] = self._never

    async def _never(self, request: Request) -> Response:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


async def test_a_timeout_around_a_batch_ends_it_after_one_grace() -> None:
    service = Silent()
    loop = asyncio.get_running_loop()
    async with session_on(service.transport) as session:
        batch = estimator_on(session).create_job_versions(7, 5, "/bucket/data/", each=[{}] * 10, max_concurrency=4)
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await batch
        assert loop.time() - began == pytest.approx(6, abs=0.5)
        assert service.counts["create_version"] == 4
        assert batch.summary().startswith("4 unknown, 6 not sent of 10")
