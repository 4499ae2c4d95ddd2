"""Answers as values: lists that are null, members that are null, and where the first wrong one is."""

from typing import Any, get_origin, get_type_hints

import attrs
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiomodelarts._convert import structure
from aiomodelarts._wire.message import Response
from aiomodelarts.errors import DecodeError
from aiomodelarts.models.catalog import BuiltInAlgorithmPage, EngineList, ResourceSpecList
from aiomodelarts.models.configuration import ConfigurationPage
from aiomodelarts.models.job import JobPage, VersionInfo, VersionPage
from aiomodelarts.models.logs import LogFileList, LogPage
from aiomodelarts.models.visualization import VisualizationPage
from tests.support.contract import calls

PAGES = (BuiltInAlgorithmPage, EngineList, ResourceSpecList, ConfigurationPage, JobPage, VersionPage, VisualizationPage)
LISTS = [
    "listTrainingJobs",
    "listTrainingJobVersions",
    "listResourceSpecs",
    "listEngines",
    "listBuiltInAlgorithms",
    "listTrainingJobConfigs",
    "listVisualizationJobs",
]


def _lists(shape: type[Any]) -> list[str]:
    hints = get_type_hints(shape)
    return [field.name for field in attrs.fields(shape) if get_origin(hints[field.name]) is tuple]


@pytest.mark.parametrize("shape", PAGES)
def test_38_a_list_that_is_null_is_empty(shape: type[Any]) -> None:
    """Finding 38."""
    (name,) = _lists(shape)
    assert getattr(structure({name: None}, shape), name) == ()


@pytest.mark.parametrize("operation", LISTS)
def test_38_every_list_call_reads_a_null_list(operation: str) -> None:
    """Finding 38, through the whole of the reading."""
    body = orjson.dumps(dict.fromkeys(("jobs", "versions", "specs", "engines", "models", "configs")))
    value = calls()[operation].read(Response(200, {}, body))
    assert [getattr(value, name) for name in _lists(type(value))] == [()]


@pytest.mark.parametrize("shape", PAGES)
def test_a_list_that_is_not_there_is_told(shape: type[Any]) -> None:
    (name,) = _lists(shape)
    with pytest.raises(DecodeError, match=f"'{name}' is missing"):
        structure({}, shape)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"versions": 7}, "versions"),
        ({"versions": [{"version_id": 1}, 7]}, "versions[1]"),
        ({"versions": [{"version_id": 1}, {"version_id": "one"}]}, "versions[1].version_id"),
        ({"versions": [{"version_id": 1, "gpu": "maybe"}]}, "versions[0].gpu"),
        ({"versions": [{"version_id": 1.5}]}, "versions[0].version_id"),
        ({"versions": [{"version_id": True}]}, "versions[0].version_id"),
        ({"versions": [{"version_id": 1, "status": []}]}, "versions[0].status"),
        ({"versions": [{"version_id": 1, "volumes": {}, "data_source": [{"type": 3}]}]}, "versions[0]"),
    ],
)
def test_the_path_leads_to_the_wrong_member(said: object, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        structure(said, VersionPage)
    assert caught.value.path.startswith(path)


@given(st.integers(-(10**18), 10**18))
def test_26_a_number_is_the_same_as_number_and_as_text(number: int) -> None:
    """Finding 26."""
    for said in (number, str(number)):
        row = structure({"version_id": said, "pre_version_id": said, "create_time": said}, VersionInfo)
        assert (row.version_id, row.pre_version_id, row.create_time) == (number, number, number)


@pytest.mark.parametrize("text", ["", " 1", "1 ", "1_0", "٣", "1.0", "0x1", "+1", "1e3", "--1", "1\n"])
def test_26_text_that_only_looks_like_a_number_is_told(text: str) -> None:
    """Finding 26."""
    with pytest.raises(DecodeError):
        structure({"version_id": text}, VersionInfo)


@given(st.integers(10**18, 10**19 - 1))
def test_35_markers_keep_all_their_digits(marker: int) -> None:
    """Finding 35: as number and as text."""
    body = f'{{"content": "a", "lines": "1", "start_line": {marker}, "end_line": "{marker}"}}'
    page = structure(orjson.loads(body), LogPage)
    assert (page.start_line, page.end_line) == (str(marker), str(marker))


@pytest.mark.parametrize(
    ("said", "names"),
    [(["a", "b"], ("a", "b")), ("a", ("a",)), ('["a", "b"]', ("a", "b")), ([], ()), ("", ()), (None, ())],
)
def test_36_log_files_are_a_list_in_every_form(said: object, names: tuple[str, ...]) -> None:
    """Finding 36."""
    assert structure({"log_file_list": said}, LogFileList).names == names


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_NAMES = st.sampled_from([field.name for field in attrs.fields(VersionInfo) if field.name != "raw"])


@given(st.dictionaries(_NAMES, _JSON, max_size=6))
@example({"status": None})
def test_whatever_an_answer_holds_it_is_a_value_or_a_decode_error(members: dict[str, Any]) -> None:
    said = {"version_id": 1, **members}
    try:
        row = structure(said, VersionInfo)
    except DecodeError as error:
        path = error.path
    else:
        path = ""
        assert row.raw == said
    assert not path or path.split(".")[0].split("[")[0] in members
