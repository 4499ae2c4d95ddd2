"""Verbs on saved configurations."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from .._create.identity import is_saved
from .._create.outcomes import Outcome, outcome_of
from .._paging import all_rows
from .._wire import configs
from ..errors import AlreadyExists, CreateOutcomeUnknown, InvalidArgument, ModelArtsError, NotFound, Where
from ..models.configuration import Configuration, ConfigurationPage, ConfigurationSpec, ConfigurationSummary
from ..models.listing import CONFIGS, ListQuery, check_limit
from ..session import AsyncSession
from .pointers import PointsAtConfig, config_of
from .polling import until

_CREATE = Where("createTrainingJobConfig")
ConfigType = Literal["custom", "sample"]


async def get_job_configs_list(
    modelarts_session: AsyncSession,
    *,
    per_page: int = 10,
    page: int = 1,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    config_type: ConfigType = "custom",
    sortBy: str | None = None,  # noqa: N803
) -> ConfigurationPage:
    """One page of the configurations (listTrainingJobConfigs).

    Args:
        modelarts_session: asks the platform.
        per_page: 1 to 1000.
        page: 1 to 65535.
        sort_by: ``config_name`` (as when None), ``config_desc`` or ``create_time``.
        order: ``asc`` (as when None) or ``desc``.
        search_content: only those whose name holds this text of at most 64 characters.
        config_type: own ones (``custom``) or the platform's (``sample``).
        sortBy: another name of ``sort_by``.

    Raises:
        InvalidArgument: before anything is sent.
    """
    query = ListQuery.of(
        CONFIGS,
        per_page=per_page,
        page=page,
        sort_by=sort_by,
        order=order,
        search_content=search_content,
        sortBy=sortBy,
    )
    return await modelarts_session.perform(configs.list_training_job_configs, query, _kind(config_type))


def iter_job_configs(
    modelarts_session: AsyncSession,
    *,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    config_type: ConfigType = "custom",
    limit: int | None = None,
) -> AsyncIterator[ConfigurationSummary]:
    """The configurations, all pages of them; none twice, and none left out that was there throughout.

    Args:
        modelarts_session: asks the platform.
        sort_by: as for ``get_job_configs_list``.
        order: as for ``get_job_configs_list``.
        search_content: as for ``get_job_configs_list``.
        config_type: as for ``get_job_configs_list``.
        limit: how many are wanted at most; None is all.
    """
    kind = _kind(config_type)

    def query(page: int, per_page: int) -> ListQuery:
        return ListQuery.of(
            CONFIGS, per_page=per_page, page=page, sort_by=sort_by, order=order, search_content=search_content
        )

    async def read(page: int, per_page: int) -> Sequence[ConfigurationSummary]:
        answer = await modelarts_session.perform(configs.list_training_job_configs, query(page, per_page), kind)
        return answer.configs

    query(1, 1)  # tells of a mistake at once, not when the first row is asked for
    return all_rows(read, lambda row: row.config_name, CONFIGS.max_per_page, check_limit(limit))


async def get_job_configs_info(self: PointsAtConfig, *, config_type: ConfigType = "custom") -> Configuration:
    """The configuration whole (getTrainingJobConfig).

    Args:
        config_type: an own one (``custom``) or one of the platform's (``sample``).
    """
    return await self.session.perform(configs.get_training_job_config, config_of(self), _kind(config_type))


async def delete_job_configs(self: PointsAtConfig) -> None:
    """Remove the configuration (deleteTrainingJobConfig).

    Raises:
        NotFound: when there is none of this name.
    """
    try:
        await self.session.perform(configs.delete_training_job_config, config_of(self))
    except NotFound as error:
        if not error.after_unclear:
            raise


async def save_new(session: AsyncSession, spec: ConfigurationSpec) -> None:
    """Save a configuration under a new name (createTrainingJobConfig).

    A lost answer is followed by another try, since the name is the key. Where that leaves a doubt, what is found under
    the name and holds the same is taken for ours.

    Raises:
        AlreadyExists: the name is taken.
        CreateOutcomeUnknown: no try was answered, and nothing showed up under the name.
    """
    try:
        await session.perform(configs.create_training_job_config, spec)
    except ModelArtsError as error:
        # After a lost answer the name can be taken by ourselves.
        by_us = isinstance(error, AlreadyExists) and error.after_unclear
        if outcome_of(error) is not Outcome.UNKNOWN and not by_us:
            raise
        found = await _found(session, spec.config_name)
        if found is None:
            message = f"whether configuration {spec.config_name} was saved is not known: {error.message}"
            raise CreateOutcomeUnknown(message, where=error.where, intent=spec) from error
        if not is_saved(found, spec):
            message = f"configuration {spec.config_name} holds something else than was to be saved"
            raise AlreadyExists(message, where=error.where, status=400) from error


async def _found(session: AsyncSession, config_name: str) -> Configuration | None:
    """What stands under the name; looked for as long as a version would be."""

    async def look() -> Configuration | None:
        try:
            return await session.perform(configs.get_training_job_config, config_name)
        except NotFound:
            return None

    try:
        return await until(session, look, _CREATE, session.settle_policy.quiet_window_s)
    except ModelArtsError:
        return None


async def replace(session: AsyncSession, spec: ConfigurationSpec) -> None:
    """Replace a configuration whole (updateTrainingJobConfig)."""
    await session.perform(configs.update_training_job_config, spec)


def _kind(config_type: object) -> ConfigType:
    if config_type == "custom":
        return "custom"
    if config_type == "sample":
        return "sample"
    raise InvalidArgument("config_type", config_type, "it is custom or sample")
