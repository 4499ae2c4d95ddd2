"""Saved settings of runs. Their name is their key."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..hyperparameters import Hyperparameters
from ._text import Raw
from .run import RunInfo
from .spec import Inputs


@frozen(kw_only=True)
class ConfigurationSummary:
    """One configuration as a list row tells it."""

    config_name: str
    config_desc: str | None = None
    create_time: int | None = None
    engine_type: int | None = None
    engine_name: str | None = None
    engine_id: int | None = None
    engine_version: str | None = None
    user_image_url: str | None = None
    user_command: str | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class ConfigurationPage:
    """Some configurations; ``config_total_count`` is a hint."""

    configs: tuple[ConfigurationSummary, ...]
    config_total_count: int | None = None
    raw: Raw = field(factory=dict, repr=False, eq=False)


@frozen(kw_only=True)
class Configuration(RunInfo):
    """One configuration whole."""

    config_name: str
    config_desc: str | None = None
    create_time: int | None = None


@frozen(kw_only=True)
class ConfigurationSpec:
    """What a configuration is to hold, complete: the service replaces, it does not merge.

    Args:
        config_name: its key.
        config_desc: description.
        config: the members that are common to all runs of an estimator.
        inputs: what the run reads; None leaves it open.
        hyperparameters: what the run is told.
        output_path: where it writes; blank where a configuration made elsewhere has none.
    """

    config_name: str
    config_desc: str
    config: Mapping[str, Any]
    inputs: Inputs | None
    hyperparameters: Hyperparameters
    output_path: str

    def as_wire(self) -> dict[str, Any]:
        """The body of a request, without the name."""
        return {
            **self.config,
            **(self.inputs.as_wire() if self.inputs is not None else {}),
            "parameter": self.hyperparameters.as_parameters(),
            **({"train_url": self.output_path} if self.output_path else {}),
            "config_desc": self.config_desc,
        }
