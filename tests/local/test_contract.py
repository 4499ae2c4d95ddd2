"""Every operation answers as the contract's schemas say, in the tidy form and in every varied one."""

import asyncio
from functools import cache

import jsonschema
import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from aiomodelarts.local import LocalPlatform
from aiomodelarts.local.core import ROUTES
from tests.local.caller import Caller, calling, config, eventually, where
from tests.local.test_gate import login
from tests.support.contract import CONTRACT, DOCUMENT

STYLES = ["tidy", *(f"varied:{seed}" for seed in range(12))]


@cache
def operations() -> dict[str, dict]:
    return {
        operation["operationId"]: operation
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method in ("get", "post", "put", "delete")
    }


@cache
def validator(operation: str, *, good: bool) -> Draft202012Validator:
    registry = Registry().with_resource("urn:contract", Resource(DOCUMENT, DRAFT202012))
    name = "201" if operation == "createToken" else "200"
    schema = operations()[operation]["responses"][name]["content"]["application/json"]["schema"]
    wanted = schema["anyOf"][0] if good and "anyOf" in schema else schema
    if not good:
        wanted = {"$ref": "#/components/schemas/AnyError"}
    absolute = orjson.loads(orjson.dumps(wanted).replace(b"#/components", b"urn:contract#/components"))
    return Draft202012Validator(absolute, registry=registry)


class Judge(Caller):
    """Calls operations by name and holds every answer against the contract."""

    def __init__(self, access, http) -> None:
        super().__init__(access, http)
        self.seen: dict[str, set[bool]] = {}

    async def operate(self, name: str, path: str, query=None, body=None):
        route = next(route for route in ROUTES if route.name == name)
        reply = await self.call(route.method, path, query, body)
        await asyncio.to_thread(self.judge, name, reply)
        return reply

    def judge(self, name: str, reply) -> None:
        assert reply.status < 500, reply
        if reply.status == 204:
            assert name == "getTrainingJobLog"
            return
        good = reply.status < 300 and "error_code" not in reply.json
        try:
            validator(name, good=good).validate(reply.json)
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{name} answered {reply.json}: {error.message}") from error
        self.seen.setdefault(name, set()).add(good)


def test_the_platform_has_the_27_operations_of_the_contract():
    assert {route.name for route in ROUTES} == set(operations())
    assert len(ROUTES) == 27
    for template, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "delete"):
                route = next(route for route in ROUTES if route.name == operation["operationId"])
                assert (route.method, route.path) == (method.upper(), template)


@pytest.mark.parametrize("style", STYLES)
async def test_every_operation_answers_within_the_contract(tmp_path, style):
    options = {"executor": "simulated", "simulate": "duration=0.1,log_lines=7", "answers": style}
    async with LocalPlatform(tmp_path, **options) as platform, calling(platform) as plain:
        judge = Judge(platform, plain.http)
        await everything(judge)
        assert set(judge.seen) == set(operations())
        assert all(True in seen for seen in judge.seen.values()), judge.seen


async def everything(judge: Judge) -> None:
    """Each operation once at least, and what can be refused is refused too."""
    request = judge.request("POST", "/v3/auth/tokens", body=login(judge.access))
    judge.judge("createToken", await judge.send(request, {}))
    body = {"job_name": "demo", "job_desc": "d", "config": config(parameter=[{"label": "lr", "value": "0.1"}])}
    made = (await judge.operate("createTrainingJob", "training-jobs", body=body)).json
    job, first = int(made["job_id"]), int(made["version_id"])
    await judge.operate("createTrainingJob", "training-jobs", body=body)
    algorithm = config(pre_version_id=str(first), app_url=None, boot_file_url=None, engine_id=None, model_id="4")
    body = {"config": {**algorithm, "parameter": [{"label": "lr", "value": "0.1"}]}}
    second = (await judge.operate("createTrainingJobVersion", f"training-jobs/{job}/versions", body=body)).json
    version = f"training-jobs/{job}/versions/{second['version_id']}"
    await eventually(lambda: judge.call("GET", version), lambda reply: int(reply.json["status"]) == 10)
    for query in ({}, {"page": 0}, {"page": 1, "per_page": 1}, {"page": 9}, {"per_page": 1001}):
        await judge.operate("listTrainingJobVersions", f"training-jobs/{job}/versions", query)
    await judge.operate("getTrainingJobVersion", version)
    await judge.operate("getTrainingJobVersion", f"training-jobs/{job}/versions/999")
    await judge.operate("listTrainingJobs", "training-jobs", {"status": 10})
    await judge.operate("updateTrainingJobDescription", f"training-jobs/{job}", body={"job_desc": ""})
    await judge.operate("listTrainingJobLogFiles", version + "/log/file-names")
    await judge.operate("getTrainingJobLog", version + "/aom-log", {"log_file": "demo.0", "lines": 3})
    await judge.operate("getTrainingJobLog", version + "/aom-log", {"log_file": "none"})
    await judge.operate("stopTrainingJobVersion", version + "/stop")
    await look_up(judge)
    await configure(judge)
    await visualize(judge)
    await judge.operate("deleteTrainingJobVersion", version)
    await judge.operate("deleteTrainingJob", f"training-jobs/{job}")
    made = (await judge.operate("createTrainingJob", "training-jobs", body={"job_name": "s", "config": config()})).json
    await judge.operate("stopTrainingJobVersion", where(made) + "/stop")


