"""What can be chosen."""

from ..models.catalog import BuiltInAlgorithmPage, Engine, ResourceSpec
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
