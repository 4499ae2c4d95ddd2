"""The handle of a saved configuration, and how an estimator makes one."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import evolve

from ._operations import configs
from ._operations.pointers import check_config_name
from ._settings import check_count
from .errors import InvalidArgument
from .hyperparameters import Hyperparameters
from .models.configuration import Configuration, ConfigurationSpec, ConfigurationSummary
from .models.one_form import inputs_of, one_form
from .models.spec import Inputs, RunSettings, check_description, obs_path
from .session import AsyncSession

_log = logging.getLogger("aiomodelarts.lists")
_LONGEST_OWN_NAME = 20

# What a request may hold besides inputs, parameters and output; all else of an answer is the platform's to tell.
_KEPT = (
    "worker_server_num",
    "spec_id",
    "app_url",
    "boot_file_url",
    "engine_id",
    "model_id",
    "user_image_url",
    "user_command",
    "log_url",
)


class TrainingJobConfig:
    """A saved configuration. Its name is its key.

    Args:
        modelarts_session: asks the platform.
        config_name: its name.

    Raises:
        InvalidArgument: for a name that no configuration can have.
    """

    __slots__ = ("_config_name", "_session", "_summary")

    def __init__(
        self, modelarts_session: AsyncSession, config_name: str, *, summary: ConfigurationSummary | None = None
    ) -> None:
        self._session = modelarts_session
        self._config_name = check_config_name(config_name)
        self._summary = summary

    @property
    def session(self) -> AsyncSession:
        """The session that this handle asks through."""
        return self._session

    @property
    def config_name(self) -> str:
        """The configuration."""
        return self._config_name

    @property
    def summary(self) -> ConfigurationSummary | None:
        """The row of the list that this handle was made from, or None."""
        return self._summary

    def __repr__(self) -> str:
        return f"<TrainingJobConfig {self._config_name}>"

    async def change(
        self,
        *,
        config_desc: str | None = None,
        inputs: str | Inputs | None = None,
        hyperparameters: Hyperparameters | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        output_path: str | None = None,
        log_url: str | None = None,
        train_instance_count: int | None = None,
    ) -> None:
        """Change what is given and leave the rest as it is.

        The platform replaces a configuration whole, so it is read first and sent whole; what somebody else changes in
        between is lost.

        Args:
            config_desc: description.
            inputs: OBS path of the data, or ``Inputs.of(...)`` for another form.
            hyperparameters: in place of all that are there.
            output_path: where runs write.
            log_url: where logs are kept.
            train_instance_count: nodes of a run.

        Raises:
            InvalidArgument: for a value that would be refused, or a configuration that no request can hold.
            NotFound: when there is none of this name.
        """
        given: dict[str, Any] = {}
        if config_desc is not None:
            given["config_desc"] = check_description(config_desc, "config_desc")
        if inputs is not None:
            given["inputs"] = Inputs.of(inputs)
        if hyperparameters is not None:
            given["hyperparameters"] = Hyperparameters.of(hyperparameters)
        if output_path is not None:
            given["output_path"] = obs_path(output_path, "output_path", directory=True)
        own: dict[str, Any] = {}
        if log_url is not None:
            own["log_url"] = obs_path(log_url, "log_url", directory=True)
        if train_instance_count is not None:
            own["worker_server_num"] = check_count(train_instance_count)
        saved = as_spec(await configs.get_job_configs_info(self))
        await configs.replace(self._session, evolve(saved, config={**saved.config, **own}, **given))

    get_job_configs_info = configs.get_job_configs_info
    delete_job_configs = configs.delete_job_configs
    info = configs.get_job_configs_info
    delete = configs.delete_job_configs


def as_spec(saved: Configuration) -> ConfigurationSpec:
    """What a saved configuration holds, as it could be sent: one form per group, and nothing that is only told.

    Raises:
        InvalidArgument: for one that names no flavour, or mixes kinds of inputs: no request may do that.
    """
    chosen = one_form(evolve(saved, pool_id=None))
    config = {name: value for name in _KEPT if (value := getattr(chosen, name)) not in (None, "")}
    if "spec_id" not in config:
        allowed = "a configuration that is sent names a flavour by its spec_id"
        raise InvalidArgument("config_name", saved.config_name, allowed)
    return ConfigurationSpec(
        config_name=saved.config_name,
        config_desc=saved.config_desc or "",
        config=config,
        inputs=inputs_of(saved),
        hyperparameters=saved.hyperparameters,
        output_path=saved.train_url or "",
    )


class DescribesRuns(Protocol):
    """An estimator, as far as configurations need it."""

    @property
    def session(self) -> AsyncSession: ...

    @property
    def settings(self) -> RunSettings: ...

    async def resolved(self) -> Mapping[str, Any]: ...


async def create_job_configs(
    self: DescribesRuns,
    config_name: str | None = None,
    config_desc: str = "",
    *,
    inputs: str | Inputs | None = None,
    dataset_id: str | None = None,
    dataset_version_id: str | None = None,
    data_source: Sequence[Mapping[str, Any]] | None = None,
) -> TrainingJobConfig:
    """The handle of a new configuration that holds the estimator's settings (createTrainingJobConfig).

    Args:
        config_name: 1 to 20 letters, digits, underscores and hyphens; made up when None.
        config_desc: up to 256 characters.
        inputs: OBS path of the data; None leaves the inputs open.
        dataset_id: a dataset, with ``dataset_version_id``.
        dataset_version_id: version of the dataset.
        data_source: a list of inputs.

    Raises:
        InvalidArgument: before anything is sent.
        AlreadyExists: the name is taken.
        CreateOutcomeUnknown: no try was answered, and nothing showed up under the name.
    """
    name = _made_up_name(self.session) if config_name is None else check_config_name(config_name, _LONGEST_OWN_NAME)
    read = _inputs(inputs, dataset_id, dataset_version_id, data_source)
    await configs.save_new(self.session, await _described(self, name, config_desc, read))
    return TrainingJobConfig(self.session, name)


async def update_job_configs(
    self: DescribesRuns,
    config_name: str,
    config_desc: str | None = None,
    *,
    inputs: str | Inputs | None = None,
    dataset_id: str | None = None,
    dataset_version_id: str | None = None,
    data_source: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Replace what a configuration holds by the estimator's settings (updateTrainingJobConfig).

    The platform replaces a configuration whole. So a description or inputs that are not given are read first and sent
    again.

    Args:
        config_name: the configuration.
        config_desc: up to 256 characters; None keeps the one that is there.
        inputs: OBS path of the data; without any inputs those that are there are kept.
        dataset_id: a dataset, with ``dataset_version_id``.
        dataset_version_id: version of the dataset.
        data_source: a list of inputs.

    Raises:
        InvalidArgument: before anything is changed.
        NotFound: when there is none of this name.
    """
    saved = TrainingJobConfig(self.session, config_name)
    read = _inputs(inputs, dataset_id, dataset_version_id, data_source)
    if config_desc is None or read is None:
        before = await saved.info()
        config_desc = (before.config_desc or "") if config_desc is None else config_desc
        read = inputs_of(before) if read is None else read
    await configs.replace(self.session, await _described(self, saved.config_name, config_desc, read))


