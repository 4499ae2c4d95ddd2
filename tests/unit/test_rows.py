"""Reading a job's versions as far as anything new can stand."""

import pytest

from aiomodelarts._create import rows
from aiomodelarts._create.rows import new_rows
from aiomodelarts.models.job import VersionInfo, VersionPage


class Pages:
    """A list of versions in some order, in pages of two."""

    def __init__(self, *ids: int) -> None:
        self.ids = ids
        self.read = 0

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage:
        self.read += 1
        shown = self.ids[(page - 1) * per_page : page * per_page]
        return VersionPage(versions=tuple(VersionInfo(version_id=number) for number in shown))


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PAGE", 2)


@pytest.mark.parametrize(
    ("ids", "known", "found", "read"),
    [
        pytest.param(
            (6, 5, 4, 3, 2, 1), {5: 0, 4: 0, 3: 0, 2: 0, 1: 0}, {6}, 2, id="nothing new is below what is older"
        ),
        pytest.param(
            (6, 5, 4, 3, 2, 1), {5: 9, 4: 9, 3: 9, 2: 9, 1: 9}, {6}, 4, id="what became known later ends nothing"
        ),
        pytest.param((1, 2, 3, 4), {1: 0, 2: 0, 3: 0}, {4}, 3, id="oldest first, the new one comes last"),
        pytest.param((), {}, set(), 1, id="none"),
    ],
)
async def test_everything_new_is_found_and_no_more_is_read_than_that_takes(
    ids: tuple[int, ...], known: dict[int, float], found: set[int], read: int
) -> None:
    pages = Pages(*ids)
    assert (await new_rows(pages, 7, known, 1.0)).keys() == found
    assert pages.read == read
