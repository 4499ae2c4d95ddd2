"""What one seed decides beforehand: the weather, what happens on the board, and who looks at it."""

import random
import re

from attrs import field, frozen

from aiomodelarts._watch.cadence import Cadence, PollS
from aiomodelarts._watch.patience import Patience
from aiomodelarts.local.faults import Fault, Rule
from tests.simulate.line import Conditions
from tests.simulate.watching.board import Board
from tests.simulate.watching.consumers import Consumer, Halt
from tests.simulate.watching.lives import board
from tests.simulate.watching.readers import Reader
from tests.simulate.watching.waits import Wait

NAP_S = 8 * 3600.0
SLOWEST_S = 7.0
_STATES = re.compile(r"/versions(/\d+)?$")
_LIST = re.compile(r"/versions$")
_LOG = re.compile(r"/(aom-log|file-names)$")
_ANY = re.compile(r"/training-jobs")
_TROUBLE = (500, 502, 503, 504, 408)


@frozen(kw_only=True)
class Plan(Conditions):
    """One run.

    Args:
        weather: ``calm`` (nothing goes wrong) or ``rough``.
        page: rows of a page of a list.
        log_page: lines of a page of a log.
        lag_s: by how much lists may be too old.
        clears_s: when all faults end.
        nap: when this machine sleeps for eight hours, and whether its clock goes on meanwhile.
        closes_s: when the session is closed although somebody still waits.
        refuses: whether asking can be refused for good.
    """

    weather: str
    page: int
    log_page: int
    lag_s: float
    clears_s: float
    nap: tuple[float, bool] | None
    closes_s: float | None
    refuses: bool
    cadence: Cadence
    patience: Patience
    board: Board = field(repr=False)
    waits: tuple[Wait, ...] = field(repr=False)
    readers: tuple[Reader, ...] = field(repr=False)
    consumers: tuple[Consumer, ...] = field(repr=False)

    @property
    def slowest_s(self) -> float:
        """The longest pause that anybody wants."""
        wanted = [self.cadence.within(one.poll_s).max_s for one in (*self.waits, *self.consumers)]
        return max([self.cadence.max_s, *wanted])

    @property
    def is_calm(self) -> bool:
        """Whether nothing goes wrong."""
        return self.weather == "calm"

    def on_loop(self, board_s: float) -> float:
        """When, in the loop's time, something on the board can be seen first; who sleeps sees nothing."""
        if self.nap is None or board_s < self.nap[0]:
            return board_s
        awake_s = max(board_s, self.nap[0] + NAP_S)
        return awake_s if self.nap[1] else awake_s - NAP_S

    def on_board(self, board_s: float) -> float:
        """When, in the board's time, whoever does something then is awake."""
        return max(board_s, self.nap[0] + NAP_S) if self.nap is not None and board_s >= self.nap[0] else board_s

    def latest(self, known_s: float, within_s: float) -> float:
        """When, in the loop's time, something is done within so long; time that passes in sleep does not count."""
        if self.nap is None or not self.nap[1] or known_s + within_s < self.nap[0]:
            return known_s + within_s
        return max(known_s, self.nap[0] + NAP_S) + within_s


def plan(seed: int) -> Plan:
    """What this seed means; always the same."""
    chance = random.Random(seed)
    weather = chance.choices(("calm", "rough"), (1, 3))[0]
    clears_s = chance.uniform(20.0, 60.0)
    lag_s = chance.choice((0.0, chance.uniform(0.5, 6.0))) if weather == "rough" else 0.0
    rules = _rules(chance, lag_s) if weather == "rough" else ()
    refuses = weather == "rough" and chance.random() < 0.05
    if refuses:
        rules = (Rule(Fault("status", code=403), "GET", _STATES, 0.05, 1, chance.getrandbits(32)), *rules)
    patience = Patience(lost_s=6.0, unknown_s=10.0, reviewed_s=15.0, unlisted_s=20.0)
    least = chance.choice((0.05, 0.3, 1.0))
    most = chance.choice((1.0, 3.0, 5.0))
    there = board(chance, patience)
    return Plan(
        seed=seed,
        weather=weather,
        rules=rules,
        latency_s=chance.choice(((0.001, 0.01), (0.01, 0.2), (0.1, 0.4))),
        timeout_s=chance.uniform(2.0, 6.0),
        not_sent=0.0 if weather == "calm" else chance.choice((0.0, 0.05)),
        odd_answers=0.0 if weather == "calm" else chance.choice((0.0, 0.1)),
        in_flight=chance.choice((4, 16, 128)),
        page=chance.choice((3, 5, 1000)),
        log_page=chance.choice((3, 20, 500)),
        lag_s=lag_s,
        clears_s=clears_s,
        nap=(chance.uniform(5, 40), chance.random() < 0.5) if chance.random() < 0.1 else None,
        closes_s=chance.uniform(0, 40) if chance.random() < 0.08 else None,
        refuses=refuses,
        cadence=Cadence(min_s=least, max_s=most, polls_per_s=chance.choice((2.0, 20.0))),
        patience=patience,
        board=there,
        waits=tuple(_wait(chance, there, least) for _ in range(chance.choice((1, 3, 6)))),
        readers=tuple(_reader(chance, there) for _ in range(chance.choice((0, 1, 2)))),
        consumers=tuple(_consumer(chance, there, least) for _ in range(chance.choice((0, 1, 2, 3)))),
    )


