"""From the schema of an earlier version to the present one, step by step.

What a step says is never changed again: ledgers that it made are out there. It only adds, and gives what it adds a
default, so that a controller of the version before, which still drives the sweep, goes on undisturbed.
"""

from collections.abc import Iterator, Mapping, Sequence

from . import schema

# The same word for the same thing, as each kind of database spells it.
_WORDS = {
    "sqlite": {"ID": "INTEGER NOT NULL PRIMARY KEY", "BIG": "INTEGER", "DOUBLE": "FLOAT"},
    "postgresql": {"ID": "BIGSERIAL PRIMARY KEY", "BIG": "BIGINT", "DOUBLE": "DOUBLE PRECISION"},
}
_ACCOUNT = tuple(
    f"{name} {{BIG}} NOT NULL DEFAULT 0" for name in ("held_ms", "held_micros", "spent_ms", "spent_micros")
)


def _columns(table: str, *columns: str) -> tuple[str, ...]:
    return tuple(f"ALTER TABLE {table} ADD COLUMN {column}" for column in columns)


def _table(name: str, *columns: str) -> str:
    return f"CREATE TABLE {name} ({', '.join(columns)})"


# By the version that a step leads to.
_STEPS: Mapping[int, Sequence[str]] = {
    2: (
        *_columns("sweeps", *_ACCOUNT, "stop_upto INTEGER", "stop_how VARCHAR(10)"),
        *_columns("trials", *_ACCOUNT, "tries TEXT", "flavor TEXT", "ending VARCHAR(20)"),
        *_columns("trials", "last_value {DOUBLE}", "last_step {BIG}", "objectives TEXT"),
        *_columns("events", "detail TEXT"),
        _table(
            "measures",
            "id {ID}",
            *("sweep_id INTEGER NOT NULL", "number INTEGER NOT NULL", "attempt INTEGER NOT NULL"),
            *("step {BIG} NOT NULL", "value {DOUBLE} NOT NULL", "marks TEXT"),
        ),
        "CREATE INDEX measures_of_a_sweep ON measures (sweep_id, id)",
        _table(
            "observations",
            *("sweep_id INTEGER NOT NULL", "position INTEGER NOT NULL", "source TEXT NOT NULL"),
            *("point TEXT NOT NULL", "objectives TEXT NOT NULL", "PRIMARY KEY (sweep_id, position)"),
        ),
    ),
}


def statements(version: int, dialect: str) -> Iterator[str]:
    """What leads from the schema of this version to the present one.

    Args:
        version: of the ledger.
        dialect: SQLAlchemy's name of the kind of database.
    """
    for later in range(version + 1, schema.VERSION + 1):
        for statement in _STEPS[later]:
            yield statement.format(**_WORDS[dialect])
