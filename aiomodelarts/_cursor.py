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
_ALL = "all"
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
    """A place between two events: the states before a look at a job, and how many of the look's changes were told.

    Args:
        jobs: the states; None for a job that was not looked at whole before this.
        job_id: the job that was looked at.
        changes: what the look told.
        upto: how much of that lies before this place.
        everything: the stream is about all jobs, not about these alone.
    """

    jobs: Mapping[int, States | None]
    job_id: int
    changes: "list[tuple[int, Told | None]]"
    upto: int
    everything: bool = False

    def as_text(self) -> str:
        """The cursor."""
        jobs = dict(self.jobs)
        before = jobs.get(self.job_id)
        if before is not None:
            jobs[self.job_id] = after_changes(before, self.changes[: self.upto])
        return encode(jobs, everything=self.everything)


def after_changes(states: States, changes: "list[tuple[int, Told | None]]") -> dict[int, Told]:
    """The states after some changes."""
    after = dict(states)
    for version_id, told in changes:
        if told is None:
            after.pop(version_id, None)
        else:
            after[version_id] = told
    return after


def encode(jobs: Mapping[int, States | None], *, everything: bool = False) -> str:
    """The states of all versions as text; runs of equal neighbours take the room of one."""
    plain: dict[str, Any] = {str(job_id): None if known is None else _runs(known) for job_id, known in jobs.items()}
    if everything:
        plain[_ALL] = True
    return _PREFIX + base64.urlsafe_b64encode(zlib.compress(orjson.dumps(plain), 6)).decode().rstrip("=")


def decode(text: object, job_ids: Iterable[int] | None, argument: str = "after") -> dict[int, dict[int, Told] | None]:
    """The states that ``encode`` wrote; None for a job that was not looked at whole before the cursor was made.

    Args:
        text: the cursor.
        job_ids: the jobs that it has to be about; None is all jobs of the project.
        argument: what a mistake is told of.

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
        everything = plain.pop(_ALL, False) is True
        jobs = {int(job_id): None if runs is None else _states(runs) for job_id, runs in plain.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error, zlib.error):
        raise InvalidArgument(argument, text, allowed) from None
    of, here = _named(None if everything else jobs), _named(None if job_ids is None else set(job_ids))
    if of != here:
        raise InvalidArgument(argument, text, f"it belongs to {of}, and this is about {here}")
    return jobs


def _named(job_ids: Iterable[int] | None) -> str:
    return "all jobs" if job_ids is None else f"job {', '.join(map(str, sorted(job_ids)))}"


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
