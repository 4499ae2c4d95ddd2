"""What an estimator and its inputs accept; each refusal names the argument. Numbers are those of the findings."""

from typing import Any

import pytest

from aiomodelarts import AsyncEstimator, DataSource, Inputs, InvalidArgument
from aiomodelarts.models.spec import check_description, check_id, check_job_name, obs_path
from tests.support.fakes import OWN_CODE, FakeTransport, session_on


def estimator(**changes: Any) -> AsyncEstimator:
    given = {name: value for name, value in {**OWN_CODE, **changes}.items() if value is not ...}
    return AsyncEstimator(session_on(FakeTransport(lambda _: pytest.fail("nothing may be sent"))), **given)


_NO_CODE = dict.fromkeys(("code_dir", "boot_file", "framework_type", "framework_version"), ...)


@pytest.mark.parametrize(
    ("finding", "changes", "argument"),
    [
        (46, {"pool_id": "pool1"}, "train_instance_type"),
        (46, {"train_instance_type": ...}, "train_instance_type"),
        (51, {"user_image_url": "host/image:1"}, "framework_type"),
        (51, {"model_name": "resnet"}, "model_name"),
        (51, {**_NO_CODE, "model_name": "resnet", "user_image_url": "host/image:1"}, "model_name"),
        (51, {"user_command": "python x.py"}, "user_command"),
        (51, {"boot_file": ...}, "boot_file"),
        (51, {"code_dir": ...}, "code_dir"),
        (51, {**_NO_CODE, "user_image_url": "host/image:1", "code_dir": "/bucket/src/"}, "boot_file"),
        (51, {"boot_file": "/bucket/other/train.py"}, "boot_file"),
        (51, {"boot_file": "/bucket/src/"}, "boot_file"),
        (51, {"boot_file": "/bucket/src/../../secret.py"}, "boot_file"),
        (52, {"framework_type": ...}, "framework_type"),
        (52, {"framework_version": ...}, "framework_version"),
        (52, {"framework_type": "", "framework_version": ""}, "framework_type"),
        (53, {"output_path": ...}, "output_path"),
        (53, {"output_path": ""}, "output_path"),
        (65, {"train_instance_count": ...}, "train_instance_count"),
        (65, {"train_instance_count": 0}, "train_instance_count"),
        (65, {"train_instance_count": -1}, "train_instance_count"),
        (65, {"train_instance_count": True}, "train_instance_count"),
        (65, {"train_instance_count": 1.0}, "train_instance_count"),
        (65, {"train_instance_count": "1"}, "train_instance_count"),
        (68, {"output_path": "s3://bucket/x/"}, "output_path"),
        (68, {"output_path": "bucket/x/"}, "output_path"),
        (68, {"log_url": "/"}, "log_url"),
        (61, {"job_description": "x" * 257}, "job_description"),
        (61, {"job_description": 7}, "job_description"),
        (61, {"job_description": False}, "job_description"),
        (43, {"train_instance_type": 7}, "train_instance_type"),
        (43, {"train_instance_type": "\ud800"}, "train_instance_type"),
    ],
)
def test_settings_that_would_be_refused(finding: int, changes: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        estimator(**changes)
    assert caught.value.argument == argument, f"finding {finding}"
    assert argument in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"train_instance_type": ..., "pool_id": "pool1"},
        {**_NO_CODE, "user_image_url": "host/image:1", "user_command": "python x.py"},
        {**_NO_CODE, "user_image_url": "host/image:1", "code_dir": "/bucket/src/", "boot_file": "/bucket/src/a.py"},
        {"code_dir": "obs://bucket/src", "boot_file": "obs://bucket/src/train.py"},
        {"model_name": "", "user_image_url": "", "user_command": "", "log_url": "", "job_description": ""},
    ],
)
def test_settings_that_are_taken(changes: dict[str, Any]) -> None:
    settings = estimator(**changes).settings
    assert settings.code_dir in (None, "/bucket/src/")


