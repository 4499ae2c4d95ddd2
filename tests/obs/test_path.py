"""Laws of paths, and of what becomes of names on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import InvalidArgument
from aiomodelarts.obs import ObsPath
from aiomodelarts.obs._transfer.folders import check_local_name, collisions, folders_of
from aiomodelarts.obs.errors import NamesCollide, UnusableName

LETTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/")
NAME = st.text(LETTERS, min_size=1, max_size=40).filter(lambda name: name not in (".", ".."))
KEY = st.lists(NAME, min_size=1, max_size=5).map("/".join)
BUCKET = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True)


@given(BUCKET, KEY, st.booleans())
def test_both_forms_are_one_path_and_come_back(bucket: str, key: str, folder: bool) -> None:
    key += "/" * folder
    path = ObsPath.parse(f"obs://{bucket}/{key}")
    assert path == ObsPath.parse(f"/{bucket}/{key}") == ObsPath(bucket, key) == ObsPath.parse(path)
    assert ObsPath.parse(str(path)) == path
    assert path.is_folder == folder
    assert path.folder().is_folder
    assert path.folder().folder() == path.folder()
    assert path.name == key.rstrip("/").rpartition("/")[2]


@given(BUCKET, KEY, NAME)
def test_what_lies_in_a_folder(bucket: str, key: str, name: str) -> None:
    inside = ObsPath(bucket, key) / name
    assert inside == ObsPath.parse(f"obs://{bucket}/{key}/{name}")
    assert inside.name == name
    assert ObsPath(bucket) / name == ObsPath.parse(f"/{bucket}/{name}")


@pytest.mark.parametrize(
    "given_path",
    [
        "",
        "/",
        "//b/k",
        "obs://",
        "obs:///k",
        "s3://b/k",
        "b/k",
        "obs:/b/k",
        "OBS://b/k",
        "obs://b/../k",
        "obs://b/a/..",
        "obs://b/./k",
        "obs://../k",
        "obs://b//k",
        "obs://b/a//k",
        "obs://b/a//",
        "obs://b/a\nb",
        "obs://b/\0",
        "obs://b/\ud800",
        "obs://b b/k",
        "obs://-b/k",
        "obs://" + "b" * 64 + "/k",
        "obs://b/" + "k" * 1025,
        "obs://b/" + "ü" * 513,
        None,
        7,
        b"obs://b/k",
    ],
)
def test_what_is_no_path(given_path: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^target: got "):
        ObsPath.parse(given_path, "target")  # type: ignore[arg-type]


def test_names_that_only_look_bad_are_fine() -> None:
    for key in ("...", "a..b", "%2e%2e/x", "a\\b", " ", "-", "k" * 1024, "~"):
        assert ObsPath.parse(f"obs://b/{key}").key == key


@given(st.lists(KEY, max_size=8, unique=True))
def test_what_is_kept_never_collides(names: list[str]) -> None:
    left_out = collisions(names, folds=True)
    kept = [name for name in names if name not in left_out]
    assert collisions(kept, folds=True) == {}
    assert collisions(kept, folds=False) == {}
    # Nothing is left out without a reason that is still there.
    for name in left_out:
        assert len(names) > 1
        assert isinstance(left_out[name], NamesCollide)


def test_what_collides() -> None:
    assert collisions(["a", "A", "b"], folds=False) == {}
    assert list(collisions(["a", "A", "b"], folds=True)) == ["A"]
    assert list(collisions(["é", "e\u0301"], folds=True)) == ["e\u0301"]
    assert list(collisions(["a", "a/b"], folds=False)) == ["a"]
    assert list(collisions(["A", "a/b"], folds=True)) == ["A"]


@given(st.lists(KEY, max_size=8))
def test_every_folder_of_a_name_is_found(names: list[str]) -> None:
    found = folders_of(names)
    for name in names:
        parts = name.split("/")
        for count in range(1, len(parts)):
            assert "/".join(parts[:count]) + "/" in found


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a//b", "/x", "./x", "a/.", "..", "\0", "a\ud800"])
def test_no_key_is_a_file_outside(name: str) -> None:
    with pytest.raises(UnusableName):
        check_local_name(name, "obs://b/" + name.encode("utf-8", "replace").decode())


@given(KEY)
def test_every_other_key_is_a_file(name: str) -> None:
    check_local_name(name, name)
