"""What ``fit`` and ``create_job_version`` send, from the official arguments to the strict form of the contract."""

from typing import Any

import orjson
import pytest

from aiomodelarts import InvalidArgument
from aiomodelarts._wire.message import Request
from tests.support.contract import complaints
from tests.support.fakes import ENGINES, OWN_CODE, SPECS, Service, answer, estimator_on, session_on

pytestmark = pytest.mark.looptime
_IMAGE: dict[str, Any] = {
    **dict.fromkeys(("code_dir", "boot_file", "framework_type", "framework_version")),
    "user_image_url": "100.125.5.235:20202/jobmng/custom-cpu-base:1.0",
    "user_command": "python /home/work/train.py",
}
_RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "data on OBS": ({}, {"inputs": "/bucket/data/train/"}),
    "a data set": ({}, {"dataset_id": "38277e62", "dataset_version_id": "2ff0d6ba"}),
    "a list of sources": ({}, {"data_source": [{"type": "obs", "data_url": "/bucket/data/"}]}),
    "an own image": (_IMAGE, {"inputs": "/bucket/data/train/"}),
    "a pool": ({"train_instance_type": None, "pool_id": "pool1"}, {"inputs": "/bucket/data/train/"}),
    "everything": (
        {
            "log_url": "/bucket/log/",
            "hyperparameters": [{"label": "lr", "value": 0.001}, {"label": "nesterov", "value": True}],
            "job_description": "with everything",
            "train_instance_count": 2,
        },
        {"inputs": "/bucket/data/train/"},
    ),
}


def _creates(service: Service) -> list[Request]:
    return [request for request in service.transport.sent if request.method == "POST"]


@pytest.mark.parametrize("name", _RUNS)
async def test_jobs_and_versions_are_within_the_strict_form(name: str) -> None:
    settings, data = _RUNS[name]
    service = Service()
    async with session_on(service.transport) as session:
        estimator = estimator_on(session, **settings)
        job = await estimator.fit(**data, job_name="demo")
        await estimator.create_job_version(job_id=job.job_id, pre_version_id=job.version_id, **data, job_desc="again")
    made, version = _creates(service)
    assert complaints(made, "createTrainingJob") == []
    assert complaints(version, "createTrainingJobVersion") == []
    first, second = orjson.loads(made.body), orjson.loads(version.body)
    assert first["job_name"] == "demo"
    assert second["config"].pop("pre_version_id") == job.version_id
    # But for what only a version has, it is the same run.
    assert second["config"] == first["config"]


async def test_names_become_the_numbers_of_the_catalogue() -> None:
    service = Service()
    async with session_on(service.transport) as session:
        await estimator_on(session).fit(inputs="/bucket/data/")
    config = service.bodies[0]["config"]
    assert (config["spec_id"], config["engine_id"]) == (2, 27)
    assert (service.counts["specs"], service.counts["engines"]) == (1, 1)


@pytest.mark.parametrize(
    ("given", "argument", "nearest", "candidates"),
    [
        (
            {"train_instance_type": "modelarts.vm.gpu.p10"},
            "train_instance_type",
            "modelarts.vm.gpu.p100",
            [str(spec["spec_code"]) for spec in SPECS],
        ),
        ({"framework_type": "Pytorch"}, "framework_type", "PyTorch", ["PyTorch", "TensorFlow"]),
        (
            {"framework_version": "PyTorch-1.3.0-python3.7"},
            "framework_version",
            "PyTorch-1.3.0-python3.6",
            ["PyTorch-1.0.0-python3.6", "PyTorch-1.3.0-python3.6"],
        ),
        ({"framework_version": "TF-1.13.1-python3.6"}, "framework_version", None, ["PyTorch-1.0.0-python3.6"]),
        ({"train_instance_type": "x"}, "train_instance_type", None, ["modelarts.vm.cpu.2u"]),
    ],
)
async def test_an_unknown_name_is_told_with_the_known_and_the_nearest(
    given: dict[str, Any], argument: str, nearest: str | None, candidates: list[str]
) -> None:
    service = Service()
    async with session_on(service.transport) as session:
        with pytest.raises(InvalidArgument) as caught:
            await estimator_on(session, **given).fit(inputs="/bucket/data/")
    assert caught.value.argument == argument
    assert caught.value.given == given[argument]
    if nearest is not None:
        assert caught.value.nearest == nearest
        assert f"did you mean '{nearest}'?" in str(caught.value)
    for candidate in candidates:
        assert candidate in str(caught.value)
    assert not _creates(service)


@pytest.mark.parametrize(
    ("call", "rows", "argument"),
    [
        ("specs", [{**SPECS[0]}, {**SPECS[0], "spec_id": 9}], "train_instance_type"),
        ("engines", [{**ENGINES[0]}, {**ENGINES[0], "engine_id": 9}], "framework_version"),
    ],
)
async def test_a_name_that_two_have_is_told_with_both_numbers(
    call: str, rows: list[dict[str, Any]], argument: str
) -> None:
    service = Service()
    service.overrides[call] = lambda request: answer({call: rows})
    async with session_on(service.transport) as session:
        with pytest.raises(InvalidArgument, match=r"_id \d+, 9") as caught:
            await estimator_on(session).fit(inputs="/bucket/data/")
    assert caught.value.argument == argument
    assert not _creates(service)


@pytest.mark.parametrize("call", ["specs", "engines"])
async def test_a_catalogue_that_is_null_offers_none(call: str) -> None:
    """Finding 38."""
    service = Service()
    service.overrides[call] = lambda request: answer({call: None})
    async with session_on(service.transport) as session:
        with pytest.raises(InvalidArgument, match="are none"):
            await estimator_on(session, **OWN_CODE).fit(inputs="/bucket/data/")
