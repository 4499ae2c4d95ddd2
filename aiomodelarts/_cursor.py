"""Where a stream of events stands, as text that can be kept: pure."""

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from attrs import frozen

from .errors import InvalidArgument

BEGINNING = "beginning"
_PREFIX = "c1."
# A million versions fit; a text made to burst the memory does not.
_LONGEST = 64 * 2**20


@frozen
class Told:
    """What was told of a version last.

    Args:
        status: its number.
        changes: how many changes of state were told.
        over: whether its end was told.
    """

    status: int
    changes: int = 0
    over: bool = False


States = Mapping[int, Told]


@frozen(eq=False)
class Mark:
    """A place between two events: the states before a look, and how many of the look's changes were told.

    A job without states was not looked at whole before this.
    """

    jobs: Mapping[int, States | None]
    job_id: int
    changes: "list[tuple[int, Told | None]]"
    upto: int

    def as_text(self) -> str:
        """The cursor."""
        before = self.jobs.get(self.job_id)
        if before is None:
            return encode(self.jobs)
        states = dict(before)
        for version_id, told in self.changes[: self.upto]:
            if told is None:
                states.pop(version_id, None)
            else:
                states[version_id] = told
        return encode({**self.jobs, self.job_id: states})


def encode(jobs: Mapping[int, States | None]) -> str:
    """The states of all versions as text; runs of equal neighbours take the room of one."""
    plain = {str(job_id): None if states is None else _runs(states) for job_id, states in jobs.items()}
    return _PREFIX + base64.urlsafe_b64encode(zlib.compress(orjson.dumps(plain), 6)).decode().rstrip("=")


def decode(text: object, job_ids: Iterable[int], argument: str = "after") -> dict[int, dict[int, Told] | None]:
    """The states that ``encode`` wrote; None for a job that was not looked at whole before the cursor was made.

    Raises:
        InvalidArgument: for what is no cursor, one of other jobs, or one that a later version of this library wrote.
    """
    allowed = "it is the cursor of an event"
    if not isinstance(text, str):
        raise InvalidArgument(argument, text, allowed)
    if not text.startswith(_PREFIX):
        later = text[:1] == "c" and text[1:2].isdigit() and text[2:3] == "."
        raise InvalidArgument(argument, text, f"{allowed}; a later version wrote this one" if later else allowed)
    try:
        body = text[len(_PREFIX) :]
        packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        plain = orjson.loads(unpacker.decompress(packed, _LONGEST))
        if not unpacker.eof:
            raise ValueError("cut off")
        jobs = {int(job_id): None if runs is None else _states(runs) for job_id, runs in plain.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error, zlib.error):
        raise InvalidArgument(argument, text, allowed) from None
    wanted = set(job_ids)
    if jobs.keys() != wanted:
        of, here = (", ".join(map(str, sorted(ids))) for ids in (jobs.keys(), wanted))
        raise InvalidArgument(argument, text, f"it belongs to job {of}, and this is about {here}")
    return jobs


def _runs(states: States) -> list[list[int]]:
    runs: list[list[int]] = []
    for version_id in sorted(states):
        told = states[version_id]
        last = [told.status, told.changes, int(told.over)]
        if runs and runs[-1][0] + runs[-1][1] == version_id and runs[-1][2:] == last:
            runs[-1][1] += 1
        else:
            runs.append([version_id, 1, *last])
    return runs


def _states(runs: Any) -> dict[int, Told]:
    states: dict[int, Told] = {}
    for first, count, status, changes, over in runs:
        if any(type(number) is not int for number in (first, count, status, changes, over)) or count > 10**7:
            raise ValueError("not a run")
        told = Told(status, changes, bool(over))
        states.update(dict.fromkeys(range(first, first + count), told))
    return states
