"""The contract as tests read it: its operations, its strict request schemas, its samples."""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import yaml
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from aiomodelarts._wire import catalog, configs, iam, logs, training, visualization
from aiomodelarts._wire.call import Call, Site
from aiomodelarts._wire.message import Request
from aiomodelarts.credentials import AccountLogin
from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.models.configuration import ConfigurationSpec
from aiomodelarts.models.listing import ALGORITHMS, CONFIGS, JOBS, VISUALIZATIONS, ListQuery, ListRules
from aiomodelarts.models.spec import Inputs, TrainingSpec
from aiomodelarts.models.visualization import VisualizationSpec

CONTRACT = Path(__file__).parent.parent / "contract"
SITE = Site("https://modelarts.region.example.com", "0123456789abcdef0123456789abcdef", "workspace")
_METHODS = ("get", "post", "put", "delete")


# Read when the module is, since tests on a loop may not read files.
DOCUMENT: dict[str, Any] = yaml.load((CONTRACT / "modelarts-v1.openapi.yaml").read_text(), yaml.CSafeLoader)


@cache
def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Operation id to method, path and description."""
    return {
        described["operationId"]: (method.upper(), path, {**item, **described})
        for path, item in DOCUMENT["paths"].items()
        for method, described in item.items()
        if method in _METHODS
    }


@cache
def samples() -> dict[str, dict[str, Any]]:
    """File name to sample."""
    return {path.stem: orjson.loads(path.read_bytes()) for path in sorted((CONTRACT / "examples").glob("*.json"))}


def complaints(request: Request, operation: str) -> list[str]:
    """What the strict request form of the contract has against a request."""
    method, path, described = operations()[operation]
    found = [] if request.method == method else [f"method {request.method}"]
    found += [] if _matches(request.path, path) else [f"path {request.path}"]
    declared = {
        one["name"]: one["schema"]
        for one in map(_resolved, [*DOCUMENT["paths"][path].get("parameters", ()), *described.get("parameters", ())])
        if one["in"] == "query"
    }
    for name, text in request.query:
        if name not in declared:
            found.append(f"query {name}")
            continue
        schema = declared[name]
        value: Any = int(text) if schema["type"] == "integer" else text
        found += [f"query {name}: {error.message}" for error in _validator(schema).iter_errors(value)]
    if "requestBody" not in described:
        return found + (["a body"] if request.body else [])
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    return found + [f"body: {error.message}" for error in _validator(schema).iter_errors(orjson.loads(request.body))]


def _matches(path: str, template: str) -> bool:
    given, wanted = unquote(path).split("/"), template.split("/")
    return len(given) == len(wanted) and all(b.startswith("{") or a == b for a, b in zip(given, wanted, strict=True))


def _resolved(described: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in described:
        found: dict[str, Any] = DOCUMENT["components"]["parameters"][described["$ref"].rpartition("/")[2]]
        return found
    return described


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    registry = Registry().with_resource("urn:contract", Resource(DOCUMENT, DRAFT202012))
    absolute = orjson.loads(orjson.dumps(schema).replace(b"#/components", b"urn:contract#/components"))
    return Draft202012Validator(absolute, registry=registry)


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_INTEGER = st.integers(-(2**63), 2**63 - 1)
_NUMBER = st.floats(allow_nan=False, allow_infinity=False) | _INTEGER
_ANY = st.recursive(
    st.none() | st.booleans() | _NUMBER | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)


@cache
def good_answers(operation: str) -> st.SearchStrategy[Any]:
    """All that the contract allows a good answer of an operation to be, but for ids that are null."""
    (described,) = (told for status, told in operations()[operation][2]["responses"].items() if status[0] == "2")
    schema = described["content"]["application/json"]["schema"]
    return _values(schema.get("anyOf", [schema])[0])


def _values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    schema = _flat(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "anyOf" in schema:
        return st.one_of([_values(one) for one in schema["anyOf"]])
    types = schema.get("type", "object" if "properties" in schema else None)
    if types is None:
        return _ANY
    makers = {
        "null": lambda _: st.none(),
        "boolean": lambda _: st.booleans(),
        "integer": lambda _: _INTEGER,
        "number": lambda _: _NUMBER,
        "string": _texts,
        "array": lambda one: st.lists(_values(one.get("items", {})), max_size=3),
        "object": _objects,
    }
    return st.one_of([makers[one](schema) for one in ([types] if isinstance(types, str) else types)])


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "contentSchema" in schema:
        return _values(schema["contentSchema"]).map(lambda value: orjson.dumps(value).decode())
    if "pattern" in schema:
        return _INTEGER.map(str)
    return st.just("2020-01-08T02:56:19.587000Z") if schema.get("format") == "date-time" else _TEXT


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    members = dict(schema.get("properties", {}))
    required = set(schema.get("required", ()))
    told = {name: _values(one) for name, one in members.items()}
    if "parameter" in told:
        told["parameter"] = st.lists(_values(_PARAMETER), max_size=3).flatmap(_as_list_or_text) | st.none()
    for name in required:
        told[name] = told[name].filter(lambda value: value is not None)
    return st.fixed_dictionaries(
        {name: one for name, one in told.items() if name in required},
        optional={name: one for name, one in told.items() if name not in required},
    )


def _as_list_or_text(rows: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([rows, orjson.dumps(rows).decode()])


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what it refers to and what it is made of in one."""
    flat: dict[str, Any] = {}
    for part in schema.get("allOf", ()):
        flat = _together(flat, _flat(part))
    if "$ref" in schema:
        flat = _together(flat, _flat(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]))
    return _together(flat, {name: value for name, value in schema.items() if name not in ("allOf", "$ref")})


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    joined = {**one, **other}
    for name in ("properties", "required"):
        if name in one and name in other:
            joined[name] = {**one[name], **other[name]} if name == "properties" else [*one[name], *other[name]]
    return joined


