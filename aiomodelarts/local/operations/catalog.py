"""Specifications, engines and built-in algorithms."""

from collections.abc import Callable

from aiomodelarts.local import queries
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.catalogue import (
    ALGORITHMS,
    ENGINES,
    SPECS,
    Algorithm,
    algorithm_row,
    engine_row,
    spec_row,
)

_JOB_TYPES = ("train", "inference")
_ALGORITHM_KEYS: dict[str, Callable[[Algorithm], object]] = {
    "engine": lambda algorithm: (algorithm.engine_id, algorithm.model_id),
    "model_name": lambda algorithm: (algorithm.name, algorithm.model_id),
    "model_precision": lambda algorithm: (algorithm.precision, algorithm.model_id),
    "model_usage": lambda algorithm: (algorithm.usage, algorithm.model_id),
    "model_size": lambda algorithm: algorithm.model_id,
    "create_time": lambda algorithm: algorithm.model_id,
    "parameter": lambda algorithm: (algorithm.parameters, algorithm.model_id),
}


async def list_resource_specs(platform: Platform, call: Call) -> Answer:  # noqa: ARG001 - one shape for all operations
    """Every specification: each fits every engine here."""
    queries.choice(call.query, "job_type", _JOB_TYPES, "train")
    queries.integer(call.query, "engine_id", 0, 0)
    queries.integer(call.query, "project_type", 0, 0)
    rows = [spec_row(spec) for spec in SPECS.values()]
    return Answer(200, {"specs": rows, "spec_total_count": len(rows)})


async def list_engines(platform: Platform, call: Call) -> Answer:  # noqa: ARG001
    """Every engine."""
    queries.choice(call.query, "job_type", _JOB_TYPES, "train")
    return Answer(200, {"engines": [engine_row(engine) for engine in ENGINES.values()]})


async def list_built_in_algorithms(platform: Platform, call: Call) -> Answer:  # noqa: ARG001
    """A page of the built-in algorithms whose name holds the text looked for."""
    number, per_page = queries.page(call.query, 100)
    key = queries.choice(call.query, "sortBy", _ALGORITHM_KEYS, "engine")
    order = queries.choice(call.query, "order", ("asc", "desc"), "desc")
    wanted = queries.search(call.query)
    found = [algorithm for algorithm in ALGORITHMS.values() if wanted in algorithm.name.lower()]
    found.sort(key=_ALGORITHM_KEYS[key], reverse=order == "desc")  # type: ignore[arg-type]
    start = (number - 1) * per_page
    rows = [algorithm_row(algorithm) for algorithm in found[start : start + per_page]]
    return Answer(200, {"models": rows, "model_total_count": len(found)})
