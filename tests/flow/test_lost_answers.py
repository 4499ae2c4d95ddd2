"""Changes whose answer was lost are sent again; that they are done already is then no failure."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiomodelarts import (
    AlreadyExists,
    AsyncEstimator,
    AsyncSession,
    AsyncVisualizationJob,
    ConnectionBroken,
    NotFound,
    TrainingJob,
    WrongState,
)
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import FakeTransport, Service, answer, estimator_on, refusal, session_on

Verb = Callable[[AsyncSession], Awaitable[None]]
DELETIONS: dict[str, Verb] = {
    "version": lambda session: TrainingJob.attach(session, 7, 9).delete(),
    "job": lambda session: AsyncEstimator.delete_job_by_id(session, 7),
    "configuration": lambda session: AsyncEstimator(session, config_name="saved").delete_job_configs(),
    "visualization": lambda session: AsyncVisualizationJob(session, 7).delete_visualization_job(),
}


class LosesTheFirst:
    """Does what it is asked, drops the first answer to a change, and refuses to do it twice."""

    def __init__(self, lost: int, refused: Response, status: int = 8) -> None:
        self.lost, self.refused, self.status = lost, refused, status
        self.changes = 0

    def __call__(self, request: Request) -> Response:
        if request.method == "GET":
            return answer({"job_id": 7, "version_id": 9, "status": self.status})
        self.changes += 1
        if self.changes > self.lost:
            return self.refused
        if self.changes == 1:
            raise ConnectionBroken("dropped")
        return answer(b"", 502)


@pytest.mark.parametrize("name", DELETIONS)
@pytest.mark.parametrize("lost", [1, 2])
async def test_a_deletion_whose_answer_was_lost_is_done(name: str, lost: int) -> None:
    handler = LosesTheFirst(lost, refusal("ModelArts.2775"))
    async with session_on(FakeTransport(handler)) as session:
        await DELETIONS[name](session)
    assert handler.changes == lost + 1


@pytest.mark.parametrize("name", DELETIONS)
async def test_what_was_never_there_is_not_found(name: str) -> None:
    async with session_on(FakeTransport(LosesTheFirst(0, refusal("ModelArts.2775")))) as session:
        with pytest.raises(NotFound):
            await DELETIONS[name](session)


async def test_a_restart_whose_answer_was_lost_is_done_where_the_job_goes_on() -> None:
    refused = refusal("ModelArts.0105")
    async with session_on(FakeTransport(LosesTheFirst(1, refused, status=7))) as session:
        await AsyncVisualizationJob(session, 7).restart_visualization_job()
    for handler in (LosesTheFirst(1, refused, status=12), LosesTheFirst(0, refused, status=7)):
        async with session_on(FakeTransport(handler)) as session:
            with pytest.raises(WrongState):
                await AsyncVisualizationJob(session, 7).restart_visualization_job()


async def test_a_stop_whose_answer_was_lost_is_done() -> None:
    async with session_on(FakeTransport(LosesTheFirst(1, refusal("ModelArts.0105"), status=9))) as session:
        await TrainingJob.attach(session, 7, 9).stop()
        await AsyncVisualizationJob(session, 7).stop_visualization_job()


class Echoing(Service):
    """Its rows say what was asked for."""

    def row(self, job_id: int, version_id: int) -> dict[str, Any]:
        return {**super().row(job_id, version_id), "train_url": "/bucket/output/", "data_url": "/bucket/data/"}


@pytest.mark.looptime
async def test_a_job_that_one_intent_has_is_not_given_to_an_equal_one_whose_answer_was_lost() -> None:
    service = Echoing()
    async with session_on(service.transport) as session:
        estimator = estimator_on(session)
        first = await estimator.fit("/bucket/data/", job_name="job-7")
        service.overrides["create_job"] = lambda _: refusal("ModelArts.4302", 500)
        with pytest.raises(AlreadyExists):
            await estimator.fit("/bucket/data/", job_name="job-7")
        service.overrides.clear()
    assert first.job_id == 7
    # Whoever has lost the answer to their own finds it.
    async with session_on(service.transport) as session:
        service.overrides["create_job"] = lambda _: refusal("ModelArts.4302", 500)
        found = await estimator_on(session).fit("/bucket/data/", job_name="job-7")
    assert (found.job_id, found.version_id, found.origin) == (7, first.version_id, "adopted")
