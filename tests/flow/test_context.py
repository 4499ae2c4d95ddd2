"""What a caller has around it (a trace, a request) is around its own questions, and not around everybody's."""

import asyncio
from contextvars import ContextVar

import pytest

from aiomodelarts import ConnectionBroken, SettlePolicy, TrainingJob
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, estimator_on, session_on

pytestmark = pytest.mark.looptime
AROUND: ContextVar[str] = ContextVar("AROUND", default="nobody")


class Seen(Service):
    """Notes whose question each one is."""

    def __init__(self) -> None:
        super().__init__()
        self.around = dict[str, set[str]]()

    def __call__(self, request: Request) -> Response:  # type: ignore[override]
        kind = f"{request.method} {request.path.rpartition('/')[2]}"
        self.around.setdefault(kind, set()).add(AROUND.get())
        result = super().__call__(request)
        assert isinstance(result, Response)
        return result


async def test_looks_for_everybody_are_in_nobodys_context() -> None:
    service = Seen()
    for number in range(20):
        service.add(5, number)

    async def waits(number: int) -> None:
        AROUND.set(f"caller {number}")
        version = TrainingJob.attach(session, 5, number)
        await version.refresh()
        await version.wait(timeout_s=60)

    async with session_on(service.transport) as session:
        await asyncio.gather(*(waits(number) for number in range(20)), return_exceptions=True)
    assert service.around.pop("GET versions") == {"nobody"}
    assert {"caller 0"} <= service.around["GET 0"] <= {"caller 0", "nobody"}


async def test_settling_is_in_nobodys_context_and_a_create_in_its_callers() -> None:
    def lost(_: Request) -> Response:
        raise ConnectionBroken("lost")

    service = Seen()
    service.add(5, 1)
    async with session_on(service.transport, settle=SettlePolicy(quiet_window_s=1.0, max_sends=2)) as session:
        await estimator_on(session).resolved()
        await estimator_on(session).create_job_version(5, 1, "/bucket/data/")
        service.around.clear()
        service.overrides["create_version"] = lost
        AROUND.set("caller")
        with pytest.raises(Exception, match="no answer and no version"):
            await estimator_on(session, hyperparameters={"lr": 1}).create_job_version(5, 1, "/bucket/data/")
        assert service.around["POST versions"] == {"caller"}
        assert service.around["GET versions"] == {"nobody"}
