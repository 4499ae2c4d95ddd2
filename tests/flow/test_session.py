"""The session's life: opened once, closed whole, and honest about it afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aiomodelarts import (
    AsyncSession,
    ConfigurationError,
    ConnectionBroken,
    InvalidArgument,
    Limits,
    SessionClosed,
    TrainingJob,
    WaitTimeout,
)
from aiomodelarts._create.made import Pending
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import FakeTransport, Service, answer, estimator_on, session_on

pytestmark = pytest.mark.looptime


async def test_closing_ends_every_call_with_session_closed() -> None:
    async def breaks_when_closed(_: Request) -> Response:
        while not transport.closed:
            await asyncio.sleep(1)
        raise ConnectionBroken("closed")

    transport = FakeTransport(breaks_when_closed)
    session = session_on(transport, limits=Limits(in_flight=2))
    waiting = [asyncio.ensure_future(session.flavors()), asyncio.ensure_future(session.engines())]
    await asyncio.sleep(1)
    queued = [asyncio.ensure_future(TrainingJob.attach(session, 1, n).refresh()) for n in range(3)]
    await asyncio.sleep(1)
    await session.close()
    assert transport.closed
    for result in await asyncio.gather(*waiting, *queued, return_exceptions=True):
        assert isinstance(result, SessionClosed)
    assert len(transport.sent) == 2


async def test_closing_while_a_token_is_fetched_cancels_nobody() -> None:
    async def never(_: Request) -> Response:
        await asyncio.sleep(3600)
        raise AssertionError

    session = session_on(FakeTransport(never), account="a", username="u", password="p")
    calls = [asyncio.ensure_future(TrainingJob.attach(session, 1, n).refresh()) for n in range(3)]
    await asyncio.sleep(1)
    await session.close()
    for result in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(result, SessionClosed)


async def test_after_closing_everything_says_so() -> None:
    service = Service()
    session = session_on(service.transport)
    async with session:
        await session.flavors()
    await session.close()
    handle = TrainingJob.attach(session, 1, 2)
    for verb in (handle.refresh, handle.stop, handle.wait, handle.log_files, session.engines, session.__aenter__):
        with pytest.raises(SessionClosed):
            await verb()


async def test_in_flight_is_never_more_than_the_limit() -> None:
    async def slow(request: Request) -> Response:
        await asyncio.sleep(1)
        return service._version(request, 1, 2)

    service = Service()
    service.add(1, 2)
    service.overrides["version"] = slow
    async with session_on(service.transport, limits=Limits(in_flight=5)) as session:
        await asyncio.gather(*(TrainingJob.attach(session, 1, 2).refresh() for _ in range(50)))
    assert service.transport.most_out == 5


async def test_opening_that_fails_leaves_nothing_open() -> None:
    with pytest.raises(ConfigurationError, match="HUAWEICLOUD_SDK_AK"):
        async with AsyncSession():
            pass


@pytest.fixture
def _profile_with_a_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("[basic]\nproject_id = from-the-file\nregion_name = eu-de\n")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))


@pytest.mark.usefixtures("_profile_with_a_project")
async def test_a_missing_project_may_come_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", "ak")
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", "sk")
    for session in (AsyncSession(), AsyncSession("ak", "sk")):
        async with session:
            settings = await session._parts.home.settings()
            assert settings.project_id == "from-the-file"
            assert settings.modelarts_endpoint == "https://modelarts.eu-de.otc.t-systems.com"


def test_arguments_that_do_not_go_together_are_told_at_once() -> None:
    with pytest.raises(InvalidArgument, match="secret_key"):
        AsyncSession(access_key="ak")


async def test_a_closed_session_is_not_opened_again() -> None:
    transport = FakeTransport(lambda _: answer({"specs": []}))
    session = session_on(transport)
    async with session:
        pass
    with pytest.raises(SessionClosed):
        async with session:
            pass


class TestAnotherLoop:
    """Each use runs in a loop of its own, as with ``asyncio.run`` twice."""

    def test_a_session_belongs_to_the_loop_in_which_it_was_used_first(self) -> None:
        service = Service()
        service.add(5, 1)
        session = session_on(service.transport)
        version = TrainingJob.attach(session, 5, 1)

        async def first() -> Pending:
            with pytest.raises(WaitTimeout):
                await version.wait(timeout_s=0.2)
            spec = (await estimator_on(session).create_job_version(5, 1, "/bucket/data/")).spec
            assert spec is not None
            return Pending(spec=spec)

        async def other(use: Callable[[], Awaitable[object]]) -> None:
            with pytest.raises(RuntimeError, match="belongs to another event loop"):
                await asyncio.wait_for(use(), 5)

        pending = asyncio.run(first())
        for use in (
            version.wait,
            version.refresh,
            lambda: anext(version.updates()),
            lambda: anext(version.logs(follow=True)),
            lambda: anext(session.events(5)),
            lambda: session.wait_all([version]),
            lambda: session.settle(pending),
            lambda: estimator_on(session).create_job_version(5, 1, "/bucket/data/"),
            session.close,
        ):
            asyncio.run(other(use))

    def test_a_session_that_was_made_outside_of_any_is_opened_where_it_is_used(self) -> None:
        service = Service()
        service.add(5, 1, 10)
        session = session_on(service.transport)

        async def used() -> None:
            async with session:
                await TrainingJob.attach(session, 5, 1).wait()

        asyncio.run(used())
