"""A batch that is awaited to its end: order, bound, and what became of each element."""

import asyncio
from typing import Any

import orjson
import pytest

from aiomodelarts import AsyncSession, BatchFailed, InvalidArgument, NotSent, RetryPolicy, Throttled
from aiomodelarts._wire.message import Request, Response
from aiomodelarts.batch import Batch, Result
from tests.support.fakes import Service, answer, estimator_on, refusal, session_on

pytestmark = pytest.mark.looptime


class Sized(Service):
    """A service that answers each create after a time of its own, the first ones last."""

    def __init__(self, failures: dict[int, Response | Exception] | None = None) -> None:
        super().__init__()
        self.failures = failures or {}
        self.creating = self.most = 0
        self.overrides["create_version"] = self._later

    async def _later(self, request: Request) -> Response:
        number = int(orjson.loads(request.body)["config"]["train_url"].split("/")[3])
        self.creating += 1
        self.most = max(self.most, self.creating)
        try:
            await asyncio.sleep(10 - number / 10)
        finally:
            self.creating -= 1
        failure = self.failures.get(number)
        if isinstance(failure, Exception):
            raise failure
        return failure or answer({"is_success": True, "job_id": 7, "version_id": 1000 + number})


def a_batch(session: AsyncSession, count: int, **options: Any) -> Batch:
    each = [{"output_path": f"/bucket/out/{number}/"} for number in range(count)]
    return estimator_on(session).create_job_versions(7, 5, "/bucket/data/", each=each, **options)


@pytest.mark.parametrize("bound", [1, 4, 100])
async def test_handles_come_in_order_and_the_bound_is_kept(bound: int) -> None:
    service = Sized()
    async with session_on(service.transport) as session:
        versions = await a_batch(session, 20, max_concurrency=bound)
    assert [version.version_id for version in versions] == [1000 + number for number in range(20)]
    assert service.most == min(bound, 20)


async def test_nothing_to_make_sends_nothing() -> None:
    service = Sized()
    async with session_on(service.transport) as session:
        assert await a_batch(session, 0) == []
    assert not service.counts["create_version"]


async def test_one_refusal_leaves_the_others_made_and_is_told_in_one_line() -> None:
    service = Sized({3: refusal("ModelArts.0104", message="the image is not there")})
    async with session_on(service.transport) as session:
        batch = a_batch(session, 6)
        with pytest.raises(BatchFailed, match=r"5 made, 1 refused of 6; first failure, element 3: .*image") as caught:
            await batch
    assert [outcome.result for outcome in caught.value.outcomes] == [
        Result.REFUSED if number == 3 else Result.MADE for number in range(6)
    ]
    assert [version.version_id for version in batch.versions] == [1000, 1001, 1002, 1004, 1005]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", ["ModelArts.0118", "ModelArts.2815"])
async def test_a_quota_stops_the_rest(code: str) -> None:
    service = Sized({4: refusal(code, message="too many")})
    async with session_on(service.transport) as session:
        batch = a_batch(session, 10, max_concurrency=1)
        with pytest.raises(BatchFailed):
            await batch
    results = [outcome.result for outcome in batch.outcomes]
    assert results == [Result.MADE] * 4 + [Result.REFUSED] + [Result.NOT_SENT] * 5
    assert service.counts["create_version"] == 5


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (NotSent("the connection was refused"), NotSent),
        (refusal("ModelArts.6101", 429, Retry_After="60"), Throttled),
    ],
)
async def test_what_never_reached_the_work_was_not_refused(
    failure: Response | Exception, kind: type[Exception]
) -> None:
    service = Sized({1: failure})
    async with session_on(service.transport, retry=RetryPolicy(max_tries=2)) as session:
        batch = a_batch(session, 3)
        with pytest.raises(BatchFailed, match="2 made, 1 not sent of 3; first failure, element 1"):
            await batch
    assert batch.outcomes[1].result is Result.NOT_SENT
    assert isinstance(batch.outcomes[1].error, kind)


async def test_a_closed_session_refused_nothing() -> None:
    session = session_on(Sized().transport)
    batch = a_batch(session, 3)
    await session.close()
    with pytest.raises(Exception, match="the session is closed"):
        await batch


async def test_elements_are_checked_before_the_first_one_is_sent() -> None:
    service = Sized()
    async with session_on(service.transport) as session:
        batch = estimator_on(session).create_job_versions(
            7, 5, "/bucket/data/", each=[{}, {"output_paht": "/bucket/out/"}]
        )
        with pytest.raises(InvalidArgument, match="output_path"):
            await batch
    assert not service.counts["create_version"]
    assert batch.outcomes == ()


async def test_a_batch_is_awaited_once() -> None:
    async with session_on(Sized().transport) as session:
        batch = a_batch(session, 2)
        versions = await batch
        with pytest.raises(RuntimeError, match="awaited once"):
            await batch
    assert batch.versions == versions


@pytest.mark.parametrize("bound", [0, -1, True, 1.5, "4", None, float("nan")])
async def test_a_bound_is_a_whole_number_from_one_up(bound: Any) -> None:
    async with session_on(Service().transport) as session:
        with pytest.raises(InvalidArgument, match="max_concurrency"):
            a_batch(session, 2, max_concurrency=bound)
        if bound is not None:
            with pytest.raises(InvalidArgument, match="max_concurrency"):
                await session.wait_all([], max_concurrency=bound)


async def test_checking_thousands_of_elements_leaves_the_loop_its_turns() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    service = Service()
    async with session_on(service.transport) as session:
        estimator = estimator_on(session)
        await estimator.resolved()
        wrong = [*({"output_path": f"/bucket/out/{number}/"} for number in range(2000)), {"output_path": "nowhere"}]
        batch = estimator.create_job_versions(7, 5, "/bucket/data/", each=wrong)
        going = asyncio.create_task(others())
        with pytest.raises(InvalidArgument, match=r"each\[2000\]"):
            await batch
        going.cancel()
    assert turns >= 2000 / 100
    assert not service.counts["create_version"]
