"""Stop and delete mean it: what is waited for is the state of the platform, not its promise."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from aiomodelarts import (
    AsyncEstimator,
    AsyncSession,
    Cadence,
    DeletionFailed,
    InvalidArgument,
    JobStatus,
    NotAllowed,
    NotFound,
    TrainingJob,
    WaitTimeout,
    WrongState,
)
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import FakeTransport, answer, estimator_on, refusal, session_on

QUICK = Cadence(min_s=0.001, max_s=0.005)
DONE = {"is_success": True}
GONE = refusal("ModelArts.2775")


@pytest.fixture
async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession.local(executor="simulated", simulate="duration=60", cadence=QUICK) as session:
        yield session


@pytest.fixture
async def version(session: AsyncSession) -> TrainingJob:
    return await estimator_on(session).fit(inputs="/bucket/data/", job_name="demo")


async def test_a_stop_that_is_waited_for_returns_when_the_version_is_down(version: TrainingJob) -> None:
    await version.stop(wait=True)
    assert version.status is JobStatus.KILLED
    assert (await version.info()).status is JobStatus.KILLED


async def test_stopping_again_and_stopping_what_has_ended_is_done(version: TrainingJob) -> None:
    """Finding 74: the platform refuses both with 0105."""
    await version.stop()
    await version.stop()
    await version.stop(wait=True)
    await version.stop()
    pointing = AsyncEstimator(version.session, job_id=version.job_id, version_id=version.version_id)
    await pointing.stop_job_version(wait=True)


async def test_a_delete_that_is_waited_for_returns_when_the_version_is_gone(version: TrainingJob) -> None:
    await version.delete(wait=True)
    with pytest.raises(NotFound):
        await version.info()
    await version.delete(wait=True)
    with pytest.raises(NotFound):
        await version.delete()


async def test_a_job_is_deleted_with_its_versions_stopped_first(version: TrainingJob) -> None:
    """Finding 75."""
    await version.delete_job(stop_running=True, wait=True)
    assert (await AsyncEstimator.get_job_list(version.session)).jobs == ()
    await AsyncEstimator.delete_job_by_id(version.session, str(version.job_id), stop_running=True, wait=True)
    with pytest.raises(NotFound):
        await AsyncEstimator.delete_job_by_id(version.session, version.job_id)


class Script:
    """Answers by method and last part of the path; remembers the order of what was asked."""

    def __init__(self, **answers: Response | Callable[[], Response]) -> None:
        self.answers = answers
        self.order: list[str] = []

    def __call__(self, request: Request) -> Response:
        last = request.path.rpartition("/")[2]
        name = f"{request.method.lower()}_{last if not last.isdigit() else 'one'}".replace("-", "_")
        self.order.append(name)
        given = self.answers[name]
        return given if isinstance(given, Response) else given()


def in_turn(*answers: Response) -> Callable[[], Response]:
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def detail(status: int) -> Response:
    return answer({"job_id": 7, "version_id": 9, "status": status})


def scripted(**answers: Any) -> tuple[AsyncSession, Script]:
    script = Script(**answers)
    return session_on(FakeTransport(script), cadence=QUICK), script


async def test_a_deletion_that_failed_is_told() -> None:
    """Finding 73: it can end in status 6."""
    session, _ = scripted(delete_one=answer(DONE), get_one=in_turn(detail(10), detail(6)))
    async with session:
        with pytest.raises(DeletionFailed) as caught:
            await TrainingJob.attach(session, 7, 9).delete(wait=True)
    assert caught.value.detail.status is JobStatus.DELETE_FAILED


async def test_what_an_earlier_deletion_left_is_not_taken_for_a_failure() -> None:
    session, script = scripted(delete_one=answer(DONE), get_one=in_turn(detail(6), detail(9), GONE))
    async with session:
        await TrainingJob.attach(session, 7, 9).delete(wait=True)
    assert script.order == ["delete_one", "get_one", "get_one", "get_one"]


async def test_looks_that_fail_for_a_while_do_not_end_the_wait_but_the_limit_does() -> None:
    session, _ = scripted(delete_one=answer(DONE), get_one=in_turn(answer({}, 503), answer({}, 503), detail(10)))
    async with session:
        with pytest.raises(WaitTimeout, match=r"deleteTrainingJobVersion \(job 7, version 9\)"):
            await TrainingJob.attach(session, 7, 9).delete(wait=True, timeout_s=0.2)


async def test_looks_that_are_refused_for_good_end_the_wait() -> None:
    session, _ = scripted(delete_one=answer(DONE), get_one=refusal("ModelArts.0108", 403))
    async with session:
        with pytest.raises(NotAllowed):
            await TrainingJob.attach(session, 7, 9).delete(wait=True)


async def test_a_stop_that_is_refused_while_the_version_goes_on_is_told() -> None:
    session, _ = scripted(post_stop=refusal("ModelArts.0105"), get_one=detail(8))
    async with session:
        with pytest.raises(WrongState):
            await TrainingJob.attach(session, 7, 9).stop()


async def test_only_versions_that_go_on_are_stopped_and_that_before_the_deletion() -> None:
    rows = [{"version_id": 3, "status": 12}, {"version_id": 2, "status": "8"}, {"version_id": 1, "status": 10}]
    session, script = scripted(
        get_versions=answer({"job_id": 7, "versions": rows}),
        post_stop=answer(DONE),
        get_one=in_turn(detail(9), detail(12)),
        delete_one=answer(DONE),
    )
    async with session:
        await AsyncEstimator.delete_job_by_id(session, 7, stop_running=True)
    assert script.order == ["get_versions", "post_stop", "get_one", "get_one", "delete_one"]


async def test_a_job_whose_versions_are_gone_can_still_be_there() -> None:
    """No call reads one job (finding 71), so the list of jobs decides."""
    empty = answer({"job_id": 7, "job_name": "demo", "versions": []})
    listed, unlisted = answer({"jobs": [{"job_id": 7}]}), answer({"jobs": []})
    session, script = scripted(
        delete_one=answer(DONE), get_versions=empty, get_training_jobs=in_turn(listed, listed, unlisted)
    )
    async with session:
        await AsyncEstimator(session, job_id=7).delete_job(wait=True)
    assert script.order.count("get_training_jobs") == 3


@pytest.mark.parametrize("job_id", [-1, 2**63, "seven", "7\n", "\u0667", 7.0, True, ""])
async def test_ids_that_no_job_has_are_told_before_anything_is_sent(job_id: Any) -> None:
    session, script = scripted()
    async with session:
        with pytest.raises(InvalidArgument) as caught:
            await AsyncEstimator.delete_job_by_id(session, job_id)
        assert caught.value.argument == "job_id"
        with pytest.raises(InvalidArgument):
            AsyncEstimator(session, job_id=job_id)
    assert script.order == []


async def test_a_pointer_that_lacks_what_a_verb_needs_says_so() -> None:
    session, script = scripted()
    async with session:
        with pytest.raises(InvalidArgument, match="version_id"):
            await AsyncEstimator(session, job_id=7).get_job_info()
        with pytest.raises(InvalidArgument, match="job_id"):
            await AsyncEstimator(session, config_name="saved").get_job_version_info()
        with pytest.raises(InvalidArgument, match="config_name"):
            await AsyncEstimator(session, job_id=7).get_job_configs_info()
        with pytest.raises(InvalidArgument, match="job_id"):
            AsyncEstimator(session, version_id=9)
    assert script.order == []


async def test_an_estimator_shows_what_it_points_at_and_no_command() -> None:
    session, _ = scripted()
    async with session:
        assert repr(AsyncEstimator(session, job_id=7, version_id="9")) == "<AsyncEstimator job_id=7 version_id=9>"
        rest = {"output_path": "/b/o/", "train_instance_type": "t", "train_instance_count": 1}
        image = AsyncEstimator(
            session, user_image_url="h/i:1", user_command="run --key K", hyperparameters={"token": "T"}, **rest
        )
        assert repr(image) == "<AsyncEstimator user_image_url='h/i:1' train_instance_type='t'>"


async def test_a_pointer_checks_a_run_when_one_is_asked_for_and_what_it_is_given_at_once() -> None:
    session, script = scripted()
    async with session:
        pointing = AsyncEstimator(session, job_id=7, output_path="obs://bucket/out")
        with pytest.raises(InvalidArgument, match="code_dir"):
            await pointing.create_job_version(job_id=7, pre_version_id=9, inputs="/bucket/data/")
        with pytest.raises(InvalidArgument, match="train_instance_count"):
            AsyncEstimator(session, job_id=7, train_instance_count=0)
        with pytest.raises(InvalidArgument, match="model_name"):
            AsyncEstimator(session, job_id=7, model_name="resnet", code_dir="/bucket/src/")
    assert script.order == []
