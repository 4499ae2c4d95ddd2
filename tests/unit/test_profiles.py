"""Profiles as they are written, and read again."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import ConfigurationError, InvalidArgument
from aiomodelarts._profiles import write_profile
from aiomodelarts.config import read_profile

KEYS = {"ak": "AK", "sk": "s%y#;=[x]", "project_id": "p"}
BEFORE = """\
# mine
[basic]
ak = old
sk = older
idp_id = kept
; about prod
[prod]
ak=b

# the end
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "home/credentials")}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_first_profile_makes_a_folder_and_a_file_of_its_owner_alone(environ: dict[str, str]) -> None:
    path = write_profile(environ, "basic", KEYS)
    assert read_profile(environ, None) == KEYS
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_other_profiles_and_what_is_said_about_them_stay(environ: dict[str, str]) -> None:
    path = Path(environ["HUAWEICLOUD_SDK_CREDENTIALS_FILE"])
    path.parent.mkdir()
    path.write_text(BEFORE)
    path.chmod(0o644)
    write_profile(environ, "basic", {"account": "a", "username": "u", "password": "p w"})
    assert path.read_text() == (
        "# mine\n[basic]\nidp_id = kept\naccount = a\nusername = u\npassword = p w\n\n"
        "; about prod\n[prod]\nak=b\n\n# the end\n"
    )
    assert mode(path) == 0o600
    write_profile(environ, "new", KEYS)
    assert read_profile(environ, "new") == KEYS
    assert read_profile(environ, "prod") == {"ak": "b"}


def test_a_link_to_the_file_stays_a_link(environ: dict[str, str], tmp_path: Path) -> None:
    link = Path(environ["HUAWEICLOUD_SDK_CREDENTIALS_FILE"])
    link.parent.mkdir()
    (tmp_path / "elsewhere").write_text(BEFORE)
    link.symlink_to(tmp_path / "elsewhere")
    write_profile(environ, "basic", KEYS)
    assert link.is_symlink()
    assert read_profile(environ, None)["ak"] == "AK"


@given(st.text(), st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
def test_what_is_written_is_read_again_or_refused(
    tmp_path_factory: pytest.TempPathFactory, password: str, account: str
) -> None:
    environ = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path_factory.mktemp("home") / "credentials")}
    write_profile(environ, "other", KEYS)
    members = {"account": account, "username": "u", "password": password}
    try:
        path = write_profile(environ, "basic", members)
    except InvalidArgument:
        assert not password or len(password.splitlines()) > 1 or password != password.strip()
    else:
        assert read_profile(environ, "basic") == members
        assert mode(path) == 0o600
    assert read_profile(environ, "other") == KEYS


@pytest.mark.parametrize("password", ["two\nlines", " secret ", "x\n[evil]", "tab\t", "a\rb"])
def test_a_value_that_the_file_cannot_hold_is_refused_and_not_shown(environ: dict[str, str], password: str) -> None:
    with pytest.raises(InvalidArgument, match="password") as caught:
        write_profile(environ, "basic", {"account": "a", "username": "u", "password": password})
    assert password not in str(caught.value)
    assert read_profile(environ, None) == {}


@pytest.mark.parametrize("name", ["", "a]b", "DEFAULT", "a b", "ä"])
def test_a_name_that_a_header_cannot_hold_is_refused(environ: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidArgument, match="profile"):
        write_profile(environ, name, KEYS)


def test_a_file_that_cannot_be_read_is_left_as_it_is(environ: dict[str, str]) -> None:
    path = Path(environ["HUAWEICLOUD_SDK_CREDENTIALS_FILE"])
    path.parent.mkdir()
    path.write_text("no section\n")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        write_profile(environ, "basic", KEYS)
    assert path.read_text() == "no section\n"


def test_a_file_that_only_people_understand_is_left_as_it_is(environ: dict[str, str]) -> None:
    path = Path(environ["HUAWEICLOUD_SDK_CREDENTIALS_FILE"])
    path.parent.mkdir()
    path.write_text("  [prod]\nak=b\n")
    with pytest.raises(InvalidArgument, match="by hand"):
        write_profile(environ, "prod", KEYS)
    assert path.read_text() == "  [prod]\nak=b\n"
    write_profile(environ, "basic", KEYS)
    assert read_profile(environ, "prod") == {"ak": "b"}


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environ = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "file/credentials")}
    with pytest.raises(ConfigurationError, match="credentials"):
        write_profile(environ, "basic", KEYS)
