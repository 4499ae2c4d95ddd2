"""How a number is read from a log or a file."""

import re

import pytest

from aiomodelarts.sweep.objective import Goal, JsonFile, LogPattern, MetricMissing


def in_log(pattern: str, *lines: str) -> float:
    source = LogPattern(re.compile(pattern))
    return source.read(source.last(lines))


def test_the_last_match_counts() -> None:
    assert in_log("acc=([0-9.]+)", "acc=0.1", "acc=0.2 acc=0.3", "other") == 0.3


def test_a_group_named_value_comes_before_the_first() -> None:
    assert in_log("(step [0-9]+).*acc=(?P<value>[0-9.]+)", "step 5: acc=0.5") == 0.5


def test_a_group_that_took_no_part_is_no_match() -> None:
    assert in_log("acc=(?:none|([0-9.]+))", "acc=0.4", "acc=none") == 0.4


def test_lines_that_come_in_parts_are_one_log() -> None:
    source = LogPattern(re.compile("acc=([0-9.]+)"))
    assert source.last(["nothing"], source.last(["acc=1"])) == "1"


@pytest.mark.parametrize(
    ("line", "words"),
    [("loss=1", "no log line matches"), ("acc=nan", "the metric is nan"), ("acc=-", "which is no number")],
)
def test_a_missing_metric_has_a_reason(line: str, words: str) -> None:
    with pytest.raises(MetricMissing, match=words):
        in_log("acc=(.+)", line)


def test_a_dotted_key_walks_tables_and_lists() -> None:
    assert JsonFile("m.json", "a.1.b").read(b'{"a": [0, {"b": 2}]}') == 2.0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "left no m.json"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"b": 1}', "has no a"),
        (b"[1]", "has no a"),
        (b'{"a": "0.5"}', "is '0.5', not a number"),
        (b'{"a": true}', "is True, not a number"),
        (b'{"a": NaN}', "the metric is nan"),
        (b'{"a": 1' + b"0" * 400 + b"}", "too large"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_file_without_the_number_has_a_reason(content: bytes | None, words: str) -> None:
    with pytest.raises(MetricMissing, match=words):
        JsonFile("m.json", "a").read(content)


def test_goals() -> None:
    assert Goal.MAXIMIZE.prefers(2, 1)
    assert not Goal.MAXIMIZE.prefers(1, 1)
    assert Goal.MINIMIZE.prefers(1, 2)