_PARAMETER = {"$ref": "#/components/schemas/ParameterReadback"}
_CONFIG = {"worker_server_num": 1, "spec_id": 2, "app_url": "/b/src/", "boot_file_url": "/b/src/t.py", "engine_id": 1}
_LOGIN = AccountLogin(account="tenant", username="user", password="secret")


def _run(**changes: Any) -> TrainingSpec:
    given: dict[str, Any] = {
        "config": _CONFIG,
        "inputs": Inputs.of("/b/data/"),
        "hyperparameters": Hyperparameters.of({"lr": 0.1, "flag": True}),
        "output_path": "/b/out/",
    }
    return TrainingSpec(**{**given, **changes})


def _config() -> ConfigurationSpec:
    return ConfigurationSpec(
        config_name="saved",
        config_desc="",
        config=_CONFIG,
        inputs=Inputs.of(data_source=[{"dataset_id": "d", "dataset_version": "v"}]),
        hyperparameters=Hyperparameters.of({"lr": 0.1}),
        output_path="/b/out/",
    )


def _page(rules: ListRules, **given: Any) -> ListQuery:
    return ListQuery.of(rules, search_content="a", **given)


def calls() -> dict[str, Call[Any]]:
    """Operation id to a call of each of the 27 operations."""
    board = VisualizationSpec(job_name="board", train_url="/b/out/", job_type="MindInsight", flavor="f", stop_after_h=1)
    return {
        "createToken": iam.create_token("https://iam.region.example.com", _LOGIN, project_id="p", region_name="r"),
        "createTrainingJob": training.create_training_job(SITE, _run(job_name="demo")),
        "listTrainingJobs": training.list_training_jobs(SITE, _page(JOBS, status=8)),
        "updateTrainingJobDescription": training.update_training_job_description(SITE, 10, ""),
        "deleteTrainingJob": training.delete_training_job(SITE, 10),
        "createTrainingJobVersion": training.create_training_job_version(SITE, _run(job_id=10, pre_version_id=20)),
        "listTrainingJobVersions": training.list_training_job_versions(SITE, 10, 2),
        "getTrainingJobVersion": training.get_training_job_version(SITE, 10, 20),
        "deleteTrainingJobVersion": training.delete_training_job_version(SITE, 10, 20),
        "stopTrainingJobVersion": training.stop_training_job_version(SITE, 10, 20),
        "listTrainingJobLogFiles": logs.list_training_job_log_files(SITE, 10, 20),
        "getTrainingJobLog": logs.get_training_job_log(SITE, 10, 20, "job.0", "1563172362000000000"),
        "listBuiltInAlgorithms": catalog.list_built_in_algorithms(SITE, _page(ALGORITHMS)),
        "listResourceSpecs": catalog.list_resource_specs(SITE),
        "listEngines": catalog.list_engines(SITE),
        "createTrainingJobConfig": configs.create_training_job_config(SITE, _config()),
        "listTrainingJobConfigs": configs.list_training_job_configs(SITE, _page(CONFIGS), "custom"),
        "getTrainingJobConfig": configs.get_training_job_config(SITE, "saved"),
        "updateTrainingJobConfig": configs.update_training_job_config(SITE, _config()),
        "deleteTrainingJobConfig": configs.delete_training_job_config(SITE, "saved"),
        "createVisualizationJob": visualization.create_visualization_job(SITE, board),
        "listVisualizationJobs": visualization.list_visualization_jobs(SITE, _page(VISUALIZATIONS, status="8")),
        "getVisualizationJob": visualization.get_visualization_job(SITE, 10),
        "updateVisualizationJobDescription": visualization.update_visualization_job_description(SITE, 10, "new"),
        "deleteVisualizationJob": visualization.delete_visualization_job(SITE, 10),
        "stopVisualizationJob": visualization.stop_visualization_job(SITE, 10),
        "restartVisualizationJob": visualization.restart_visualization_job(SITE, 10),
    }
