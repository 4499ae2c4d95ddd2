"""Every method of the official SDK's training part in every way it can be reached, and every REST operation.

Each is asked over HTTP, on the tidy local platform and on varied ones; the platform counts what arrived.
``pytest -n0 -s`` shows the table.
"""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest
from attrs import define, field

from aiomodelarts import AsyncEstimator, AsyncSession, AsyncVisualizationJob, Cadence, LocalPlatform
from aiomodelarts.local import lifecycle
from aiomodelarts.local.operations import visualization
from tests.support.contract import operations

T = TypeVar("T")
OPERATIONS = frozenset(operations())
STYLES = ["tidy", *(f"varied:{seed}" for seed in range(10))]

# Ways: run = an estimator that describes a run; A = by identifier; B = on what a creation returned; C = on an item of
# a list; K = on the class.
METHODS = {
    "fit": ("run", "createTrainingJob"),
    "get_job_list": ("K", "listTrainingJobs"),
    "get_job_info": ("ABC", "getTrainingJobVersion"),
    "update_job_description": ("ABC", "updateTrainingJobDescription"),
    "get_job_log_file_list": ("ABC", "listTrainingJobLogFiles"),
    "get_job_log": ("ABC", "getTrainingJobLog"),
    "delete_job_by_id": ("K", "deleteTrainingJob"),
    "delete_job": ("B", "deleteTrainingJob"),
    "create_job_version": ("run", "createTrainingJobVersion"),
    "get_job_version_object_list": ("A", "listTrainingJobVersions"),
    "get_job_version_info": ("AB", "listTrainingJobVersions"),
    "stop_job_version": ("ABC", "stopTrainingJobVersion"),
    "delete_job_version": ("ABC", "deleteTrainingJobVersion"),
    "create_job_configs": ("run", "createTrainingJobConfig"),
    "get_job_configs_object_list": ("K", "listTrainingJobConfigs"),
    "get_job_configs_list": ("K", "listTrainingJobConfigs"),
    "get_job_configs_info": ("ABC", "getTrainingJobConfig"),
    "update_job_configs": ("run", "updateTrainingJobConfig"),
    "delete_job_configs": ("ABC", "deleteTrainingJobConfig"),
    "create_visualization_job": ("A", "createVisualizationJob"),
    "get_visualization_job_object_list": ("K", "listVisualizationJobs"),
    "get_visualization_job_list": ("K", "listVisualizationJobs"),
    "get_visualization_job_info": ("ABC", "getVisualizationJob"),
    "update_visualization_job": ("ABC", "updateVisualizationJobDescription"),
    "stop_visualization_job": ("ABC", "stopVisualizationJob"),
    "restart_visualization_job": ("ABC", "restartVisualizationJob"),
    "delete_visualization_job": ("ABC", "deleteVisualizationJob"),
    "get_built_in_algorithms": ("K", "listBuiltInAlgorithms"),
    "get_train_instance_types": ("K", "listResourceSpecs"),
    "get_framework_list": ("K", "listEngines"),
}
WAYS = {
    (name, way): operation
    for name, (ways, operation) in METHODS.items()
    for way in ([ways] if ways == "run" else list(ways))
}


QUICK = Cadence(min_s=0.001, max_s=0.005, polls_per_s=1000)


@define
class Journey:
    """Asks, and notes what arrived at the platform meanwhile."""

    platform: LocalPlatform
    http: aiohttp.ClientSession
    asked: dict[tuple[str, str], Counter[str]] = field(factory=dict)

    async def arrived(self) -> Counter[str]:
        async with self.http.get(f"{self.platform.modelarts_endpoint}/_local/stats") as answer:
            return Counter((await answer.json())["requests"])

    async def did(self, way: str, name: str, asking: Awaitable[T]) -> T:
        before = await self.arrived()
        result = await asking
        self.asked[name, way] = await self.arrived() - before
        return result

    def table(self) -> str:
        lines = [f"{'method':36}{'way':6}{'REST operation':36}requests"]
        for (name, way), counted in sorted(self.asked.items(), key=lambda item: list(WAYS).index(item[0])):
            lines.append(f"{name:36}{way:6}{WAYS[name, way]:36}{counted.total()}")
        return "\n".join(lines)