async def look_up(judge: Judge) -> None:
    await judge.operate("listResourceSpecs", "job/resource-specs", {"job_type": "train", "engine_id": 1})
    await judge.operate("listEngines", "job/ai-engines", {"job_type": "train"})
    found = await judge.operate("listBuiltInAlgorithms", "built-in-algorithms", {"per_page": 100, "order": "asc"})
    assert len(found.json["models"]) >= 41
    await judge.operate("listBuiltInAlgorithms", "built-in-algorithms", {"per_page": 101})


async def configure(judge: Judge) -> None:
    settings = config(parameter=[{"label": "lr", "value": 0.1}])
    await judge.operate("createTrainingJobConfig", "training-job-configs", body={"config_name": "c", **settings})
    await judge.operate("createTrainingJobConfig", "training-job-configs", body={"config_name": "c", **settings})
    await judge.operate("listTrainingJobConfigs", "training-job-configs", {"sortBy": "create_time"})
    await judge.operate("getTrainingJobConfig", "training-job-configs/c")
    await judge.operate("updateTrainingJobConfig", "training-job-configs/c", body={**settings, "config_desc": "n"})
    await judge.operate("deleteTrainingJobConfig", "training-job-configs/c")
    await judge.operate("getTrainingJobConfig", "training-job-configs/c")


async def visualize(judge: Judge) -> None:
    body = {"job_name": "v", "train_url": "/b/o/", "schedule": [{"type": "stop", "time_unit": "HOURS", "duration": 1}]}
    made = (await judge.operate("createVisualizationJob", "visualization-jobs", body=body)).json
    place = f"visualization-jobs/{made['job_id']}"
    await reach(judge, place, 8)
    await look_at(judge, (await judge.call("GET", place)).json["service_url"])
    await judge.operate("listVisualizationJobs", "visualization-jobs", {"search_content": "V"})
    await judge.operate("updateVisualizationJobDescription", place, body={"job_desc": "x"})
    await judge.operate("restartVisualizationJob", place + "/restart")
    await judge.operate("stopVisualizationJob", place + "/stop")
    await judge.operate("stopVisualizationJob", place + "/stop")
    await judge.operate("deleteVisualizationJob", place)
    await reach(judge, place, 12)
    await judge.operate("restartVisualizationJob", place + "/restart")
    await judge.operate("deleteVisualizationJob", place)


async def look_at(judge: Judge, address: str) -> None:
    async with judge.http.get(address) as page:
        assert page.status == 200
        assert "Visualization job v (tensorboard) of /b/o/" in await page.text()


async def reach(judge: Judge, place: str, status: int) -> None:
    def ask():
        return judge.operate("getVisualizationJob", place)

    await eventually(ask, lambda reply: int(reply.json["status"]) == status)


def examples() -> list[dict]:
    return [orjson.loads(place.read_bytes()) for place in sorted((CONTRACT / "examples").glob("*.json"))]


@pytest.mark.parametrize("example", [one for one in examples() if one["request"] and one["operation"] != "createToken"],
                         ids=lambda one: one["operation"] + ":" + one["note"][:20])  # fmt: skip
async def test_the_documents_requests_are_served(simulated_caller, example):
    judge = Judge(simulated_caller.access, simulated_caller.http)
    path = example["path"].replace("{project_id}", judge.access.project_id)
    if "/10" in path:
        made = await judge.create_job()
        path = path.replace("/training-jobs/10", f"/training-jobs/{made['job_id']}")
    if example["operation"].endswith("VisualizationJobDescription"):
        body = {"job_name": "v", "train_url": "/b/o/"}
        made = (await judge.operate("createVisualizationJob", "visualization-jobs", body=body)).json
        path = path.rpartition("/")[0] + f"/{made['job_id']}"
    reply = await judge.operate(example["operation"], path, example["query"], example["request"])
    assert reply.status == 200, reply
