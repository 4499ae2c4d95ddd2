"""A database server of our own."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server on a Unix socket."""
    with server() as url:
        yield url
