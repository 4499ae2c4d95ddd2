"""Saved configurations of training jobs. No answer to a change carries more than that it was done."""

from functools import partial
from typing import Literal

from ..errors import Where
from ..models.configuration import Configuration, ConfigurationPage, ConfigurationSpec
from ..models.listing import ListQuery
from .call import Call, Kind, Share, Site
from .envelope import read_done, read_value

ConfigType = Literal["custom", "sample"]
_PATH = "/training-job-configs"


def create_training_job_config(site: Site, spec: ConfigurationSpec) -> Call[None]:
    """createTrainingJobConfig: saves settings under a new name, which is the key: there can be no second one."""
    where = Where("createTrainingJobConfig")
    request = site.request("POST", _PATH, body={"config_name": spec.config_name, **spec.as_wire()})
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where), Share.CREATE)


def list_training_job_configs(site: Site, query: ListQuery, config_type: ConfigType) -> Call[ConfigurationPage]:
    """listTrainingJobConfigs: one page of them."""
    where = Where("listTrainingJobConfigs")
    request = site.request("GET", _PATH, query.pairs({"config_type": config_type}))
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=ConfigurationPage))


def get_training_job_config(site: Site, config_name: str, config_type: ConfigType = "custom") -> Call[Configuration]:
    """getTrainingJobConfig: one configuration whole."""
    where = Where("getTrainingJobConfig")
    request = site.request("GET", f"{_PATH}/{config_name}", (("config_type", config_type),))
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=Configuration))


def update_training_job_config(site: Site, spec: ConfigurationSpec) -> Call[None]:
    """updateTrainingJobConfig: replaces the configuration whole."""
    where = Where("updateTrainingJobConfig")
    request = site.request("PUT", f"{_PATH}/{spec.config_name}", body=spec.as_wire())
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def delete_training_job_config(site: Site, config_name: str) -> Call[None]:
    """deleteTrainingJobConfig."""
    where = Where("deleteTrainingJobConfig")
    request = site.request("DELETE", f"{_PATH}/{config_name}")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))
