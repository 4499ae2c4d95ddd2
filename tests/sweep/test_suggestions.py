"""Reserving trials with suggested points: each controller from the ledger, whoever else writes to it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.description.config import SweepConfig
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.suggestions import Suggestions, suggestions
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Held, Move
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.search.search import AdaptiveSearch, RandomSearch
from aiomodelarts.sweep.search.searcher import Searcher
from aiomodelarts.sweep.space.space import Point, Space, key_of
from aiomodelarts.sweep.trial import Trial, TrialState

from .documents import changed, read

SEARCH = 'algorithm = "tpe"\ntrials = 14\nseed = 3\nstartup = 4'
CONFIG = read(changed('algorithm = "grid"', SEARCH).replace(", num = 4 }", " }"))


def begin(number: int, point: Point) -> Trial:
    return Trial(number, point, CONFIG.output_path(number))


class Controller:
    """Reserves trials and ends them."""

    def __init__(self, ledger: Ledger, config: SweepConfig) -> None:
        self.ledger = ledger
        self.config = config
        self.next: Suggestions = suggestions(config, ledger, begin)

    async def stand(self) -> int:
        await self.ledger.join("here", "1 1")
        return await self.next.stand(await self.ledger.trials())

    async def end(self, held: Held, value: float) -> None:
        running = evolve(held.trial, state=TrialState.RUNNING, job_id=1, version_id=held.trial.number)
        await self.ledger.move(Move(TrialState.RESERVED, running, "made"))
        over = evolve(running, state=TrialState.SUCCEEDED, value=value)
        await self.ledger.move(Move(TrialState.RUNNING, over, "over"))


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Controller, Controller]]:
    definition = Definition(CONFIG.name, settings_of(CONFIG))
    async with AsyncExitStack() as opened:
        ledgers = [
            await opened.enter_async_context(Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()))
            for _ in range(2)
        ]
        one, other = (Controller(ledger, CONFIG) for ledger in ledgers)
        assert await one.stand() == await other.stand() == 14
        yield one, other


def value_of(point: Point) -> float:
    return -((float(point["lr"]) - 0.01) ** 2) - abs(int(point["layers"]) - 2)


async def test_controllers_that_ask_at_once_share_one_history(two: tuple[Controller, Controller]) -> None:
    async def work(controller: Controller) -> list[Held]:
        done = []
        while (held := await controller.next.reserve(14)) is not None:
            await controller.end(held, value_of(held.trial.point))
            done.append(held)
        return done

    done = [held for share in await asyncio.gather(*map(work, two)) for held in share]
    assert sorted(held.trial.number for held in done) == list(range(1, 15))
    trials = await two[0].ledger.trials()
    assert len({key_of(trial.point) for trial in trials}) == 14


async def test_each_suggestion_can_be_made_again_from_what_the_ledger_says(two: tuple[Controller, Controller]) -> None:
    """The event of a reservation names the trials that ran then; all others were over."""
    one, other = two
    held = [await one.next.reserve(14) for _ in range(4)]
    for each in held:
        assert each is not None
        await one.end(each, value_of(each.trial.point))
    late = await one.next.reserve(14)
    assert late is not None
    for _ in range(3):
        each = await other.next.reserve(14)
        assert each is not None
        await other.end(each, value_of(each.trial.point))
    last = await one.next.reserve(14)
    assert last is not None
    said = (await one.ledger.events(9))[0].why
    assert said == "reserved: suggested by tpe from 7 values, while 5 ran"
    history = [
        evolve(trial, value=None, state=TrialState.RUNNING) if trial.number == 5 else trial
        for trial in await one.ledger.trials()
        if trial.number < 9
    ]
    assert isinstance(CONFIG.search, AdaptiveSearch)
    again = Searcher(CONFIG.search, CONFIG.space, [Goal.MAXIMIZE]).suggest(9, history)
    assert again.point == last.trial.point


async def test_a_controller_that_comes_back_suggests_what_it_would_have(tmp_path: Path) -> None:
    """A restart forgets nothing: the history is the ledger's."""

    async def points(restart_after: int) -> list[Point]:
        ledger_path = tmp_path / f"{restart_after}.sqlite"
        definition = Definition(CONFIG.name, settings_of(CONFIG))
        found: list[Point] = []
        for count in (restart_after, 14):
            async with Ledger.open(ledger_path, definition, SystemClock()) as ledger:
                controller = Controller(ledger, CONFIG)
                await controller.stand()
                while len(found) < count:
                    held = await controller.next.reserve(14)
                    assert held is not None
                    await controller.end(held, value_of(held.trial.point))
                    found.append(held.trial.point)
                await ledger.leave()
        return found

    assert await points(3) == await points(7) == await points(14)


async def test_points_that_are_known_beforehand_take_any_number(tmp_path: Path) -> None:
    config = read(changed('algorithm = "grid"', 'algorithm = "quasi-random"\ntrials = 16'))
    definition = Definition(config.name, settings_of(config))
    async with (
        Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as one,
        Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as other,
    ):
        controllers = [Controller(one, config), Controller(other, config)]
        assert [await controller.stand() for controller in controllers] == [16, 16]
        for turn in range(16):
            assert await controllers[turn % 2].next.reserve(16) is not None
        assert await controllers[0].next.reserve(16) is None
        assert [trial.point for trial in await one.trials()] == list(config.search.points(config.space))


async def test_points_are_never_drawn_on_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many trials there are already, however many are asked for at once, and whoever else takes some."""
    config = read(changed('algorithm = "grid"', 'algorithm = "random"\ntrials = 900').replace(", num = 4 }", " }"))
    drawn_in: set[threading.Thread] = set()
    points = RandomSearch.points

    def watched(search: RandomSearch, space: Space) -> Iterator[Point]:
        for point in points(search, space):
            drawn_in.add(threading.current_thread())
            yield point

    monkeypatch.setattr(RandomSearch, "points", watched)
    async with Ledger.open(tmp_path / "sweep.sqlite", Definition("x", {}), SystemClock()) as ledger:
        controllers = [Controller(ledger, config) for _ in range(2)]
        for one in controllers:
            await one.stand()
        held = await asyncio.gather(*(controllers[place % 7 == 0].next.reserve(900) for place in range(700)))
        later = Controller(ledger, config)
        await later.stand()
        held += [await later.next.reserve(900)]
    trials = sorted((one.trial for one in held if one is not None), key=lambda trial: trial.number)
    assert [trial.number for trial in trials] == list(range(1, 702))
    assert [trial.point for trial in trials] == list(islice(points(RandomSearch(900), config.space), 701))
    assert threading.main_thread() not in drawn_in
