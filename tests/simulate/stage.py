"""What every kind of run stands on: virtual time, a session through a line of ours, and no complaint of the loop."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

from attrs import define, field

from aiomodelarts import AsyncSession, Limits, RetryPolicy, Seams
from aiomodelarts._wire.message import Response
from tests.simulate.line import KEYS, Conditions, Event, FarSide, Line, Trace
from tests.support.throttling import VirtualLoop

ORIGIN = "http://modelarts.example.com"
# No run has a reason to last longer.
AT_MOST_S = 100_000.0
Tampering = Callable[[], AbstractContextManager[Any]]


@define(eq=False)
class Staged:
    """What a run of any kind leaves behind."""

    plan: Any
    world: Any
    trace: Trace
    violations: list[str] = field(factory=list)

    @property
    def events(self) -> list[Event]:
        """The trace."""
        return self.trace.events


R = TypeVar("R", bound=Staged)


def perform(
    main: Callable[[Trace], Coroutine[Any, Any, R]],
    broken: Callable[[Trace], R],
    around: tuple[AbstractContextManager[Any], ...] = (),
    *,
    loop: Callable[[], VirtualLoop] = VirtualLoop,
    muted: bool = False,
) -> R:
    """The run of ``main`` in virtual time; whatever is logged as an error or told to the loop violates it.

    Args:
        main: the run.
        broken: what stands for a run that did not come to its end.
        around: what is in force meanwhile.
        loop: makes the loop.
        muted: keep no trace.
    """
    complaints: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(_errors_logged(complaints))
        for context in around:
            stack.enter_context(context)
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.get_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
            trace = Trace(muted=muted)
            try:
                run = runner.run(main(trace))
            except RuntimeError as error:
                run = broken(trace)
                run.violations.append(f"the run did not end: {error!r}")
    run.violations += complaints
    return run


@contextmanager
def _errors_logged(complaints: list[str]) -> Any:
    class Listens(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(f"logged: {self.format(record)}")

    logger, handler = logging.getLogger("aiomodelarts"), Listens(logging.ERROR)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def open_session(
    world: FarSide, name: str, number: int, line_type: type[Line] = Line, **options: Any
) -> tuple[AsyncSession, Line]:
    """A session that speaks to the far side, and the line that it speaks through."""
    weather: Conditions = world.plan
    line = line_type(world, name, random.Random(weather.seed * 100 + number))

    async def inline(function: Callable[[Response], Any], response: Response) -> Any:
        return function(response)

    login: dict[str, Any] = {"access_key": KEYS.access_key, "secret_key": KEYS.secret_key}
    if weather.by_token:
        login = {"account": KEYS.account, "username": KEYS.username, "password": KEYS.password}
    session = AsyncSession(
        **login,
        project_id=KEYS.project_id,
        region_name=KEYS.region_name,
        endpoints={"modelarts": ORIGIN, "iam": ORIGIN},
        limits=Limits(in_flight=weather.in_flight),
        retry=RetryPolicy(),
        seams=Seams(clock=world.clock, rng=random.Random(number), transport=line, aside=inline),
        **options,
    )
    return session, line


async def close(run: Staged, session: AsyncSession, name: str) -> None:
    """Close it, which takes no time to speak of."""
    began = run.world.clock.monotonic()
    run.trace("caller", f"closes {name}")
    await session.close()
    run.trace("caller", f"closed {name}")
    took = run.world.clock.monotonic() - began
    if took > 5.0:
        run.violations.append(f"closing took {took:.1f} s")


def tell_what_is_out(run: Staged, session: AsyncSession) -> None:
    """A closed session has nothing in its queues."""
    snapshot = session.governor.snapshot()
    for share in (snapshot.creates, snapshot.reads, snapshot.logs):
        if share.waiting or share.in_flight:
            run.violations.append(f"after closing: {share}")


def tell_what_is_left(run: Staged) -> None:
    """Nobody but the far side may still have a task; all of them are ended here."""
    ours = asyncio.current_task()
    left = [t for t in asyncio.all_tasks() if t is not ours and t not in run.world.tasks and not t.done()]
    run.violations += [f"a task is left: {task.get_name()} {task.get_coro()}" for task in left]
    for task in [*left, *run.world.tasks]:
        task.cancel()
