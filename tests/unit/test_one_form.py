"""From an answer back to a request. Finding 44: an answer tells forms side by side that a request may not."""

from typing import Any

import pytest

from aiomodelarts import Inputs, InvalidArgument
from aiomodelarts._convert import structure
from aiomodelarts.configuration import as_spec
from aiomodelarts.models import Configuration, JobDetail
from aiomodelarts.models.one_form import inputs_of, one_form
from tests.support.contract import samples

OBS = {"type": "obs", "data_url": "/b/one/"}
SET = {"type": "dataset", "dataset_id": "d", "dataset_version": "v"}
PAIR = {"dataset_id": "d1", "dataset_version_id": "v1"}


def detail(**members: Any) -> JobDetail:
    return structure({"job_id": 1, "version_id": 2, **members}, JobDetail)


def test_of_the_sample_with_everything_one_form_is_left() -> None:
    sample = samples()["get_training_job_version.ok"]["response"]
    chosen = one_form(structure(sample, JobDetail))
    assert chosen.user_image_url == sample["user_image_url"]
    assert chosen.app_url == sample["app_url"]
    assert chosen.pool_id == sample["pool_id"]
    assert chosen.data_url == "/qianjiajun-test/minst/data/"
    for name in ("model_id", "engine_id", "engine_name", "spec_id", "spec_code", "dataset_id", "data_source"):
        assert getattr(chosen, name) is None, name
    assert chosen.raw == sample


@pytest.mark.parametrize(
    ("members", "kept", "dropped"),
    [
        ({"model_id": 4, "app_url": "/b/s/", "boot_file_url": "/b/s/t.py", "engine_id": 1}, "model_id", "app_url"),
        ({"model_id": 4, "user_image_url": "host/i:1"}, "user_image_url", "model_id"),
        ({"model_id": 0, "app_url": "/b/s/", "user_image_url": ""}, "app_url", "model_id"),
        ({"pool_id": "p", "spec_id": 2}, "pool_id", "spec_id"),
        ({"pool_id": "", "spec_id": 2}, "spec_id", "pool_name"),
    ],
)
def test_one_of_each_group_is_left(members: dict[str, Any], kept: str, dropped: str) -> None:
    chosen = one_form(detail(**members))
    assert getattr(chosen, kept) == members[kept]
    assert getattr(chosen, dropped) is None


@pytest.mark.parametrize(
    ("members", "inputs"),
    [
        ({"data_url": "/b/d/"}, Inputs.of("/b/d/")),
        ({"data_url": "/b/d/", **PAIR}, Inputs.of(dataset_id="d1", dataset_version_id="v1")),
        ({"data_url": "/b/d/", **PAIR, "data_source": [OBS]}, Inputs.of("/b/one/")),
        ({**PAIR, "data_source": [SET]}, Inputs.of(dataset_id="d", dataset_version_id="v")),
        ({"data_source": [{**OBS, "type": None}]}, Inputs.of("/b/one/")),
        ({"data_source": [SET, SET]}, Inputs.of(data_source=[SET, SET])),
        ({"dataset_id": "d1", "data_url": "/b/d/"}, Inputs.of("/b/d/")),
        ({"data_url": "", "data_source": []}, None),
        ({}, None),
    ],
)
def test_the_inputs_have_one_form(members: dict[str, Any], inputs: Inputs | None) -> None:
    assert inputs_of(detail(**members)) == inputs


def test_inputs_that_no_request_may_hold_are_told() -> None:
    with pytest.raises(InvalidArgument, match="not mixed"):
        inputs_of(detail(data_source=[OBS, SET]))


def test_a_configuration_is_sent_back_without_what_is_only_told() -> None:
    """Finding 59: pool, volumes and the like are in answers, and in no request."""
    saved = structure(
        {
            "config_name": "c",
            "config_desc": None,
            "spec_id": 2,
            "pool_id": "p",
            "core": "2",
            "engine_id": 1,
            "app_url": "/b/s/",
            "boot_file_url": "/b/s/t.py",
            "worker_server_num": "1",
            "train_url": "/b/o/",
            "volumes": [{"host_path": {}}],
            "nas_type": "nfs",
            "parameter": [{"label": "lr", "value": 0.1, "required": True, "tip": None}],
            "model_id": None,
        },
        Configuration,
    )
    assert as_spec(saved).as_wire() == {
        "worker_server_num": 1,
        "spec_id": 2,
        "app_url": "/b/s/",
        "boot_file_url": "/b/s/t.py",
        "engine_id": 1,
        "parameter": [{"label": "lr", "value": "0.1"}],
        "train_url": "/b/o/",
        "config_desc": "",
    }


def test_a_configuration_without_a_flavour_cannot_be_sent() -> None:
    with pytest.raises(InvalidArgument, match="flavour"):
        as_spec(structure({"config_name": "c", "pool_id": "p"}, Configuration))