@asynccontextmanager
async def journey(root: Path, style: str) -> AsyncIterator[tuple[Journey, AsyncSession]]:
    options: dict[str, Any] = {"executor": "simulated", "simulate": "duration=60,log_lines=7", "answers": style}
    async with LocalPlatform(root, **options) as platform, aiohttp.ClientSession() as http:
        session = AsyncSession(
            account=platform.account,
            username=platform.username,
            password=platform.password,
            project_id=platform.project_id,
            region_name=platform.region_name,
            endpoints={"modelarts": platform.modelarts_endpoint, "iam": platform.iam_endpoint},
            cadence=QUICK,
        )
        async with session:
            yield Journey(platform, http), session


@pytest.fixture(autouse=True)
def _nothing_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "REMOVAL_DELAY_S", 0.01)
    monkeypatch.setattr(visualization, "STEP_S", 0.01)


@pytest.mark.parametrize("style", STYLES)
async def test_27_of_27_operations_and_every_official_method(tmp_path: Path, style: str) -> None:
    async with journey(tmp_path, style) as (asks, session):
        await lookups(asks, session)
        await training(asks, session)
        await configurations(asks, session)
        await boards(asks, session)
        table, arrived = asks.table(), await asks.arrived()
    sys.stdout.write(f"\n{style}\n{table}\n")
    assert asks.asked.keys() == WAYS.keys()
    for key, counted in asks.asked.items():
        assert counted[WAYS[key]], f"{key} sent {dict(counted)}"
    done = {name for name in OPERATIONS if arrived[name]}
    sys.stdout.write(f"{len(done)} of {len(OPERATIONS)} operations\n")
    assert done == OPERATIONS


async def lookups(asks: Journey, session: AsyncSession) -> None:
    flavors = await asks.did("K", "get_train_instance_types", AsyncEstimator.get_train_instance_types(session))
    assert "modelarts.vm.cpu.2u" in {flavor.spec_code for flavor in flavors}
    engines = await asks.did("K", "get_framework_list", AsyncEstimator.get_framework_list(modelarts_session=session))
    assert ("PyTorch", "PyTorch-1.0.0-python3.6") in {(one.framework_type, one.framework_version) for one in engines}
    algorithms = await asks.did("K", "get_built_in_algorithms", AsyncEstimator.get_built_in_algorithms(session))
    assert len(algorithms.models) > 40, "finding 24: page after page"


def describing(session: AsyncSession) -> AsyncEstimator:
    return AsyncEstimator(
        session,
        framework_type="PyTorch",
        framework_version="PyTorch-1.0.0-python3.6",
        code_dir="/bucket/src/",
        boot_file="/bucket/src/train.py",
        log_url="/bucket/log/",
        output_path="/bucket/output/",
        hyperparameters=[{"label": "lr", "value": "0.001"}],
        train_instance_type="modelarts.vm.cpu.2u",
        train_instance_count=1,
    )


async def training(asks: Journey, session: AsyncSession) -> None:
    estimator = describing(session)
    made = await asks.did("run", "fit", estimator.fit(inputs="/bucket/data/", job_name="demo"))
    second = await asks.did(
        "run",
        "create_job_version",
        estimator.create_job_version(job_id=made.job_id, pre_version_id=made.version_id, inputs="/bucket/data/"),
    )
    await estimator.create_job_version(made.job_id, made.version_id, inputs="/bucket/data/")
    asking = AsyncEstimator.get_job_list(modelarts_session=session, sortBy="status")
    listed = await asks.did("K", "get_job_list", asking)
    assert [(job.job_id, job.version_count) for job in listed.jobs] == [(made.job_id, 3)]
    pointing = AsyncEstimator(session, job_id=str(made.job_id), version_id=str(second.version_id))
    items = await asks.did("A", "get_job_version_object_list", pointing.get_job_version_object_list(is_show=False))
    assert [item.version_id for item in items][1:] == [second.version_id, made.version_id]
    for way, on in (("A", pointing), ("B", made)):
        every = await asks.did(way, "get_job_version_info", on.get_job_version_info())
        assert len(every.versions) == every.version_count == 3
    for way, one in (("A", pointing), ("B", made), ("C", items[0])):
        await asks.did(way, "update_job_description", one.update_job_description(f"by {way}"))
        detail = await asks.did(way, "get_job_info", one.get_job_info())
        assert (detail.version_id, detail.job_desc) == (one.version_id, f"by {way}")
        assert detail.hyperparameters.as_dict() == {"lr": "0.001"}
        await running(one)
        (name,) = await asks.did(way, "get_job_log_file_list", one.get_job_log_file_list())
        page = await asks.did(way, "get_job_log", one.get_job_log(log_file=name, start_byte=-1))
        assert page.content is not None
        await asks.did(way, "stop_job_version", one.stop_job_version(wait=True))
        assert (await one.get_job_info()).status.name == "KILLED"
        await asks.did(way, "delete_job_version", one.delete_job_version(wait=True))
    await asks.did("B", "delete_job", made.delete_job(wait=True))
    other = await estimator.fit(inputs="/bucket/data/", job_name="other")
    await asks.did("K", "delete_job_by_id", AsyncEstimator.delete_job_by_id(session, other.job_id, stop_running=True))


