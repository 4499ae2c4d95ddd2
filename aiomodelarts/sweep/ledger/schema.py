"""The tables."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint, text

VERSION = 2

_metadata = MetaData()
ACCOUNT = ("held_ms", "held_micros", "spent_ms", "spent_micros")
_BIG = BigInteger().with_variant(Integer(), "sqlite")


def _account() -> list[Column[int]]:
    return [Column(name, _BIG, nullable=False, default=0, server_default=text("0")) for name in ACCOUNT]


ledgers = Table("aiomodelarts_ledger", _metadata, Column("version", Integer, nullable=False))

sweeps = Table(
    "sweeps",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("settings", Text, nullable=False),
    Column("job_id", _BIG),
    Column("first_version_id", _BIG),
    Column("reserved", Integer, nullable=False, default=0),
    Column("base", Integer, nullable=False, default=0),
    Column("token", Integer, nullable=False, default=0),
    *_account(),
    Column("stop_upto", Integer),
    Column("stop_how", String(10)),
    UniqueConstraint("name", name="sweeps_name"),
)

trials = Table(
    "trials",
    _metadata,
    Column("sweep_id", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("point", Text, nullable=False),
    Column("output_path", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("intent", Text),
    Column("job_id", _BIG),
    Column("version_id", _BIG),
    Column("value", Float(53)),
    Column("failure", String(20)),
    Column("reason", Text),
    Column("began_at", Float(53)),
    Column("duration_s", Float(53)),
    Column("holder", Integer),
    *_account(),
    Column("tries", Text),
    Column("flavor", Text),
    Column("ending", String(20)),
    Column("last_value", Float(53)),
    Column("last_step", _BIG),
    Column("objectives", Text),
    Index("trials_by_state", "sweep_id", "state"),
)

leases = Table(
    "leases",
    _metadata,
    Column("sweep_id", Integer, primary_key=True),
    Column("token", Integer, primary_key=True, autoincrement=False),
    Column("place", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("beats", Integer, nullable=False, default=0),
    Column("ended", Text),
)

events = Table(
    "events",
    _metadata,
    Column("id", _BIG, primary_key=True),
    Column("sweep_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("state", String(20), nullable=False),
    Column("why", Text, nullable=False),
    Column("token", Integer, nullable=False),
    Column("detail", Text),
    Index("events_of_a_trial", "sweep_id", "number"),
)

measures = Table(
    "measures",
    _metadata,
    Column("id", _BIG, primary_key=True),
    Column("sweep_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("step", _BIG, nullable=False),
    Column("value", Float(53), nullable=False),
    Column("marks", Text),
    Index("measures_of_a_sweep", "sweep_id", "id"),
)


observations = Table(
    "observations",
    _metadata,
    Column("sweep_id", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("point", Text, nullable=False),
    Column("objectives", Text, nullable=False),
)


create_all = _metadata.create_all
TABLES = frozenset(_metadata.tables)
