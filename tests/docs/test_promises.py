"""Every test that the pages of promises name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/promises.md").read_text("utf-8")
# In a table, what is in backquotes may be a file, a test in it, a test of the simulators, or one of their mutations.
SPANS = {span for line in PAGE.splitlines() if line.startswith("|") for span in re.findall(r"`([^`]+)`", line)}
# The page of object storage has one folder for all of its.
OF_OBS = re.findall(r"`(test_[^`]+)`", (ROOT / "docs/obs.md").read_text("utf-8"))
FILES = sorted({span for span in SPANS if span.startswith("tests/")} | {f"tests/obs/{span}" for span in OF_OBS})
BITES = sorted(
    found[1] for span in SPANS if (found := re.fullmatch(r"(?:bites|test_the_simulator_bites)?\[(.*)\]", span))
)
SIMULATORS = "".join(file.read_text("utf-8") for file in sorted((ROOT / "tests/simulate").rglob("test_*.py")))


@pytest.mark.parametrize("named", FILES)
def test_a_file_and_the_tests_named_in_it_are_there(named: str) -> None:
    file, _, tests = named.partition(": ")
    text = (ROOT / file).read_text("utf-8")
    for test in filter(None, tests.split(", ")):
        name = re.escape(test.removesuffix("..."))
        assert re.search(rf"(def|class) {name}" + ("" if test.endswith("...") else r"\b"), text), test


@pytest.mark.parametrize("named", BITES)
def test_a_mutation_is_there(named: str) -> None:
    assert f'id="{named.removesuffix("...").strip()}' in SIMULATORS


def test_there_are_some_of_each() -> None:
    assert len(FILES) > 10
    assert len(OF_OBS) > 5
    assert len(BITES) > 10
