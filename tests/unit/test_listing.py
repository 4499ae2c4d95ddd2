"""Bounds of lists, checked before anything is sent. Numbers are those of the findings."""

from typing import Any

import pytest

from aiomodelarts import InvalidArgument, JobStatus
from aiomodelarts.models.listing import ALGORITHMS, CONFIGS, JOBS, VISUALIZATIONS, ListQuery, ListRules

EVERY = [JOBS, CONFIGS, VISUALIZATIONS, ALGORITHMS]


@pytest.mark.parametrize("rules", EVERY)
def test_page_size_order_and_sort_key_are_always_sent(rules: ListRules) -> None:
    """Findings 14, 17 and 18: the defaults of the documents disagree."""
    names = [name for name, _ in ListQuery.of(rules).pairs()]
    assert names == ["per_page", "page", "sortBy", "order"]


@pytest.mark.parametrize(
    ("finding", "rules", "given", "argument"),
    [
        (14, JOBS, {"page": 0}, "page"),
        (22, JOBS, {"page": 65536}, "page"),
        (22, CONFIGS, {"page": -1}, "page"),
        (22, CONFIGS, {"page": "1"}, "page"),
        (22, CONFIGS, {"page": True}, "page"),
        (21, JOBS, {"per_page": 1001}, "per_page"),
        (21, JOBS, {"per_page": 0}, "per_page"),
        (21, VISUALIZATIONS, {"per_page": 101}, "per_page"),
        (21, ALGORITHMS, {"per_page": 101}, "per_page"),
        (21, CONFIGS, {"per_page": 10.0}, "per_page"),
        (20, JOBS, {"search_content": "x" * 65}, "search_content"),
        (20, CONFIGS, {"search_content": "x" * 101}, "search_content"),
        (20, JOBS, {"search_content": None}, "search_content"),
        (20, JOBS, {"search_content": "\ud800"}, "search_content"),
        (23, JOBS, {"status": 23}, "status"),
        (23, JOBS, {"status": -1}, "status"),
        (23, JOBS, {"status": "3,5"}, "status"),
        (23, JOBS, {"status": "running"}, "status"),
        (23, JOBS, {"status": "\u0663"}, "status"),
        (23, JOBS, {"status": True}, "status"),
        (17, JOBS, {"order": "up"}, "order"),
        (18, JOBS, {"sort_by": "engine_type"}, "sort_by"),
        (18, CONFIGS, {"sort_by": "job_name"}, "sort_by"),
        (19, JOBS, {"sort_by": "status", "sortBy": "status"}, "sortBy"),
        (19, JOBS, {"sortBy": 7}, "sort_by"),
    ],
)
def test_what_would_be_refused_is_told_before(
    finding: int, rules: ListRules, given: dict[str, Any], argument: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ListQuery.of(rules, **given)
    assert caught.value.argument == argument, f"finding {finding}"


@pytest.mark.parametrize("rules", EVERY)
def test_an_unknown_sort_key_is_told_the_known_ones_and_the_nearest(rules: ListRules) -> None:
    with pytest.raises(InvalidArgument) as caught:
        ListQuery.of(rules, sort_by=f"{rules.sort_keys[-1]}x")
    assert all(key in str(caught.value) for key in rules.sort_keys)
    assert caught.value.nearest == rules.sort_keys[-1]


@pytest.mark.parametrize("name", ["sort_by", "sortBy"])
def test_both_names_of_the_sort_key_become_the_one_on_the_wire(name: str) -> None:
    """Finding 19."""
    assert ("sortBy", "create_time") in ListQuery.of(JOBS, **{name: "create_time"}).pairs()


@pytest.mark.parametrize(
    ("rules", "given"),
    [
        (JOBS, {"page": 65535, "per_page": 1000, "search_content": "x" * 64, "status": 22, "order": "asc"}),
        (VISUALIZATIONS, {"per_page": 100, "status": "0"}),
        (JOBS, {"status": JobStatus.RUNNING}),
    ],
)
def test_the_bounds_themselves_are_taken(rules: ListRules, given: dict[str, Any]) -> None:
    pairs = dict(ListQuery.of(rules, **given).pairs())
    for name, value in given.items():
        assert pairs[name] == (str(int(value)) if name == "status" else str(value))
