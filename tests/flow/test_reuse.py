"""Repeating a version, and telling two apart."""

from collections.abc import AsyncIterator

import pytest

from aiomodelarts import AsyncEstimator, AsyncSession, Difference, Inputs, InvalidArgument, TrainingJob, diff
from aiomodelarts import estimator_from as repeated
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import OWN_CODE, FakeTransport, answer, session_on

CODE = {**OWN_CODE, "hyperparameters": {"lr": 0.1, "depth": 2}}
PLACE = {"output_path": "/bucket/output/", "train_instance_type": "modelarts.vm.cpu.2u", "train_instance_count": 2}
IMAGE = {**PLACE, "user_image_url": "host:20202/team/image:1.0", "user_command": "bash run.sh"}


@pytest.fixture(params=["tidy", "varied:1", "varied:4", "varied:7"])
async def session(request: pytest.FixtureRequest) -> AsyncIterator[AsyncSession]:
    async with AsyncSession.local(executor="simulated", simulate="duration=0.1", answers=request.param) as session:
        yield session


async def test_a_repeated_version_is_the_same_but_for_nothing(session: AsyncSession) -> None:
    algorithm = (await session.algorithms())[-1].model_name
    sources = [{"dataset_id": "d", "dataset_version": "v"}, {"dataset_id": "e", "dataset_version": "w"}]
    for settings, inputs in (
        ({**CODE, "log_url": "/bucket/log/"}, Inputs.of("/bucket/data/")),
        (IMAGE, Inputs.of(dataset_id="d", dataset_version_id="v")),
        ({**PLACE, "model_name": algorithm, "hyperparameters": {"lr": "1e-3"}}, Inputs.of(data_source=sources)),
        ({**PLACE, **IMAGE, "train_instance_type": None, "pool_id": "pool"}, Inputs.of("/bucket/data/")),
    ):
        first = await AsyncEstimator(session, **settings).fit(inputs=inputs)
        estimator, same_inputs = await repeated(first)
        second = await estimator.create_job_version(first.job_id, first.version_id, inputs=same_inputs)
        assert same_inputs == inputs
        assert await diff(first, second) == ()
        assert (await second.info()).raw["parameter"] == (await first.info()).raw["parameter"]


async def test_what_differs_is_named_on_both_sides(session: AsyncSession) -> None:
    first = await AsyncEstimator(session, **CODE).fit(inputs="/bucket/data/")
    other = {
        **CODE,
        "framework_type": "TensorFlow",
        "framework_version": "TF-1.8.0-python3.6",
        "boot_file": "/bucket/src/other.py",
        "hyperparameters": {"lr": "0.10", "depth": 3, "width": 4},
        "train_instance_count": 2,
    }
    second = await AsyncEstimator(session, **other).create_job_version(first.job_id, first.version_id, "/bucket/more/")
    found = {one.name: one for one in await diff(first, second)}
    assert set(found) == {
        "boot_file_url",
        "engine_name",
        "engine_version",
        "worker_server_num",
        "inputs",
        "hyperparameters.depth",
        "hyperparameters.width",
    }
    assert found["hyperparameters.width"] == Difference("hyperparameters.width", None, "4")
    assert str(found["hyperparameters.depth"]) == "hyperparameters.depth: 2 -> 3"
    assert found["inputs"].b == Inputs.of("/bucket/more/")


async def test_what_no_request_can_repeat_is_told() -> None:
    rest = {"job_id": 7, "version_id": 9, "train_url": "/b/o/", "user_image_url": "h/i:1", "worker_server_num": 1}
    for members, match in (
        ({**rest, "spec_code": "code"}, "inputs"),
        ({**rest, "data_url": "/b/d/", "spec_id": 77}, "spec_id"),
        ({**rest, "data_url": "/b/d/", "user_image_url": "", "model_id": 77, "spec_code": "code"}, "model_id"),
        ({**rest, "data_url": "/b/d/", "spec_code": "code", "train_url": None}, "output_path"),
    ):

        def handle(request: Request, told: dict[str, object] = members) -> Response:
            return answer(told if "versions" in request.path else {"specs": [], "models": []})

        transport = FakeTransport(handle)
        async with session_on(transport) as session:
            with pytest.raises(InvalidArgument, match=match):
                await repeated(TrainingJob.attach(session, 7, 9))
