"""What can be chosen."""

from typing import Any

from .._catalogue import the_algorithm, the_engine, the_spec
from ..errors import InvalidArgument
from ..models.catalog import BuiltInAlgorithmPage, Engine, ResourceSpec
from ..models.spec import RunSettings
from ..session import AsyncSession


async def get_built_in_algorithms(modelarts_session: AsyncSession) -> BuiltInAlgorithmPage:
    """All built-in algorithms (listBuiltInAlgorithms, page after page); an answer is good for ten minutes."""
    models = await modelarts_session.algorithms()
    return BuiltInAlgorithmPage(models=models, model_total_count=len(models))


async def get_train_instance_types(modelarts_session: AsyncSession) -> tuple[ResourceSpec, ...]:
    """The flavours for training (listResourceSpecs); an answer is good for ten minutes.

    ``spec_code`` is what an estimator's ``train_instance_type`` takes.
    """
    return await modelarts_session.flavors()


async def get_framework_list(modelarts_session: AsyncSession) -> tuple[Engine, ...]:
    """The engines for training, with ``framework_type`` and ``framework_version`` (listEngines).

    An answer is good for ten minutes.
    """
    return await modelarts_session.engines()


async def resolved(session: AsyncSession, settings: RunSettings) -> dict[str, Any]:
    """The members of ``config`` that are the same for every run of these settings, with names turned into numbers.

    Raises:
        InvalidArgument: for a name that does not match exactly one row, or more nodes than the flavour takes.
    """
    spec_id = engine_id = model_id = None
    if settings.train_instance_type is not None:
        spec = the_spec(await session.flavors(), settings.train_instance_type)
        if spec.max_num is not None and settings.train_instance_count > spec.max_num:
            allowed = f"{spec.spec_code} takes at most {spec.max_num}"
            raise InvalidArgument("train_instance_count", settings.train_instance_count, allowed)
        spec_id = spec.spec_id
    if settings.framework_type is not None and settings.framework_version is not None:
        engines = await session.engines()
        engine_id = the_engine(engines, settings.framework_type, settings.framework_version).engine_id
    if settings.model_name is not None:
        model_id = the_algorithm(await session.algorithms(), settings.model_name).model_id
    return settings.as_wire(spec_id=spec_id, engine_id=engine_id, model_id=model_id)