def _rules(chance: random.Random, lag_s: float) -> tuple[Rule, ...]:
    rules = []
    for kind in ("status", "throttled", "reset_before", "reset_after", "delay_before", "slow_drip", "truncate",
                 "wrong_type", "envelope"):  # fmt: skip
        if chance.random() < 0.3:
            # Of an answer that is no answer, a log's reader cannot tell whether it refuses.
            where = _STATES if kind == "wrong_type" else chance.choice((_STATES, _STATES, _LOG, _ANY))
            rules.append(_on(chance, _fault(chance, kind), where, 0.4))
    if chance.random() < 0.1:
        # The service is down until the weather clears.
        rules = [Rule(Fault("status", code=503), None, _ANY, 1.0, None, 0)]
    if lag_s:
        rules.append(_on(chance, Fault("stale_list", seconds=lag_s), _LIST, 1.0))
    chance.shuffle(rules)
    return tuple(rules)


def _fault(chance: random.Random, kind: str) -> Fault:
    if kind == "throttled":
        return Fault("status", code=429, retry_after=chance.choice((None, "1", "3", "soon", "0.5")))
    return Fault(kind, seconds=chance.choice((0.5, 3.0, 30.0)), code=chance.choice(_TROUBLE))


def _on(chance: random.Random, fault: Fault, path: "re.Pattern[str]", most: float) -> Rule:
    count = chance.choice((None, None, 1, 5))
    return Rule(fault, None, path, chance.uniform(0.02, most), count, chance.getrandbits(32))


def _own_bounds(chance: random.Random, least: float) -> PollS:
    """How often somebody wants a look; most leave it to the session."""
    return chance.choice((None, None, None, None, 0.2, least, (least, SLOWEST_S), SLOWEST_S))


def _wait(chance: random.Random, there: Board, least: float) -> Wait:
    kind = chance.choice(("ended", "ended", "wait", "updates", "wait_all", "as_completed"))
    lives = list(there.lives[chance.choice(list(there.lives))].values())
    if kind in {"wait_all", "as_completed"}:
        lives = chance.sample(lives, chance.randint(1, len(lives)))
    else:
        lives = [chance.choice(lives)]
    starts_s = max(life.made_s for life in lives) + chance.choice((0.0, 0.0, chance.uniform(0, 30)))
    endless = any(not life.last.is_final and not life.last.is_doubtful for life in lives)
    limited = endless or chance.random() < 0.2
    return Wait(
        kind=kind,
        lives=tuple(lives),
        starts_s=starts_s,
        timeout_s=chance.choice((0.0, 0.3, chance.uniform(1, 60))) if limited else None,
        cancelled_s=chance.choice((0.0, chance.uniform(0, 20))) if chance.random() < 0.15 else None,
        stop_on_cancel=kind in {"wait", "wait_all"} and chance.random() < 0.3,
        made_here=chance.random() < 0.3,
        poll_s=_own_bounds(chance, least),
    )


def _reader(chance: random.Random, there: Board) -> Reader:
    life = chance.choice([life for life in there.all() if life.last.is_final or life.last.is_doubtful])
    halts = [Halt(
            count=chance.choice((1, 7, 40)),
            after_s=chance.choice((None, chance.uniform(0, 20))),
            away_s=chance.choice((0.0, 5.0)),
        )
             for _ in range(chance.choice((0, 0, 1, 3)))]  # fmt: skip
    return Reader(
        life=life,
        starts_s=life.made_s + chance.choice((0.0, 0.0, chance.uniform(0, 40))),
        halts=tuple(halts),
        slow_s=chance.choice((0.0, 0.0, 0.05)),
    )


def _consumer(chance: random.Random, there: Board, least: float) -> Consumer:
    jobs = list(there.lives)
    halts = [
        Halt(
            count=chance.choice((1, 2, 5, 12)),
            after_s=chance.choice((None, chance.uniform(0, 40))),
            away_s=chance.choice((0.0, 3.0, 8.0)),
            saved=chance.random() < 0.7,
            anew=chance.random() < 0.5,
        )
        for _ in range(chance.choice((0, 0, 1, 3)))
    ]
    return Consumer(
        job_ids=tuple(sorted(chance.sample(jobs, chance.randint(1, len(jobs))))),
        from_the_beginning=chance.random() < 0.7,
        starts_s=chance.choice((0.0, chance.uniform(0, 20))),
        slow_s=chance.choice((0.0, 0.5, 4.0)),
        buffer=chance.choice((4, 8, 20, 10_000, 10_000)),
        log_stalled_s=chance.choice((None, None, 4.0)),
        halts=tuple(halts),
        poll_s=chance.choice((None, None, 0.5, 3.0)),
    )
