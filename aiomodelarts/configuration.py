"""The handle of a saved configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from ._operations import configs
from ._operations.pointers import check_config_name
from ._settings import check_count
from .errors import InvalidArgument
from .hyperparameters import Hyperparameters
from .models.configuration import Configuration, ConfigurationSpec, ConfigurationSummary
from .models.one_form import inputs_of, one_form
from .models.spec import Inputs, check_description, obs_path
from .session import AsyncSession

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
