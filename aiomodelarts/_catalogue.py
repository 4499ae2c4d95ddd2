"""Names become numbers: flavours and engines are looked up once a session, and have to match exactly one row."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from ._net.singleflight import SingleFlight
from .errors import InvalidArgument, nearest
from .models.catalog import Engine, EngineList, ResourceSpec, ResourceSpecList


class Catalogue:
    """What the service offers, asked for at most once.

    Args:
        read_specs: asks for the flavours.
        read_engines: asks for the engines.
    """

    def __init__(
        self,
        read_specs: Callable[[], Coroutine[Any, Any, ResourceSpecList]],
        read_engines: Callable[[], Coroutine[Any, Any, EngineList]],
    ) -> None:
        self._read_specs = SingleFlight(read_specs)
        self._read_engines = SingleFlight(read_engines)
        self._specs: tuple[ResourceSpec, ...] | None = None
        self._engines: tuple[Engine, ...] | None = None

    async def specs(self) -> tuple[ResourceSpec, ...]:
        """The flavours for training."""
        if self._specs is None:
            self._specs = (await self._read_specs()).specs
        return self._specs

    async def engines(self) -> tuple[Engine, ...]:
        """The engines for training."""
        if self._engines is None:
            self._engines = (await self._read_engines()).engines
        return self._engines

    async def close(self) -> None:
        """Give up what is under way."""
        await self._read_specs.close()
        await self._read_engines.close()


def the_spec(specs: Iterable[ResourceSpec], code: str) -> ResourceSpec:
    """The one flavour with this code.

    Raises:
        InvalidArgument: when there is none, or more than one; it lists the candidates.
    """
    known = {spec.spec_id: spec for spec in specs}
    found = [spec for spec in known.values() if spec.spec_code == code]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(spec.spec_id) for spec in found)
        raise InvalidArgument("train_instance_type", code, f"{len(found)} flavours have this code (spec_id {ids})")
    codes = sorted({spec.spec_code for spec in known.values() if spec.spec_code})
    raise InvalidArgument("train_instance_type", code, f"the flavours are {_list(codes)}", nearest=nearest(code, codes))


def the_engine(engines: Iterable[Engine], framework_type: str, framework_version: str) -> Engine:
    """The one engine with this type and version; raises as ``the_spec`` does."""
    known = {engine.engine_id: engine for engine in engines}.values()
    types = sorted({engine.engine_name for engine in known if engine.engine_name})
    of_type = [engine for engine in known if engine.engine_name == framework_type]
    if not of_type:
        allowed = f"the framework types are {_list(types)}"
        raise InvalidArgument("framework_type", framework_type, allowed, nearest=nearest(framework_type, types))
    found = [engine for engine in of_type if engine.engine_version == framework_version]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(engine.engine_id) for engine in found)
        allowed = f"{len(found)} engines of {framework_type} have this version (engine_id {ids})"
        raise InvalidArgument("framework_version", framework_version, allowed)
    versions = sorted({engine.engine_version for engine in of_type if engine.engine_version})
    allowed = f"the versions of {framework_type} are {_list(versions)}"
    raise InvalidArgument("framework_version", framework_version, allowed, nearest=nearest(framework_version, versions))


def _list(names: list[str]) -> str:
    return ", ".join(names) if names else "none"
