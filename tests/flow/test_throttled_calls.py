"""Calls that the service refuses for their rate: sent again in their turn, whatever they do, until patience ends."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aiomodelarts import Limits, RetryPolicy, Throttled, TrainingJob
from aiomodelarts._wire import training
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, estimator_on, refusal, session_on
from tests.support.throttling import virtually


def throttling(service: Service, name: str, times: int, **headers: str) -> list[float]:
    """Refuse so many of an operation's calls for their rate, and note when all of them came."""
    came: list[float] = []
    handler: Callable[..., Any] = getattr(service, f"_{name}")

    def refuse_first(request: Request) -> Response:
        came.append(asyncio.get_running_loop().time())
        if len(came) <= times:
            return refusal("ModelArts.6101", 429, "slow down", **headers)
        answered: Response = handler(request, 7)
        return answered

    service.overrides[name] = refuse_first
    return came


def test_a_creation_is_sent_again_after_the_pause_and_made_once() -> None:
    service = Service()
    came = throttling(service, "create_version", 1, retry_after="3")

    async def main() -> None:
        async with session_on(service.transport, retry=RetryPolicy(max_tries=1)) as session:
            version = await estimator_on(session).create_job_version(
                job_id=7, pre_version_id=1, inputs="/bucket/data/", wait=False
            )
            assert version.version_id == 101
            assert session.governor.snapshot().creates.throttled == 1

    virtually(main)
    assert len(service.bodies) == 1
    assert came[1] - came[0] == pytest.approx(3.0)


def test_a_date_is_understood_as_the_services_own() -> None:
    service = Service()
    came = throttling(
        service,
        "create_version",
        1,
        date="Thu, 14 Mar 2019 08:00:00 GMT",
        retry_after="Thu, 14 Mar 2019 10:00:05 +0200",
    )

    async def main() -> None:
        async with session_on(service.transport) as session:
            await estimator_on(session).create_job_version(
                job_id=7, pre_version_id=1, inputs="/bucket/data/", wait=False
            )

    virtually(main)
    assert came[1] - came[0] == pytest.approx(5.0)


@pytest.mark.parametrize("asked", ["-1", "soon", "", "nan", "Thu, 14 Mar 2010 08:00:00 GMT"])
def test_a_pause_that_makes_no_sense_is_our_own(asked: str) -> None:
    service = Service()
    came = throttling(service, "versions", 1, retry_after=asked, date="Thu, 14 Mar 2019 08:00:00 GMT")

    async def main() -> None:
        async with session_on(service.transport) as session:
            await session.perform(training.list_training_job_versions, 7, 1, 10)

    virtually(main)
    assert came[1] - came[0] == pytest.approx(0.25)


def test_patience_ends_and_says_so() -> None:
    service = Service()
    came = throttling(service, "create_version", 10_000, retry_after="20")

    async def main() -> None:
        async with session_on(service.transport, limits=Limits(throttle_patience_s=100)) as session:
            with pytest.raises(Throttled, match="slow down"):
                await estimator_on(session).create_job_version(
                    job_id=7, pre_version_id=1, inputs="/bucket/data/", wait=False
                )

    virtually(main)
    assert came[-1] - came[0] <= 100
    assert len(came) == 6


def test_a_thousand_creations_meet_a_limit_and_none_of_them_fails() -> None:
    service = Service()
    tokens, seen = 20.0, 0.0
    handler: Callable[..., Any] = service._create_version
    refused = 0

    def limited(request: Request) -> Response:
        nonlocal tokens, seen, refused
        now = asyncio.get_running_loop().time()
        tokens, seen = min(20.0, tokens + (now - seen) * 50.0), now
        if tokens < 1 - 1e-9:
            refused += 1
            return refusal("APIG.0308", 429, "throttled")
        tokens -= 1
        made: Response = handler(request, 7)
        return made

    service.overrides["create_version"] = limited

    async def main() -> None:
        async with session_on(service.transport) as session:
            versions = await estimator_on(session).create_job_versions(
                job_id=7,
                pre_version_id=1,
                inputs="/bucket/data/",
                each=[{"output_path": f"/bucket/output/{number}/"} for number in range(1000)],
                max_concurrency=200,
            )
            assert len({version.version_id for version in versions}) == 1000
            assert asyncio.get_running_loop().time() < 1000 / 50 / 0.9

    virtually(main)
    assert len(service.bodies) == 1000
    assert refused <= 0.05 * 1000


def test_a_call_that_was_refused_keeps_its_turn() -> None:
    service = Service()
    numbers: list[int] = []

    def refuse_the_first(request: Request) -> Response:
        numbers.append(int(request.path.rpartition("/")[2]))
        if len(numbers) == 1:
            return refusal("ModelArts.6101", 429, "slow down", retry_after="2")
        return service._version(request, 7, numbers[-1])

    service.overrides["version"] = refuse_the_first

    async def main() -> None:
        async with session_on(service.transport, limits=Limits(in_flight=1)) as session:
            for number in range(5):
                service.add(7, number)
            await asyncio.gather(*(TrainingJob.attach(session, 7, number).refresh() for number in range(5)))

    virtually(main)
    assert numbers == [0, 0, 1, 2, 3, 4]


def test_trouble_in_the_service_says_nothing_about_its_rate() -> None:
    service = Service()
    asked = 0

    def in_trouble_at_first(request: Request) -> Response:
        nonlocal asked
        asked += 1
        return refusal("ModelArts.4302", 500) if asked < 3 else service._version(request, 7, 1)

    service.add(7, 1)
    service.overrides["version"] = in_trouble_at_first

    async def main() -> None:
        async with session_on(service.transport) as session:
            await TrainingJob.attach(session, 7, 1).refresh()
            reads = session.governor.snapshot().reads
            assert (reads.sent, reads.answered, reads.throttled) == (3, 1, 0)

    virtually(main)
