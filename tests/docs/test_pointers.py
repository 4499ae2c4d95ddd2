"""What the pages point at is there: files, links, modules to run, and the tests that hold a promise."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*/README.md"))]
TESTS = "\n".join(file.read_text("utf-8") for file in ROOT.glob("tests/**/*.py"))
FILES = {file.name for folder in ("aiomodelarts", "tests", "examples") for file in (ROOT / folder).rglob("*.py")}

pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_files_and_links(page: Path) -> None:
    text = page.read_text("utf-8")
    paths = {path.rstrip("/.") for path in re.findall(r"`((?:tests|docs|benchmarks|scripts)/[\w./-]+)`", text)}
    links = {link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link}
    assert not {path for path in paths if not (ROOT / path).exists()}
    assert not {link for link in links if not (page.parent / link).exists()}
    assert not set(re.findall(r"\b(\w+\.py)\b", text)) - FILES - {"mnist_softmax.py", "run_train.py"}


def test_modules_to_run(page: Path) -> None:
    ours = re.findall(r"python -m ((?:tests|benchmarks|aiomodelarts)[\w.]*)", page.read_text("utf-8"))
    places = {name: ROOT / name.replace(".", "/") for name in ours}
    assert not {
        name
        for name, place in places.items()
        if not place.with_suffix(".py").exists() and not (place / "__main__.py").exists()
    }


def test_tests_that_hold_a_promise(page: Path) -> None:
    text = page.read_text("utf-8")
    # A name that ends with dots is the beginning of one.
    named = set(re.findall(r"\b(test_\w+)(?!\w*\.py)", text)) - {name.removesuffix(".py") for name in FILES}
    assert not {name for name in named if not re.search(rf"def {name}", TESTS)}
    assert not {name for name in re.findall(r"\b(Test[A-Z]\w+)", text) if f"class {name}" not in TESTS}
