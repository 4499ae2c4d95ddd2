"""Names become numbers, and are asked for once in a while."""

from typing import Any

import orjson
import pytest

from aiomodelarts import AsyncEstimator, AsyncSession, AsyncVisualizationJob, InvalidArgument
from aiomodelarts._catalogue import LIFETIME_S
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import ENGINES, SPECS, FakeTransport, answer, estimator_on, session_on
from tests.support.platform import session_at

ALGORITHMS = [{"model_id": number, "model_name": f"net_{number}"} for number in range(250)]
ALGORITHM_RUN = {
    "model_name": "net_249",
    "output_path": "/bucket/output/",
    "train_instance_type": "modelarts.vm.cpu.2u",
    "train_instance_count": 1,
}


def catalogue(request: Request) -> Response:
    query = dict(request.query)
    if request.path.endswith("resource-specs"):
        return answer({"specs": SPECS})
    if request.path.endswith("ai-engines"):
        return answer({"engines": ENGINES})
    if request.path.endswith("built-in-algorithms"):
        start, size = (int(query["page"]) - 1) * int(query["per_page"]), int(query["per_page"])
        return answer({"models": ALGORITHMS[start : start + size], "model_total_count": 41})
    if request.method == "GET":
        return answer({"jobs": [], "versions": []})
    version_id = "10" if request.path.endswith("/versions") else "9"
    return answer({"job_id": "7", "version_id": version_id, "status": "1"})


async def test_a_second_lookup_sends_nothing_until_the_first_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = FakeTransport(catalogue)
    async with session_on(transport) as session:
        clock, now = session.seams.clock, [0.0]
        monkeypatch.setattr(clock, "monotonic", lambda: now[0])
        for _ in range(3):
            await AsyncEstimator.get_train_instance_types(session)
            await AsyncEstimator.get_framework_list(session)
        assert len(transport.sent) == 2
        now[0] = LIFETIME_S - 1
        await session.flavors()
        assert len(transport.sent) == 2
        now[0] = LIFETIME_S + 1
        await session.flavors()
        assert len(transport.sent) == 3


async def test_all_algorithms_are_read_page_after_page() -> None:
    """Findings 15 and 24: ten rows come by default, and the total counts what it likes."""
    transport = FakeTransport(catalogue)
    async with session_on(transport) as session:
        listed = await AsyncEstimator.get_built_in_algorithms(modelarts_session=session)
        assert [row.model_id for row in listed.models] == list(range(250))
        assert listed.model_total_count == 250
        asked = len(transport.sent)
        assert asked <= 4
        await AsyncEstimator.get_built_in_algorithms(session)
        assert len(transport.sent) == asked


async def test_an_algorithm_is_sent_by_its_number_and_without_code() -> None:
    """Findings 43, 50 and 51."""
    transport = FakeTransport(catalogue)
    async with session_on(transport) as session:
        await AsyncEstimator(session, **ALGORITHM_RUN).fit(inputs="/bucket/data/")  # type: ignore[arg-type]
    config = orjson.loads(transport.sent[-1].body)["config"]
    assert config["model_id"] == 249
    assert not {"app_url", "boot_file_url", "engine_id", "user_image_url"} & config.keys()


@pytest.mark.parametrize(
    ("name", "nearest"), [("net_24g", "net_24"), ("resnet_v1_50_and_something_else_entirely", None)]
)
async def test_an_unknown_algorithm_is_told_with_the_nearest(name: str, nearest: str | None) -> None:
    async with session_on(FakeTransport(catalogue)) as session:
        with pytest.raises(InvalidArgument) as caught:
            await AsyncEstimator(session, **{**ALGORITHM_RUN, "model_name": name}).fit(inputs="/bucket/data/")
    assert caught.value.argument == "model_name"
    assert (caught.value.nearest or "")[:5] == (nearest or "")[:5]


async def test_a_name_that_two_algorithms_have_lists_them() -> None:
    """Finding 69."""

    def twice(request: Request) -> Response:
        rows = [{"model_id": 4, "model_name": "net"}, {"model_id": 5, "model_name": "net"}]
        return answer({"models": rows}) if "algorithms" in request.path else catalogue(request)

    async with session_on(FakeTransport(twice)) as session:
        with pytest.raises(InvalidArgument, match="model_id 4, 5"):
            await AsyncEstimator(session, **{**ALGORITHM_RUN, "model_name": "net"}).fit(inputs="/bucket/data/")


async def sent_with_workspace(workspace_id: str | None) -> dict[str, Any]:
    """What each kind of request said of the workspace; ``...`` is nothing."""
    transport = FakeTransport(catalogue)
    async with session_on(transport, workspace_id=workspace_id) as session:
        estimator = estimator_on(session)
        await estimator.fit(inputs="/bucket/data/", job_name="demo")
        await estimator.create_job_version(7, 9, inputs="/bucket/data/")
        await AsyncEstimator.get_job_list(session)
        await AsyncVisualizationJob.get_visualization_job_list(session)
    said = {}
    for request in transport.sent:
        members = orjson.loads(request.body) if request.body else dict(request.query)
        place = request.path.partition("/v1/")[2].partition("/")[2]
        said[f"{request.method} {place}"] = members.get("workspace_id", ...)
    return said


async def test_the_sessions_workspace_goes_to_creations_and_lists_of_jobs() -> None:
    """Finding 25."""
    said = await sent_with_workspace("w1")
    assert {where for where, workspace in said.items() if workspace == "w1"} == {
        "POST training-jobs",
        "GET training-jobs",
        "GET visualization-jobs",
    }
    assert set(said.values()) == {"w1", ...}
    assert set((await sent_with_workspace(None)).values()) == {...}


@pytest.mark.parametrize("given", ["", 7, "\ud800"], ids=ascii)
async def test_a_workspace_that_cannot_be_is_told(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="workspace_id"):
        session_on(FakeTransport(catalogue), workspace_id=given)


async def test_workspaces_do_not_see_each_other() -> None:
    async with AsyncSession.local(executor="simulated", simulate="duration=0.1", workspace_id="w1") as ours:
        platform = ours.platform
        job = await estimator_on(ours).fit(inputs="/bucket/data/")
        assert platform is not None
        async with session_at(platform) as everybody:
            assert [row.job_id for row in (await AsyncEstimator.get_job_list(ours)).jobs] == [job.job_id]
            assert (await AsyncEstimator.get_job_list(everybody)).jobs == ()
