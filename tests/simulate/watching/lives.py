"""Draws what happens on a board."""

import random
from itertools import groupby

from aiomodelarts._watch.patience import Patience
from aiomodelarts.status import JobStatus
from tests.simulate.watching.board import Board, Life, LogFile, Move

_ENDS = (10, 10, 10, 10, 11, 11, 12, 13, 3, 5, 6, 16, 17, 21, 22)
_BEFORE = ((1, 8), (1, 7, 8), (1, 2, 4, 7, 8), (1, 18, 19, 20, 8), (1, 0, 7, 8), (7, 8))
# The last lines of a run can reach the log so long after its end.
LATE_LINES_S = 1.0


def board(chance: random.Random, patience: Patience) -> Board:
    """Some jobs with some versions, most of which end."""
    lives: dict[int, dict[int, Life]] = {}
    number = 0
    for job_id in range(1, chance.choice((1, 1, 2, 3)) + 1):
        made_s = sorted(chance.choice((0.0, 0.0, chance.uniform(0, 25))) for _ in range(chance.choice((1, 3, 6, 12))))
        lives[job_id] = {}
        for at_s in made_s:
            number += 1
            # Whoever follows a log needs a version that comes to an end.
            lives[job_id][number] = _life(chance, job_id, number, at_s, patience, ends=number == 1)
    return Board(lives)


def _life(chance: random.Random, job_id: int, number: int, made_s: float, patience: Patience, *, ends: bool) -> Life:
    moves = _moves(chance, made_s, patience, ends=ends)
    life = Life(job_id, number, moves, hidden_s=chance.choice((0.0, 0.0, 1.5)))
    if chance.random() < 0.12:
        life.deleted_s = chance.uniform(made_s + 2.0, life.moves[-1][0] + 20.0)
    life.files = tuple(_log(chance, f"job.{node}", life) for node in range(chance.choice((0, 1, 1, 2, 3))))
    if chance.random() < 0.03:
        life.cleared_s = chance.uniform(made_s, life.moves[-1][0] + 10.0)
    return life


def _moves(chance: random.Random, made_s: float, patience: Patience, *, ends: bool) -> list[Move]:
    numbers = list(chance.choice(_BEFORE))
    for odd in ((8, 7, 8), (0, 8), (14, 8), (15, 8), (99, 8), (7, 1, 8)):
        if chance.random() < 0.1:
            numbers += odd
    end = chance.random()
    if ends or end < 0.85:
        numbers.append(chance.choice(_ENDS))
    elif end < 0.95:
        numbers.append(chance.choice((0, 14, 20, 99)))
    numbers = [number for number, _ in groupby(numbers)]
    moves, at_s = [], made_s
    for before, status in zip([0, *numbers], numbers, strict=False):
        # A moment, as long as a page takes, or as long as a run. Whatever is endured ends well before it is not.
        most = {14: patience.lost_s, 0: patience.unknown_s, 20: patience.reviewed_s, 99: patience.unlisted_s}
        if moves:
            at_s += chance.choice(
                (0.05, chance.uniform(0, 2.0), min(0.7 * most.get(before, 20.0), chance.uniform(2, 15)))
            )
        moves.append((at_s, JobStatus(status)))
    return moves


def _log(chance: random.Random, name: str, life: Life) -> LogFile:
    begins_s = next((at_s for at_s, status in life.moves if status == JobStatus.RUNNING), life.made_s)
    until_s = max(begins_s, life.moves[-1][0] if life.last.is_final else begins_s + 15.0)
    count = chance.choice((1, 3, 8))
    moments = sorted(chance.uniform(begins_s, until_s) for _ in range(count))
    if chance.random() < 0.5:
        moments.append(until_s + chance.uniform(0, LATE_LINES_S))
    writes = tuple((at_s, chance.choice((1, 2, 10, 60))) for at_s in moments)
    cuts: tuple[tuple[float, int], ...] = ()
    if chance.random() < 0.15:
        at_s = chance.uniform(begins_s, until_s + 5.0)
        there = sum(count for written_s, count in writes if written_s <= at_s)
        cuts = ((at_s, chance.randint(0, there)),)
    return LogFile(name, writes, cuts)
