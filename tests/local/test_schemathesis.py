"""A judge from outside: schemathesis makes requests of the contract and holds the answers against it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from aiomodelarts.local.core import ROUTES
from tests.support.platform import served

CONTRACT = Path(__file__).parent.parent / "contract" / "modelarts-v1.openapi.yaml"
CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance]
CASES_PER_OPERATION = 20
IDS = {"job_id": "$response.body#/job_id", "version_id": "$response.body#/version_id"}
STEPS = ("getTrainingJobVersion", "stopTrainingJobVersion", "deleteTrainingJobVersion", "listTrainingJobVersions",
         "createTrainingJobVersion", "listTrainingJobLogFiles")  # fmt: skip


@pytest.fixture(scope="module", params=["tidy", "varied:1"])
def access(request, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A platform in a process of its own, and a token for it."""
    options = ("--executor", "simulated", "--simulate", "duration=0..1", "--answers", request.param)
    with served(tmp_path_factory.mktemp("judged") / "root", *options) as (_, told):
        yield told


@pytest.fixture(scope="module")
def token(access) -> str:
    import http.client

    user = {"name": access.username, "password": access.password, "domain": {"name": access.account}}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": access.project_id}}}}
    line = http.client.HTTPConnection(access.iam_endpoint.removeprefix("http://"))
    line.request("POST", "/v3/auth/tokens", orjson.dumps(body), {"Content-Type": "application/json"})
    value = line.getresponse().headers["X-Subject-Token"]
    line.close()
    return value


def document(access) -> dict:
    """The contract for this platform: its project, its address, and the links between a job and its versions."""
    held = orjson.loads(orjson.dumps(yaml.load(CONTRACT.read_text(), yaml.CSafeLoader)))
    held["servers"] = [{"url": access.modelarts_endpoint}]
    held["components"]["parameters"]["ProjectId"]["schema"] = {"type": "string", "enum": [access.project_id]}
    for item in held["paths"].values():
        # Another project in the header than in the path is refused, which test_gate tries.
        item["parameters"] = [
            one for one in item.get("parameters", ()) if not one.get("$ref", "").endswith("XProjectId")
        ]
        for operation in (one for method, one in item.items() if method in ("get", "post", "put", "delete")):
            operation.pop("servers", None)
            responses = operation["responses"]
            # No success status is printed for the v1 calls: every 2xx is one (quirk 9). A log may be an empty 204.
            good = responses.get("200") or responses["201"]
            responses |= {"200": good, "201": good, "202": good, "204": {"description": "Nothing yet."}}
            responses |= {status: responses["400"] for status in ("405", "413") if "400" in responses}
            if operation["operationId"] in ("createTrainingJob", "createTrainingJobVersion"):
                good["links"] = {name: _link(held, name, access.project_id) for name in STEPS}
    return held


def _link(held: dict, name: str, project_id: str) -> dict:
    path = next(
        path for path, item in held["paths"].items() for one in item.values()
        if isinstance(one, dict) and one.get("operationId") == name
    )  # fmt: skip
    ids = {member: where for member, where in IDS.items() if "{" + member + "}" in path}
    return {"operationId": name, "parameters": {"project_id": project_id, **ids}}


@pytest.fixture(scope="module")
def contract(access):
    return schemathesis.openapi.from_dict(document(access))


NAMES = [route.name for route in ROUTES if route.name != "createToken"]


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_within_the_contract(contract, access, token, name):
    operation = contract.find_operation_by_id(name)

    @given(case=operation.as_strategy())
    @settings(max_examples=CASES_PER_OPERATION, deadline=None, suppress_health_check=list(HealthCheck))
    def judge(case):
        case.call_and_validate(
            base_url=access.modelarts_endpoint, headers={"X-Auth-Token": token}, checks=CHECKS, timeout=30
        )

    judge()


# Hypothesis repeats its steps and expects the same answers to lead to the same steps.
@pytest.mark.parametrize("access", ["tidy"], indirect=True)
def test_a_job_its_versions_stops_and_deletions_in_any_order(contract, access, token):
    names = count()

    class Workflow(contract.as_state_machine()):
        def before_call(self, case):
            # A name is taken once, also by a repetition of the same steps.
            if case.operation.definition.raw["operationId"] == "createTrainingJob" and isinstance(case.body, dict):
                case.body["job_name"] = f"job-{next(names)}"

        def get_call_kwargs(self, case):
            return {"headers": {"X-Auth-Token": token}, "base_url": access.modelarts_endpoint, "timeout": 30}

        def validate_response(self, response, case, additional_checks=(), **kwargs):
            case.validate_response(response, checks=CHECKS)

    Workflow.run(settings=settings(max_examples=10, stateful_step_count=8, deadline=None,
                                   suppress_health_check=list(HealthCheck)))  # fmt: skip
