"""What there really is, at every moment: versions that are made, move, end and are deleted, and logs that grow."""

from collections.abc import Iterator

from attrs import define, field

from aiomodelarts.status import JobStatus

FOREVER = 1e9
Move = tuple[float, JobStatus]


@define(eq=False)
class LogFile:
    """One node's log; the lines say their own numbers.

    Args:
        name: of the file.
        writes: when, and how many lines were written then.
        cuts: when, and how many lines at the front are gone from then on.
    """

    name: str
    writes: tuple[tuple[float, int], ...]
    cuts: tuple[tuple[float, int], ...] = ()

    def size_at(self, at_s: float) -> int:
        """Lines written so far."""
        return sum(count for written_s, count in self.writes if written_s <= at_s)

    def first_at(self, at_s: float) -> int:
        """Number of the first line that is still there."""
        return min(self.size_at(at_s), max((gone for cut_s, gone in self.cuts if cut_s <= at_s), default=0))

    @property
    def size(self) -> int:
        """Lines in the end."""
        return self.size_at(FOREVER)

    def is_there(self, at_s: float) -> bool:
        """Whether anything was written."""
        return any(written_s <= at_s for written_s, _ in self.writes)


@define(eq=False)
class Life:
    """One version.

    Args:
        moves: when it came into which status; the first is its creation.
        hidden_s: single reads do not find it for so long after its creation.
        deleted_s: when somebody deleted it.
        files: its logs.
        cleared_s: when its logs were cleared away.
        stopped: how often somebody asked to stop it.
    """

    job_id: int
    version_id: int
    moves: list[Move]
    hidden_s: float = 0.0
    deleted_s: float = FOREVER
    files: tuple[LogFile, ...] = ()
    cleared_s: float = FOREVER
    stopped: list[float] = field(factory=list)

    @property
    def made_s(self) -> float:
        """When it was created."""
        return self.moves[0][0]

    @property
    def last(self) -> JobStatus:
        """The status that it stays in."""
        return self.moves[-1][1]

    @property
    def ended_s(self) -> float:
        """When it ended for good."""
        return self.moves[-1][0] if is_end(self.last) else FOREVER

    @property
    def quiet_s(self) -> float:
        """When nothing happens to it any more."""
        writes = [at_s for file in self.files for at_s, _ in (*file.writes, *file.cuts)]
        gone = [at_s for at_s in (self.deleted_s, self.cleared_s) if at_s < FOREVER]
        return max(self.moves[-1][0], *writes, *gone, 0.0)

    def status_at(self, at_s: float) -> JobStatus:
        """The status at that moment."""
        return next((status for moved_s, status in reversed(self.moves) if moved_s <= at_s), self.moves[0][1])

    def is_there(self, at_s: float) -> bool:
        """Whether it exists at that moment."""
        return self.made_s <= at_s < self.deleted_s

    def stays(self) -> Iterator[tuple[float, float, JobStatus]]:
        """From when until when it was in which status, while it existed."""
        ends = [at_s for at_s, _ in self.moves[1:]] + [FOREVER]
        for (since_s, status), until_s in zip(self.moves, ends, strict=True):
            if since_s < self.deleted_s:
                yield since_s, min(until_s, self.deleted_s), status

    def showed(self, status: JobStatus, since_s: float, until_s: float) -> bool:
        """Whether it was in this status at a moment between the two."""
        return any(status == there and begin <= until_s and end >= since_s for begin, end, there in self.stays())

    def held_s(self, status: JobStatus, until_s: float, blind_s: float) -> float:
        """The longest time that it had seemed to stay in this status by then, to one who misses what is as short."""
        longest, begun_s, left_s = 0.0, 0.0, -FOREVER
        for begin_s, end_s, there in self.stays():
            if there == status and begin_s <= until_s:
                begun_s = begun_s if begin_s - left_s <= blind_s else begin_s
                left_s = min(end_s, until_s)
                longest = max(longest, left_s - begun_s)
        return longest

    def stop(self, at_s: float) -> bool:
        """Somebody asks to stop it; False when it has ended."""
        self.stopped.append(at_s)
        if self.ended_s <= at_s:
            return False
        self.moves = [move for move in self.moves if move[0] <= at_s]
        self.moves += [(at_s, JobStatus.KILLING), (at_s + 1.0, JobStatus.KILLED)]
        for file in self.files:
            file.writes = tuple(write for write in file.writes if write[0] <= at_s + 1.0)
        return True


@define(eq=False)
class Board:
    """All versions, by job and number."""

    lives: dict[int, dict[int, Life]]

    def rows(self, job_id: int, at_s: float) -> list[Life]:
        """The versions of a job that existed at that moment, newest first."""
        return [life for _, life in sorted(self.lives[job_id].items(), reverse=True) if life.is_there(at_s)]

    def all(self) -> Iterator[Life]:
        """Every version that ever exists."""
        for lives in self.lives.values():
            yield from lives.values()

    @property
    def quiet_s(self) -> float:
        """When nothing happens any more."""
        return max(life.quiet_s for life in self.all())


def is_end(status: JobStatus) -> bool:
    """Whether a version never leaves this status; a lost one can return."""
    return status.is_final and status is not JobStatus.LOST
