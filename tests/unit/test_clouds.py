"""clouds.yaml as OpenStack's tools write it, and what is told when it cannot be used."""

import asyncio
import builtins
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import AsyncSession, ConfigurationError
from aiomodelarts._clouds import read_cloud
from aiomodelarts.config import Given, settings
from aiomodelarts.credentials import AccessKey, AccountLogin, Token

pytest.importorskip("yaml", reason="clouds.yaml is read with PyYAML")

LOGIN = """\
clouds:
  otc:
    auth:
      username: 'user'
      password: 'secret'
      project_name: 'eu-de'
      project_id: '0123'
      auth_url: 'https://iam.eu-de.otc.t-systems.com:443/v3'
      user_domain_name: 'OTC00000000001000000xxx'
    region_name: eu-de
  keys:
    auth: {project_id: p2, auth_url: 'https://iam.example.com/v3'}
    ak: AK
    sk: SK
    region_name: eu-nl
  token:
    auth: {project_id: p3, token: gAAA}
    region_name: eu-nl
"""


def written(folder: Path, text: str, name: str = "clouds.yaml") -> dict[str, str]:
    (folder / name).write_text(text)
    return {"OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml")}


def test_a_login_a_key_pair_and_a_token_are_found_under_the_name_of_their_cloud(tmp_path: Path) -> None:
    environ = written(tmp_path, LOGIN)
    login = settings(Given(), {}, profile=read_cloud(environ, "otc"))
    assert login.credentials == AccountLogin("OTC00000000001000000xxx", "user", "secret")
    assert (login.project_id, login.region_name) == ("0123", "eu-de")
    assert login.iam_endpoint == "https://iam.eu-de.otc.t-systems.com:443"
    assert login.modelarts_endpoint == "https://modelarts.eu-de.otc.t-systems.com"
    keys = settings(Given(), {}, profile=read_cloud({**environ, "OS_CLOUD": "keys"}, None))
    assert keys.credentials == AccessKey("AK", "SK")
    token = settings(Given(), {}, profile=read_cloud(environ, "token"))
    assert token.credentials == Token("gAAA")


def test_the_only_cloud_needs_no_name_and_of_several_none_is_guessed(tmp_path: Path) -> None:
    assert read_cloud(written(tmp_path, LOGIN), None) == {}
    environ = written(tmp_path, "clouds: {one: {ak: A, sk: S}}")
    assert read_cloud(environ, None) == {"ak": "A", "sk": "S"}


def test_a_secure_file_adds_what_the_first_leaves_out(tmp_path: Path) -> None:
    environ = written(tmp_path, "clouds: {one: {auth: {username: u, user_domain_name: d}}}")
    written(tmp_path, "clouds: {one: {auth: {password: hidden}}}", "secure.yaml")
    assert read_cloud(environ, "one") == {"username": "u", "account": "d", "password": "hidden"}


def test_nothing_is_asked_for_and_nothing_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_cloud({}, None) == {}
    with pytest.raises(ConfigurationError, match=r"no clouds\.yaml"):
        read_cloud({"OS_CLOUD": "otc"}, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clouds: [password: hunter2", "is not YAML"),
        ("clouds: [one]", "clouds is a mapping"),
        ("clouds: {two: {}}", "has no cloud 'one'; it has two"),
        ("", "has no cloud 'one'; it has none"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_without_its_content(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        read_cloud(written(tmp_path, text), "one")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_the_reader_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without_yaml(name: str, *more: Any, **named: Any) -> Any:
        if name == "yaml":
            raise ModuleNotFoundError(name)
        return imported(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without_yaml)
    with pytest.raises(ConfigurationError, match="pip install PyYAML"):
        read_cloud(written(tmp_path, LOGIN), "otc")


async def test_a_session_finds_its_cloud_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (await asyncio.to_thread(written, tmp_path, LOGIN)).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="no credentials were found"):
        async with AsyncSession():
            pass
    monkeypatch.setenv("OS_CLOUD", "keys")
    async with AsyncSession():
        pass
    monkeypatch.delenv("OS_CLOUD")
    async with AsyncSession(profile="keys"):
        pass
    with pytest.raises(ConfigurationError, match=r"'nobody'.*has no cloud 'nobody'"):
        async with AsyncSession(profile="nobody"):
            pass


async def test_a_cloud_that_is_named_comes_before_a_profile_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (await asyncio.to_thread(written, tmp_path, LOGIN)).items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread((tmp_path / "credentials").write_text, "[basic]\nak = A\nsk = S\n")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(ConfigurationError, match="no project"):
        async with AsyncSession():
            pass
    monkeypatch.setenv("OS_CLOUD", "keys")
    async with AsyncSession():
        pass