@pytest.mark.parametrize(
    ("finding", "given"),
    [
        (47, {}),
        (47, {"inputs": "/bucket/d/", "dataset_id": "a", "dataset_version_id": "b"}),
        (47, {"inputs": "/bucket/d/", "data_source": [{"data_url": "/bucket/d/"}]}),
        (47, {"dataset_id": "a", "dataset_version_id": "b", "data_source": [{"data_url": "/bucket/d/"}]}),
        (47, {"inputs": Inputs.of("/bucket/d/"), "dataset_id": "a", "dataset_version_id": "b"}),
        (47, {"dataset_id": "a"}),
        (47, {"dataset_version_id": "b"}),
        (47, {"dataset_id": " ", "dataset_version_id": "b"}),
        (47, {"dataset_id": 7, "dataset_version_id": "b"}),
        (47, {"data_source": []}),
        (47, {"data_source": "/bucket/d/"}),
        (48, {"data_source": [{"type": "dataset", "dataset_id": "a", "dataset_version_id": "b"}]}),
        (49, {"data_source": [{"type": "obs", "dataset_id": "a", "dataset_version": "b"}]}),
        (49, {"data_source": [{"type": "OBS", "data_url": "/bucket/d/"}]}),
        (49, {"data_source": [{"type": []}]}),
        (49, {"data_source": [{"data_url": "/bucket/d/", "dataset_id": "a", "dataset_version": "b"}]}),
        (49, {"data_source": [{"data_url": "/bucket/d/"}, {"dataset_id": "a", "dataset_version": "b"}]}),
        (49, {"data_source": ["/bucket/d/"]}),
        (68, {"inputs": "https://bucket/d/"}),
        (68, {"inputs": "/bucket/../d/"}),
        (68, {"inputs": "/bucket/d\n/"}),
        (68, {"inputs": "/bucket/\ud800/"}),
        (68, {"inputs": 7}),
    ],
)
def test_inputs_that_would_be_refused(finding: int, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"inputs|dataset|data_source"):
        Inputs.of(**given)


@pytest.mark.parametrize(
    ("finding", "given", "wire"),
    [
        (47, {"inputs": "/bucket/d/"}, {"data_url": "/bucket/d/"}),
        (68, {"inputs": "obs://bucket/d/x.csv"}, {"data_url": "/bucket/d/x.csv"}),
        (47, {"dataset_id": "a", "dataset_version_id": "b"}, {"dataset_id": "a", "dataset_version_id": "b"}),
        (
            48,
            {"data_source": [{"dataset_id": "a", "dataset_version": "b"}]},
            {"data_source": [{"type": "dataset", "dataset_id": "a", "dataset_version": "b"}]},
        ),
        (
            49,
            {"data_source": [{"data_url": "obs://bucket/d/"}, DataSource(data_url="/bucket/e/")]},
            {"data_source": [{"type": "obs", "data_url": "/bucket/d/"}, {"type": "obs", "data_url": "/bucket/e/"}]},
        ),
    ],
)
def test_inputs_that_are_taken(finding: int, given: dict[str, Any], wire: dict[str, Any]) -> None:
    assert Inputs.of(**given).as_wire() == wire


@pytest.mark.parametrize("members", [{}, {"dataset_id": "a"}, {"data_url": "/b/", "dataset_id": "a"}])
def test_values_made_by_hand_are_checked_too(members: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        DataSource(**members)
    with pytest.raises(InvalidArgument):
        Inputs(**members)


@pytest.mark.parametrize("name", ["a", "A-b_9", "x" * 64])
def test_job_names_that_are_taken(name: str) -> None:
    assert check_job_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a\n", "ä", "a.b", "\u0663", 7, None])
def test_job_names_that_would_be_refused_finding_54(name: object) -> None:
    with pytest.raises(InvalidArgument, match="job_name"):
        check_job_name(name)


@pytest.mark.parametrize("value", [7, "7", "007", 0, 2**63 - 1])
def test_ids_that_are_taken_finding_27(value: int | str) -> None:
    assert check_id(value, "job_id") == int(value)


@pytest.mark.parametrize("value", [-1, "-1", "x", "", None, True, 1.0, 2**63, "9" * 19, "\u0663", " 7", [7]])
def test_ids_that_would_be_refused_findings_27_and_62(value: object) -> None:
    with pytest.raises(InvalidArgument, match="pre_version_id"):
        check_id(value, "pre_version_id")


@pytest.mark.parametrize("text", ["x" * 257, None, 7, "\ud800"])
def test_descriptions_that_would_be_refused(text: object) -> None:
    with pytest.raises(InvalidArgument, match="job_desc"):
        check_description(text, "job_desc")


def test_a_directory_gets_its_slash() -> None:
    assert obs_path("/bucket", "log_url", directory=True) == "/bucket/"
    assert obs_path("obs://bucket/a", "log_url", directory=True) == "/bucket/a/"
    assert obs_path("/bucket/ä b", "inputs") == "/bucket/ä b"
