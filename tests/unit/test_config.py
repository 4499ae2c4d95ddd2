"""Whose settings win, and what is told when some are missing."""

from pathlib import Path

import pytest

from aiomodelarts import ConfigurationError, Endpoints, InvalidArgument
from aiomodelarts.config import Given, Settings, read_profile, settings
from aiomodelarts.credentials import AccessKey, AccountLogin, Token

KEYS = {"HUAWEICLOUD_SDK_AK": "env-ak", "HUAWEICLOUD_SDK_SK": "env-sk"}
ENVIRONMENT = {**KEYS, "HUAWEICLOUD_SDK_PROJECT_ID": "env-project", "AIOMODELARTS_REGION": "env-region"}
PROFILE = {"ak": "file-ak", "sk": "file-sk", "project_id": "file-project", "region_name": "file-region"}


def chosen(given: Given | None = None, environ: dict[str, str] | None = None, **more: object) -> Settings:
    return settings(given or Given(), environ or {}, **more)  # type: ignore[arg-type]


def test_arguments_come_before_the_environment_and_the_environment_before_the_file() -> None:
    given = Given(access_key="ak", secret_key="sk", project_id="project", region_name="region")
    first = chosen(given, ENVIRONMENT, profile=PROFILE)
    assert first.credentials == AccessKey("ak", "sk")
    assert (first.project_id, first.region_name) == ("project", "region")
    second = chosen(None, ENVIRONMENT, profile=PROFILE)
    assert second.credentials == AccessKey("env-ak", "env-sk")
    assert (second.project_id, second.region_name) == ("env-project", "env-region")
    third = chosen(None, {}, profile=PROFILE)
    assert third.credentials == AccessKey("file-ak", "file-sk")
    assert (third.project_id, third.region_name) == ("file-project", "file-region")


def test_a_profile_that_is_asked_for_is_an_argument_and_comes_before_the_environment() -> None:
    found = chosen(Given(profile="prod"), ENVIRONMENT, profile=PROFILE)
    assert found.credentials == AccessKey("file-ak", "file-sk")
    assert (found.project_id, found.region_name) == ("file-project", "file-region")


def test_a_profile_that_is_asked_for_but_has_no_keys_is_not_replaced_by_the_environment() -> None:
    with pytest.raises(ConfigurationError, match="prod"):
        chosen(Given(profile="prod"), ENVIRONMENT, profile={"project_id": "file-project"})


