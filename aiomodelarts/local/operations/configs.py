"""Saved configurations. The name is the key."""

from collections.abc import Callable

from aiomodelarts.local import bodies, queries, refusals, rows
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.board import Configuration
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.operations.training import check_paths
from aiomodelarts.local.records import Change, RecordError

_KEYS: dict[str, Callable[[Configuration], object]] = {
    "config_name": lambda configuration: configuration.name,
    "config_desc": lambda configuration: (configuration.desc, configuration.name),
    "create_time": lambda configuration: (configuration.create_ms, configuration.name),
}
_TYPES = ("custom", "sample")


def _find(platform: Platform, call: Call) -> Configuration:
    name = bodies.name_text(dict(call.path), "config_name", 64)
    found = platform.board.configs.get(name)
    if found is None:
        raise refusals.unknown_job(f"configuration {name}")
    return found


async def _keep(platform: Platform, configuration: Configuration) -> None:
    try:
        await platform.ports.journal.write([configuration.record()])
    except RecordError:
        raise refusals.no_room() from None
    platform.board.configs[configuration.name] = configuration


async def create_training_job_config(platform: Platform, call: Call) -> Answer:
    """Save settings under a new name."""
    body = call.body()
    name = bodies.name_text(body, "config_name", 64)
    desc = bodies.description(body, "config_desc") or ""
    settings = bodies.run_settings(body, input_required=False)
    await check_paths(platform, settings)
    if name in platform.board.configs or name in platform.board.promised_configs:
        raise refusals.name_taken("configuration", name)
    platform.board.promised_configs.add(name)
    try:
        await _keep(platform, Configuration(name, desc, platform.now_ms(), settings))
    finally:
        platform.board.promised_configs.discard(name)
    return Answer(200, {})


async def list_training_job_configs(platform: Platform, call: Call) -> Answer:
    """A page of the configurations. There are no sample configurations here."""
    number, per_page = queries.page(call.query, 1000)
    key = queries.choice(call.query, "sortBy", _KEYS, "config_name")
    order = queries.choice(call.query, "order", ("asc", "desc"), "desc")
    wanted = queries.search(call.query)
    kind = queries.choice(call.query, "config_type", _TYPES, "custom")
    own = platform.board.configs.values() if kind == "custom" else ()
    now = platform.now_ms()
    found = [one for one in own if call.shows(one.create_ms, now) and wanted in one.name.lower()]
    found.sort(key=_KEYS[key], reverse=order == "desc")  # type: ignore[arg-type]
    start = (number - 1) * per_page
    page = [rows.configuration_row(configuration) for configuration in found[start : start + per_page]]
    return Answer(200, {"config_total_count": len(found), "configs": page})


async def get_training_job_config(platform: Platform, call: Call) -> Answer:
    """One configuration."""
    queries.choice(call.query, "config_type", _TYPES, "custom")
    return Answer(200, rows.configuration_detail(_find(platform, call)))


async def update_training_job_config(platform: Platform, call: Call) -> Answer:
    """Replace a configuration whole."""
    earlier = _find(platform, call)
    body = call.body()
    desc = bodies.description(body, "config_desc") or ""
    settings = bodies.run_settings(body, input_required=False)
    await check_paths(platform, settings)
    await _keep(platform, Configuration(earlier.name, desc, earlier.create_ms, settings))
    return Answer(200, {})


async def delete_training_job_config(platform: Platform, call: Call) -> Answer:
    """Forget a configuration."""
    found = _find(platform, call)
    del platform.board.configs[found.name]
    platform.ports.journal.note([Change("configs", found.name, None)])
    return Answer(200, {})