async def get_job_configs_object_list(
    modelarts_session: AsyncSession,
    *,
    per_page: int = 10,
    page: int = 1,
    sort_by: str | None = None,
    order: str | None = None,
    search_content: str = "",
    is_show: bool = True,
    sortBy: str | None = None,  # noqa: N803
) -> list[TrainingJobConfig]:
    """The handles of one page of the configurations; the arguments are those of ``get_job_configs_list``.

    Args:
        modelarts_session: asks the platform.
        per_page: 1 to 1000.
        page: 1 to 65535.
        sort_by: sort key.
        order: ``asc`` or ``desc``.
        search_content: only those whose name holds this text.
        is_show: tell the log of each, at level INFO; nothing is printed.
        sortBy: another name of ``sort_by``.
    """
    listed = await configs.get_job_configs_list(
        modelarts_session,
        per_page=per_page,
        page=page,
        sort_by=sort_by,
        order=order,
        search_content=search_content,
        sortBy=sortBy,
    )
    if is_show:
        for row in listed.configs:
            _log.info("configuration %s: %s", row.config_name, row.config_desc)
    return [TrainingJobConfig(modelarts_session, row.config_name, summary=row) for row in listed.configs]


async def _described(
    estimator: DescribesRuns, config_name: str, config_desc: str, inputs: Inputs | None
) -> ConfigurationSpec:
    settings = estimator.settings
    if settings.pool_id is not None:
        raise InvalidArgument("pool_id", settings.pool_id, "a configuration names a flavour, as train_instance_type")
    return ConfigurationSpec(
        config_name=config_name,
        config_desc=check_description(config_desc, "config_desc"),
        config=await estimator.resolved(),
        inputs=inputs,
        hyperparameters=settings.hyperparameters,
        output_path=settings.output_path,
    )


def _inputs(inputs: object, dataset_id: object, dataset_version_id: object, data_source: object) -> Inputs | None:
    given = (inputs, dataset_id, dataset_version_id, data_source)
    return None if all(one is None for one in given) else Inputs.of(*given)


def _made_up_name(session: AsyncSession) -> str:
    return f"config-{session.seams.rng.getrandbits(48):012x}"
