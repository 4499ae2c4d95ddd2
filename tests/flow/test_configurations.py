"""Saved configurations: read, change, send whole."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from aiomodelarts import (
    AlreadyExists,
    AsyncEstimator,
    AsyncSession,
    Cadence,
    CreateOutcomeUnknown,
    Inputs,
    InvalidArgument,
    NotFound,
    RetryPolicy,
    SettlePolicy,
    Timeouts,
    TrainingJobConfig,
)
from aiomodelarts._wire.message import Request, Response
from tests.support.contract import complaints
from tests.support.fakes import ENGINES, OWN_CODE, SPECS, FakeTransport, answer, estimator_on, refusal, session_on

SETTINGS = {**OWN_CODE, "hyperparameters": {"lr": 0.1}}
QUICK = Cadence(min_s=0.001, max_s=0.005)
PAIR = {"dataset_id": "d", "dataset_version_id": "v"}


@pytest.fixture(params=["tidy", "varied:3"])
async def estimator(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEstimator]:
    async with AsyncSession.local(executor="simulated", answers=request.param) as session:
        yield AsyncEstimator(session, **SETTINGS)


async def test_a_change_leaves_the_rest_as_it_is(estimator: AsyncEstimator) -> None:
    """Finding 59: an update replaces the whole."""
    saved = await estimator.create_job_configs("saved", "first", **PAIR)
    before = await saved.info()
    await saved.change(hyperparameters={"lr": 0.2, "depth": 3})
    after = await saved.info()
    assert after.hyperparameters.as_dict() == {"lr": "0.2", "depth": "3"}
    for name in ("config_desc", "dataset_id", "dataset_version_id", "app_url", "engine_id", "spec_id", "train_url"):
        assert getattr(after, name) == getattr(before, name), name
    await saved.change(inputs="obs://bucket/data", config_desc="", train_instance_count=2, log_url="/bucket/log")
    last = await saved.info()
    assert (last.data_url, last.dataset_id, last.config_desc) == ("/bucket/data", None, "")
    assert (last.worker_server_num, last.log_url) == (2, "/bucket/log/")
    assert last.hyperparameters == after.hyperparameters


async def test_an_update_from_an_estimator_keeps_what_it_does_not_say(estimator: AsyncEstimator) -> None:
    await estimator.create_job_configs("saved", "first", inputs="/bucket/data/")
    other = AsyncEstimator(estimator.session, **{**SETTINGS, "hyperparameters": None, "log_url": "/bucket/log/"})
    await other.update_job_configs("saved")
    kept = await TrainingJobConfig(estimator.session, "saved").info()
    assert (kept.config_desc, kept.data_url, kept.log_url) == ("first", "/bucket/data/", "/bucket/log/")
    assert kept.hyperparameters.as_dict() == {}
    await other.update_job_configs("saved", "second", data_source=[{"dataset_id": "d", "dataset_version": "v"}])
    changed = await TrainingJobConfig(estimator.session, "saved").info()
    assert (changed.config_desc, changed.data_url) == ("second", None)
    with pytest.raises(NotFound):
        await other.update_job_configs("nobody")


async def test_names_are_made_up_kept_apart_and_paged(estimator: AsyncEstimator) -> None:
    made = [await estimator.create_job_configs() for _ in range(7)]
    names = sorted(one.config_name for one in made)
    assert len(set(names)) == 7
    assert max(map(len, names)) <= 20
    with pytest.raises(AlreadyExists):
        await estimator.create_job_configs(names[0])
    rows = [row async for row in AsyncEstimator.iter_job_configs(estimator.session)]
    assert [row.config_name for row in rows] == names
    few = [row.config_name async for row in AsyncEstimator.iter_job_configs(estimator.session, order="desc", limit=2)]
    assert few == names[:-3:-1]
    handles = await AsyncEstimator.get_job_configs_object_list(estimator.session, per_page=3, page=2)
    assert [handle.config_name for handle in handles] == names[3:6]


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"config_name": "x" * 21}, "config_name"),
        ({"config_name": "saved\n"}, "config_name"),
        ({"config_name": "s\u00e4ved"}, "config_name"),
        ({"config_name": ""}, "config_name"),
        ({"config_name": "a/b"}, "config_name"),
        ({"config_desc": "x" * 257}, "config_desc"),
        ({"inputs": "/b/d/", **PAIR}, "inputs"),
        ({"inputs": Inputs.of("/b/d/"), **PAIR}, "inputs"),
        ({"dataset_id": "d"}, "dataset_version_id"),
        ({"data_source": [{"dataset_id": "d", "dataset_version_id": "v"}]}, "data_source[0]"),
    ],
)
async def test_what_would_be_refused_is_told_before(given: dict[str, Any], argument: str) -> None:
    """Findings 47, 48 and 55."""
    async with session_on(FakeTransport(lambda _: pytest.fail("nothing may be sent"))) as session:
        with pytest.raises(InvalidArgument) as caught:
            await estimator_on(session).create_job_configs(**given)
    assert caught.value.argument == argument


async def test_a_pool_cannot_be_saved_and_a_long_name_can_be_addressed() -> None:
    """Findings 55 and 59."""
    async with session_on(FakeTransport(lambda _: answer({"config_name": "x" * 64}))) as session:
        pool = estimator_on(session, train_instance_type=None, pool_id="pool")
        with pytest.raises(InvalidArgument, match="pool_id"):
            await pool.create_job_configs()
        assert (await AsyncEstimator(session, config_name="x" * 64).get_job_configs_info()).config_name == "x" * 64
        with pytest.raises(InvalidArgument, match="config_name"):
            AsyncEstimator(session, config_name="x" * 65)


def offers(request: Request) -> Response | None:
    if request.path.endswith("resource-specs"):
        return answer({"specs": SPECS})
    return answer({"engines": ENGINES}) if request.path.endswith("ai-engines") else None


def losing(fault: dict[str, Any]) -> list[dict[str, Any]]:
    """The first creation of a configuration meets a fault."""
    return [{"match": {"method": "POST", "path": "training-job-configs$"}, "count": 1, "fault": fault}]


def at_home(**options: Any) -> AsyncSession:
    retry = RetryPolicy(base_s=0.01, max_tries=3)
    settled: Any = {"timeouts": Timeouts(total_s=1), "cadence": QUICK}
    return AsyncSession.local(executor="simulated", retry=retry, **settled, **options)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "truncate"},
        {"kind": "wrong_type"},
        {"kind": "status", "code": 502},
        {"kind": "late_commit", "seconds": 0.001},
        {"kind": "slow_drip", "seconds": 20},
    ],
    ids=lambda fault: fault["kind"],
)
async def test_a_creation_whose_answer_was_lost_is_there_once(fault: dict[str, Any]) -> None:
    async with at_home(faults=losing(fault)) as session:
        saved = await AsyncEstimator(session, **SETTINGS).create_job_configs("saved", "mine", **PAIR)
        assert (await saved.info()).config_desc == "mine"
        assert [row.config_name async for row in AsyncEstimator.iter_job_configs(session)] == ["saved"]


async def order(session: AsyncSession, rules: list[dict[str, Any]]) -> None:
    platform = session.platform
    assert platform is not None
    headers = {"X-Local-Admin": platform.admin_token}
    async with (
        aiohttp.ClientSession() as http,
        http.put(f"{platform.modelarts_endpoint}/_local/faults", json=rules, headers=headers) as answered,
    ):
        assert answered.status == 200


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        ({}, {"config_desc": "theirs"}),
        ({}, {"inputs": "/bucket/data/"}),
        ({"hyperparameters": {"lr": 0.2}}, {}),
        ({"output_path": "/bucket/elsewhere/"}, {}),
        ({"train_instance_count": 2}, {}),
    ],
    ids=str,
)
async def test_a_name_that_somebody_else_has_is_not_taken_for_a_lost_creation(
    settings: dict[str, Any], given: dict[str, Any]
) -> None:
    async with at_home() as session:
        theirs = await AsyncEstimator(session, **{**SETTINGS, **settings}).create_job_configs("saved", **given)
        before = await theirs.info()
        await order(session, losing({"kind": "reset_before"}))
        with pytest.raises(AlreadyExists):
            await AsyncEstimator(session, **SETTINGS).create_job_configs("saved")
        assert await theirs.info() == before


async def test_a_name_that_is_taken_by_the_lost_creation_and_not_shown_yet_is_waited_for() -> None:
    answers = iter([answer(b"<html>", 502), refusal("ModelArts.0103")])
    shown = iter([refusal("ModelArts.2775"), refusal("ModelArts.2775", 404)])
    ours: list[Request] = []

    def handle(request: Request) -> Response:
        if request.method == "POST":
            ours.append(request)
            return next(answers)
        return offers(request) or next(shown, None) or answer(orjson.loads(ours[0].body))

    async with session_on(FakeTransport(handle), cadence=QUICK) as session:
        assert (await estimator_on(session).create_job_configs("saved")).config_name == "saved"
    assert len(ours) == 2


@pytest.mark.parametrize("shown", [404, 502])
async def test_a_creation_that_nobody_answers_says_so(shown: int) -> None:
    def handle(request: Request) -> Response:
        return offers(request) or answer(b"<html>", 502 if request.method == "POST" else shown)

    policy = SettlePolicy(quiet_window_s=0.05)
    async with session_on(FakeTransport(handle), settle=policy, cadence=QUICK) as session:
        with pytest.raises(CreateOutcomeUnknown, match="configuration saved"):
            await estimator_on(session).create_job_configs("saved")


async def test_what_is_sent_is_within_the_strict_form() -> None:
    transport = FakeTransport(lambda request: offers(request) or answer({"is_success": True}))
    async with session_on(transport) as session:
        estimator = estimator_on(session, hyperparameters={"lr": 0.1}, log_url="/bucket/log/")
        await estimator.create_job_configs("saved", "d", inputs="/bucket/data/")
        await estimator.update_job_configs("saved", "d", **PAIR)
    create, update = transport.sent[-2:]
    assert complaints(create, "createTrainingJobConfig") == complaints(update, "updateTrainingJobConfig") == []
    assert "config_name" not in orjson.loads(update.body)
