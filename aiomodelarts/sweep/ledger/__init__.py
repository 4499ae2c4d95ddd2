"""The durable record of a sweep: SQLite beside it, or PostgreSQL. Nothing outside this package speaks SQL."""

from .errors import Fenced, LedgerError, SweepChanged
from .records import Definition, Event, Held, Lease, Move, SweepRecord

__all__ = ["Definition", "Event", "Fenced", "Held", "Lease", "LedgerError", "Move", "SweepChanged", "SweepRecord"]