@pytest.mark.parametrize(
    ("environ", "credentials"),
    [
        ({**KEYS, "HUAWEICLOUD_SDK_SECURITY_TOKEN": "t"}, AccessKey("env-ak", "env-sk", "t")),
        ({**KEYS, "OS_SECURITY_TOKEN": "of another pair"}, AccessKey("env-ak", "env-sk")),
        ({"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "OS_SECURITY_TOKEN": "t"}, AccessKey("a", "s", "t")),
        ({"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_USER_DOMAIN_NAME": "d"}, AccountLogin("d", "u", "p")),
        ({"OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_DOMAIN_NAME": "d"}, AccountLogin("d", "u", "p")),
        ({"OS_TOKEN": "t"}, Token("t")),
        ({"OS_AUTH_TOKEN": "t"}, Token("t")),
    ],
)
def test_credentials_of_the_environment(environ: dict[str, str], credentials: object) -> None:
    place = {"OS_PROJECT_ID": "p", "OS_REGION_NAME": "eu-de"}
    assert chosen(None, environ | place).credentials == credentials


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"HUAWEICLOUD_SDK_AK": "a"}, "HUAWEICLOUD_SDK_SK"),
        ({"HUAWEICLOUD_SDK_SK": "s"}, "HUAWEICLOUD_SDK_AK"),
        ({"OS_ACCESS_KEY": "a"}, "OS_SECRET_KEY"),
    ],
)
def test_half_a_pair_in_the_environment_is_told(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        chosen(None, environ | {"OS_PROJECT_ID": "p", "OS_REGION_NAME": "eu-de"})


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"access_key": "a"}, "secret_key"),
        ({"secret_key": "s"}, "access_key"),
        ({"account": "a", "username": "u"}, "password"),
        ({"security_token": "t"}, "security_token"),
        ({"token": "t", "access_key": "a", "secret_key": "s"}, "token"),
        ({"account": "a", "username": "u", "password": "p", "access_key": "a", "secret_key": "s"}, "account"),
    ],
)
def test_arguments_that_do_not_go_together(given: dict[str, str], argument: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        chosen(Given(**given), ENVIRONMENT)
    assert caught.value.argument == argument


@pytest.mark.parametrize("name", ["access_key", "secret_key", "token", "project_id", "region_name", "security_token"])
@pytest.mark.parametrize("bad", ["x\n", "x\r\ny", "x y", "ü", "\0"])
def test_a_value_that_could_not_be_sent_is_told_by_name_and_not_shown(name: str, bad: str) -> None:
    given = {"project_id": "p", "region_name": "r"} | ({"token": "t"} if name == "token" else {})
    if name != "token":
        given |= {"access_key": "a", "secret_key": "s"}
    with pytest.raises(InvalidArgument, match=name) as caught:
        chosen(Given(**{**given, name: bad}))
    assert repr(bad) not in str(caught.value)


def test_a_value_of_the_environment_that_could_not_be_sent_is_told_by_name() -> None:
    with pytest.raises(ModelArtsErrors, match="project_id"):
        chosen(None, {**ENVIRONMENT, "HUAWEICLOUD_SDK_PROJECT_ID": "p\n"})


ModelArtsErrors = (ConfigurationError, InvalidArgument)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (Given(), "no credentials"),
        (Given(access_key="a", secret_key="s"), "no project"),
        (Given(access_key="a", secret_key="s", project_id="p"), "neither a region nor"),
        (
            Given(account="a", username="u", password="p", project_id="p", endpoints=Endpoints(modelarts="h")),
            "identity service",
        ),
    ],
)
def test_what_is_missing_is_told_with_the_way_to_give_it(given: Given, missing: str) -> None:
    with pytest.raises(ConfigurationError, match=missing) as caught:
        chosen(given)
    assert "AIOMODELARTS_REGION" in str(caught.value)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-4", "https://modelarts.cn-north-4.myhuaweicloud.com"),
        ("eu-de", "https://modelarts.eu-de.otc.t-systems.com"),
    ],
)
def test_endpoints_follow_from_the_region(region: str, host: str) -> None:
    given = Given(access_key="a", secret_key="s", project_id="p", region_name=region)
    assert chosen(given).modelarts_endpoint == host


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("host", "https://host"),
        ("host:8080", "https://host:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("HTTPS://host", "https://host"),
        ("https://host/base/", "https://host/base"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_endpoints_that_are_taken(given: str, kept: str) -> None:
    found = chosen(Given(token="t", project_id="p", endpoints=Endpoints(modelarts=given)))
    assert found.modelarts_endpoint == kept


@pytest.mark.parametrize(
    "given",
    [
        "https://",
        "ftp://host",
        "ho st",
        "https://host?x=1",
        "https://host#x",
        "https://user:pw@host",
        "host:port",
        "host:99999",
        "http://[::1",
        "https:///x",
        7,
        "https://" + "a" * 64 + ".com",
    ],
)
def test_endpoints_that_could_not_be_reached_are_told_at_once(given: object) -> None:
    with pytest.raises(InvalidArgument, match="modelarts_endpoint") as caught:
        chosen(Given(token="t", project_id="p", endpoints=Endpoints(modelarts=given)))  # type: ignore[arg-type]
    assert "pw" not in str(caught.value)


def test_endpoints_come_from_arguments_then_the_process_then_the_environment() -> None:
    given = Given(token="t", project_id="p", endpoints=Endpoints(modelarts="https://a"))
    environ = {"AIOMODELARTS_MODELARTS_ENDPOINT": "https://c", "AIOMODELARTS_IAM_ENDPOINT": "https://i"}
    process = Endpoints(modelarts="https://b")
    assert chosen(given, environ, defaults=process).modelarts_endpoint == "https://a"
    plain = Given(token="t", project_id="p")
    assert chosen(plain, environ, defaults=process).modelarts_endpoint == "https://b"
    assert chosen(plain, environ).modelarts_endpoint == "https://c"
    assert chosen(plain, environ).iam_endpoint == "https://i"


def test_a_misspelt_service_is_told_with_the_nearest() -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'modelarts'"):
        Endpoints.of({"modelart": "https://a"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials"


def test_sections_of_the_profile_file(file: Path) -> None:
    file.write_text("[basic]\nak = a\nsk = s%y\n[prod]\nak = b\n")
    environ = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)}
    assert read_profile(environ, None) == {"ak": "a", "sk": "s%y"}
    assert read_profile(environ, "prod") == {"ak": "b"}
    with pytest.raises(ConfigurationError, match="no profile 'pord'; it has basic, prod"):
        read_profile(environ, "pord")


def test_a_file_that_is_not_there(file: Path) -> None:
    environ = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)}
    assert read_profile(environ, None) == {}
    with pytest.raises(ConfigurationError, match="no file"):
        read_profile(environ, "prod")


@pytest.mark.parametrize("content", [b"ak = S3CRET", b"[basic]\nS3CRET\n", b"\xff\xfe S3CRET", b"[a]\n[a]\nsk=S3CRET"])
def test_a_broken_file_is_named_but_not_quoted(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        read_profile({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)}, None)
    assert "S3CRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_buckets_can_be_folders_and_nothing_else_can() -> None:
    found = chosen(None, {**ENVIRONMENT, "AIOMODELARTS_OBS_ENDPOINT": "file:///a%20place/obs"})
    assert found.obs_endpoint == "file:///a%20place/obs"
    for variable in ("AIOMODELARTS_IAM_ENDPOINT", "AIOMODELARTS_MODELARTS_ENDPOINT"):
        with pytest.raises(InvalidArgument, match=variable):
            chosen(None, {**ENVIRONMENT, variable: "file:///a/place"})
    with pytest.raises(InvalidArgument, match="AIOMODELARTS_OBS_ENDPOINT"):
        chosen(None, {**ENVIRONMENT, "AIOMODELARTS_OBS_ENDPOINT": "file://host/place"})