async def running(one: Any) -> None:
    """Until its log is there; a simulated version runs within an instant."""
    while not await one.get_job_log_file_list():
        pass


async def configurations(asks: Journey, session: AsyncSession) -> None:
    estimator = describing(session)
    asking = estimator.create_job_configs(config_name="saved", inputs="/b/d/")
    made = await asks.did("run", "create_job_configs", asking)
    await estimator.create_job_configs(config_name="listed", config_desc="one")
    await estimator.create_job_configs(config_name="pointed")
    await asks.did("run", "update_job_configs", estimator.update_job_configs(config_name="saved", config_desc="new"))
    page = await asks.did("K", "get_job_configs_list", AsyncEstimator.get_job_configs_list(session, order="desc"))
    assert [row.config_name for row in page.configs] == ["saved", "pointed", "listed"]
    items = await asks.did(
        "K", "get_job_configs_object_list", AsyncEstimator.get_job_configs_object_list(session, search_content="listed")
    )
    pointing = AsyncEstimator(session, config_name="pointed")
    for way, one in (("A", pointing), ("B", made), ("C", items[0])):
        saved = await asks.did(way, "get_job_configs_info", one.get_job_configs_info())
        assert saved.config_name == one.config_name
        assert saved.hyperparameters.as_dict() == {"lr": "0.001"}
        assert saved.data_url == ("/b/d/" if way == "B" else None)
        await asks.did(way, "delete_job_configs", one.delete_job_configs())
    assert (await AsyncEstimator.get_job_configs_list(session)).configs == ()


async def boards(asks: Journey, session: AsyncSession) -> None:
    maker = AsyncVisualizationJob(session)
    board = await asks.did("A", "create_visualization_job", maker.create_visualization_job(train_url="/bucket/output/"))
    other = await maker.create_visualization_job("/bucket/output/", job_name="other", stop_after_h=1)
    third = await maker.create_visualization_job("/bucket/output/", job_name="third", job_type="MindInsight")
    page = await asks.did(
        "K", "get_visualization_job_list", AsyncVisualizationJob.get_visualization_job_list(session, search_content="o")
    )
    assert {row.job_name for row in page.jobs} >= {"other"}
    items = await asks.did(
        "K",
        "get_visualization_job_object_list",
        AsyncVisualizationJob.get_visualization_job_object_list(session, search_content="third"),
    )
    assert [item.visualization_id for item in items] == [third.visualization_id]
    pointing = AsyncVisualizationJob(session, visualization_id=str(other.visualization_id))
    for way, one in (("A", pointing), ("B", board), ("C", items[0])):
        await asks.did(way, "update_visualization_job", one.update_visualization_job(job_desc=way))
        assert (await one.ready(timeout_s=30)).service_url
        await asks.did(way, "stop_visualization_job", one.stop_visualization_job(wait=True))
        await asks.did(way, "restart_visualization_job", one.restart_visualization_job())
        await one.ready(timeout_s=30)
        info = await asks.did(way, "get_visualization_job_info", one.get_visualization_job_info())
        assert (info.job_desc, info.visualization_id) == (way, one.visualization_id)
        await asks.did(way, "delete_visualization_job", one.delete_visualization_job(wait=True))
