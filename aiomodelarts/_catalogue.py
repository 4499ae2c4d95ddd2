"""Names become numbers: what is offered is asked for once in a while, and a name has to match exactly one row."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Generic, TypeVar

from ._clock import Clock
from ._net.singleflight import SingleFlight
from ._paging import all_rows
from .errors import InvalidArgument, nearest
from .models.catalog import (
    BuiltInAlgorithm,
    BuiltInAlgorithmPage,
    Engine,
    EngineList,
    ResourceSpec,
    ResourceSpecList,
)
from .models.listing import ALGORITHMS, ListQuery

T = TypeVar("T")
LIFETIME_S = 600.0


class Lookup(Generic[T]):
    """A list that is asked for when somebody wants it, and is then good for a while.

    Args:
        read: asks the service.
        clock: measures the age.
        lifetime_s: seconds that an answer is good for.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, tuple[T, ...]]], clock: Clock, lifetime_s: float) -> None:
        self._read = SingleFlight(read)
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._rows: tuple[T, ...] | None = None
        self._until = 0.0

    async def __call__(self) -> tuple[T, ...]:
        """The rows; callers at the same time share one question."""
        if self._rows is None or self._clock.monotonic() >= self._until:
            self._rows = await self._read()
            self._until = self._clock.monotonic() + self._lifetime_s
        return self._rows

    async def close(self) -> None:
        """Give up what is under way."""
        await self._read.close()


class Catalogue:
    """What the service offers for training.

    Args:
        read_specs: asks for the flavours.
        read_engines: asks for the engines.
        read_algorithms: asks for a page of the built-in algorithms.
        clock: measures ages.
        lifetime_s: seconds that an answer is good for.
    """

    def __init__(
        self,
        read_specs: Callable[[], Awaitable[ResourceSpecList]],
        read_engines: Callable[[], Awaitable[EngineList]],
        read_algorithms: Callable[[ListQuery], Awaitable[BuiltInAlgorithmPage]],
        clock: Clock,
        lifetime_s: float = LIFETIME_S,
    ) -> None:
        async def specs() -> tuple[ResourceSpec, ...]:
            return (await read_specs()).specs

        async def engines() -> tuple[Engine, ...]:
            return (await read_engines()).engines

        async def algorithms() -> tuple[BuiltInAlgorithm, ...]:
            async def read(page: int, per_page: int) -> Sequence[BuiltInAlgorithm]:
                query = ListQuery.of(ALGORITHMS, page=page, per_page=per_page, sort_by="model_name", order="asc")
                return (await read_algorithms(query)).models

            rows = all_rows(read, lambda row: row.model_id, ALGORITHMS.max_per_page)
            return tuple([row async for row in rows])

        self.specs = Lookup(specs, clock, lifetime_s)
        self.engines = Lookup(engines, clock, lifetime_s)
        self.algorithms = Lookup(algorithms, clock, lifetime_s)

    async def close(self) -> None:
        """Give up what is under way."""
        await self.specs.close()
        await self.engines.close()
        await self.algorithms.close()


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


def the_algorithm(algorithms: Iterable[BuiltInAlgorithm], model_name: str) -> BuiltInAlgorithm:
    """The one built-in algorithm with this name; raises as ``the_spec`` does."""
    known = {algorithm.model_id: algorithm for algorithm in algorithms}.values()
    found = [algorithm for algorithm in known if algorithm.model_name == model_name]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(algorithm.model_id) for algorithm in found)
        raise InvalidArgument("model_name", model_name, f"{len(found)} algorithms have this name (model_id {ids})")
    names = sorted({algorithm.model_name for algorithm in known if algorithm.model_name})
    raise InvalidArgument(
        "model_name", model_name, f"the algorithms are {_list(names)}", nearest=nearest(model_name, names)
    )


def _list(names: list[str]) -> str:
    return ", ".join(names) if names else "none"
