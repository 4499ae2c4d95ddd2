"""The far side of a watching run: answers from the board, in the forms that the documents leave open."""

import random
from typing import TYPE_CHECKING, Any

from aiomodelarts._wire.message import Request
from aiomodelarts.local.answers import Answer
from tests.simulate.line import FarSide, Trace, WallClock
from tests.simulate.watching.board import Board, Life, LogFile
from tests.support.throttling import VirtualLoop

if TYPE_CHECKING:
    from tests.simulate.watching.plan import Plan

_MARKERS = 10**18
_PREFIX = len("/v1/") + 32 + len("/training-jobs/")


class Core:
    """Answers what the watcher, the readers of logs and those who stop ask.

    Args:
        plan: sizes of pages.
        board: the truth.
    """

    def __init__(self, plan: "Plan", board: Board) -> None:
        self._plan, self._board = plan, board
        self._chance = random.Random(plan.seed + 2)
        self.now_s: Any = None

    async def answer(self, request: Request, lag_s: float = 0.0) -> Answer:
        """What the service says to a request; ``lag_s`` is by how much a list is too old."""
        now = self.now_s()
        job, _, rest = request.path[_PREFIX:].partition("/versions")
        lives = self._board.lives.get(int(job), {})
        query = dict(request.query)
        if not rest:
            return self._list(int(job), query, now - lag_s)
        number, _, verb = rest.lstrip("/").partition("/")
        life = lives.get(int(number))
        if life is None or not life.is_there(now) or now < life.made_s + life.hidden_s:
            return _refused("2775", 404)
        if verb == "stop":
            return self._good({}) if life.stop(now) else _refused("0105")
        if verb == "log/file-names":
            return self._names(life, now)
        if verb == "aom-log":
            return self._lines(life, query, now)
        return self._good({"job_id": self._told(life.job_id), "job_name": "j", **self._row(life, now)})

    def _list(self, job_id: int, query: dict[str, str], at_s: float) -> Answer:
        rows = self._board.rows(job_id, at_s)
        page, size = int(query["page"]), int(query["per_page"])
        shown = rows[(page - 1) * size : page * size]
        total = len(rows) if self._chance.random() < 0.9 else len(rows) + 1
        versions = [self._row(life, at_s) for life in shown]
        return self._good({"job_id": job_id, "job_name": "j", "version_count": total, "versions": versions})

    def _row(self, life: Life, at_s: float) -> dict[str, Any]:
        status = int(life.status_at(at_s))
        ran_ms = round(1000 * max(0.0, min(at_s, life.ended_s) - life.made_s))
        told = None if status == 0 and self._chance.random() < 0.3 else self._told(status)
        return {"version_id": self._told(life.version_id), "status": told, "duration": ran_ms, "log_url": "/b/log/"}

    def _names(self, life: Life, now: float) -> Answer:
        names = [file.name for file in life.files if file.is_there(now)]
        if now >= life.cleared_s:
            return _refused("2819")
        if not names and self._chance.random() < 0.5:
            return _refused("2818") if self._chance.random() < 0.5 else Answer(204, None)
        return self._good({"log_file_list": names[0] if len(names) == 1 and self._chance.random() < 0.5 else names})

    def _lines(self, life: Life, query: dict[str, str], now: float) -> Answer:
        file = next((file for file in life.files if file.name == query["log_file"] and file.is_there(now)), None)
        if now >= life.cleared_s:
            return _refused("2819")
        if file is None:
            return _refused("2818")
        window = self._window(file, query, now)
        if window is None:
            return _refused("0104")
        numbers = range(*window)
        if not numbers:
            return self._good({"content": "", "lines": "0", "start_line": None, "end_line": None})
        return self._good(
            {
                "content": "".join(f"{number}\n" for number in numbers),
                "lines": self._told(len(numbers)),
                "start_line": _MARKERS + numbers[0],
                "end_line": self._told(_MARKERS + numbers[-1]),
            }
        )

    def _window(self, file: LogFile, query: dict[str, str], now: float) -> tuple[int, int] | None:
        first, end, count = file.first_at(now), file.size_at(now), min(int(query["lines"]), self._plan.log_page)
        if "base_line" not in query:
            return max(first, end - count), end
        base = int(query["base_line"]) - _MARKERS
        if not first <= base < end:
            return None
        repeats = self._chance.random() < 0.5
        if query["order"] == "desc":
            begin = base if repeats else base + 1
            return begin, min(end, begin + count)
        end = base + 1 if repeats else base
        return max(first, end - count), end

    def _told(self, number: int) -> int | str:
        return str(number) if self._chance.random() < 0.3 else number

    def _good(self, payload: dict[str, Any]) -> Answer:
        return Answer(200, {"is_success": True, **payload})


class Platform(FarSide):
    """The far side of one run, which can sleep while nobody is served."""

    core: Core

    def __init__(self, plan: "Plan", board: Board, trace: Trace) -> None:
        super().__init__(plan, trace, WallClock(), Core(plan, board))
        self.board = board
        self.core.now_s = self.now_s
        self.slept_s = 0.0

    def now_s(self) -> float:
        """The board's time."""
        return self.clock.monotonic() + self.slept_s

    def nap(self, seconds: float, loop: VirtualLoop, *, goes_on: bool) -> None:
        """This machine sleeps; its monotonic clock goes on meanwhile, or stands still."""
        self.trace(
            "world", f"this machine sleeps for {seconds:g} s, and its clock {'goes on' if goes_on else 'stands'}"
        )
        if goes_on:
            loop.pass_time(seconds)
        else:
            self.slept_s += seconds
            self.clock.set_by_s += seconds


def _refused(code: str, status: int = 400) -> Answer:
    return Answer(status, {"is_success": False, "error_code": f"ModelArts.{code}", "error_message": "no"})
