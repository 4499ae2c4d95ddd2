"""Tokens: fetched once for everybody, renewed in time, renewed once after a refusal."""

import asyncio
from datetime import UTC, datetime

import pytest

from aiomodelarts import AsyncSession, ConnectionBroken, TokenExpired, TrainingJob
from aiomodelarts._net.auth import TokenAuth
from aiomodelarts._wire.iam import IssuedToken
from aiomodelarts._wire.message import Request, Response
from tests.support.clocks import EPOCH, HandClock
from tests.support.fakes import Service, answer, estimator_on, refusal, session_on

_ASKED = Request("GET", "https://modelarts.region.example.com", "/v1/p/job/ai-engines")


class Issuer:
    """Issues tokens that live as long as a test says."""

    def __init__(self, clock: HandClock, life_s: float) -> None:
        self.clock = clock
        self.life_s = life_s
        self.issued = self.asked = 0
        self.broken = False

    async def __call__(self) -> IssuedToken:
        self.asked += 1
        if self.broken:
            raise ConnectionBroken("nobody there")
        self.issued += 1
        await asyncio.sleep(0)
        return IssuedToken(f"token {self.issued}", self.clock.at + self.life_s)


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def used_at(auth: TokenAuth, clock: HandClock, second: float) -> str:
    clock.at = EPOCH + second
    return (await auth.authorized(_ASKED)).headers["X-Auth-Token"]


async def test_a_hundred_tasks_share_one_fetch() -> None:
    clock = HandClock(EPOCH)
    issuer = Issuer(clock, 86_400)
    auth = TokenAuth(issuer, clock)
    sent = await asyncio.gather(*(auth.authorized(_ASKED) for _ in range(100)))
    assert {request.headers["X-Auth-Token"] for request in sent} == {"token 1"}
    assert issuer.issued == 1


@pytest.mark.parametrize(("life_s", "kept_s", "renewed_s"), [(86_400, 85_799, 85_801), (300, 239, 241), (10, 7.9, 8.1)])
async def test_a_token_is_renewed_before_it_expires_and_not_for_every_request(
    life_s: float, kept_s: float, renewed_s: float
) -> None:
    clock = HandClock(EPOCH)
    issuer = Issuer(clock, life_s)
    auth = TokenAuth(issuer, clock)
    assert await used_at(auth, clock, 0) == "token 1"
    assert await used_at(auth, clock, kept_s) == "token 1"
    assert issuer.issued == 1
    # Nobody waits for another one while this one is good.
    assert await used_at(auth, clock, renewed_s) == "token 1"
    await _settled()
    assert await used_at(auth, clock, renewed_s) == "token 2"
    assert issuer.issued == 2


async def test_while_none_can_be_fetched_the_known_one_is_used_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock()
    issuer = Issuer(clock, 86_400)
    auth = TokenAuth(issuer, clock)
    await used_at(auth, clock, 0)
    issuer.broken = True
    for second in (85_801, 85_805, 86_000, 86_339):
        assert await used_at(auth, clock, second) == "token 1"
        await _settled()
    # Not for every request.
    assert issuer.asked == 4
    assert "could not be renewed yet" in caplog.text
    with pytest.raises(ConnectionBroken):
        await used_at(auth, clock, 86_341)
    issuer.broken = False
    assert await used_at(auth, clock, 86_342) == "token 2"


async def test_a_renewal_that_nobody_waits_for_ends_with_the_session() -> None:
    clock = HandClock()
    issuer = Issuer(clock, 86_400)
    auth = TokenAuth(issuer, clock)
    await used_at(auth, clock, 0)
    await used_at(auth, clock, 85_801)
    await asyncio.sleep(0)
    await auth.close()
    assert issuer.issued == 2
    assert len(asyncio.all_tasks()) == 1


async def test_where_the_clocks_disagree_a_new_token_is_used_until_it_is_refused() -> None:
    clock = HandClock(EPOCH)
    issuer = Issuer(clock, -3600)
    auth = TokenAuth(issuer, clock)
    assert [await used_at(auth, clock, second) for second in (0, 1, 5000)] == ["token 1"] * 3
    assert await auth.renewed(await auth.authorized(_ASKED))
    assert await used_at(auth, clock, 5001) == "token 2"


async def test_a_refusal_that_comes_after_the_renewal_renews_nothing() -> None:
    clock = HandClock()
    issuer = Issuer(clock, 86_400)
    auth = TokenAuth(issuer, clock)
    first, late = await auth.authorized(_ASKED), await auth.authorized(_ASKED)
    assert await auth.renewed(first)
    assert await used_at(auth, clock, 1) == "token 2"
    assert await auth.renewed(late)
    assert await used_at(auth, clock, 2) == "token 2"
    assert issuer.issued == 2


class Guarded(Service):
    """A platform that takes one token at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.valid = 0
        self.broken = False

    def issue(self) -> Response:
        self.valid += 1
        self.counts["tokens"] += 1
        expires = datetime.fromtimestamp(1_800_000_000, UTC).isoformat()
        return answer({"token": {"expires_at": expires}}, 201, X_Subject_Token=f"token {self.valid}")

    def __call__(self, request: Request) -> "Response":  # type: ignore[override]
        if request.path == "/v3/auth/tokens":
            return self.issue()
        if self.broken or request.headers["X-Auth-Token"] != f"token {self.valid}":
            self.counts["refused"] += 1
            return refusal("ModelArts.0202", 401, "the token has expired")
        result = super().__call__(request)
        assert isinstance(result, Response)
        return result


def _logged_in(service: Guarded) -> AsyncSession:
    return session_on(service.transport, account="tenant", username="user", password="secret")


async def test_a_hundred_refused_tasks_share_one_renewal_and_each_is_sent_once_more() -> None:
    service = Guarded()
    async with _logged_in(service) as session:
        handles = []
        for number in range(100):
            service.add(5, number)
            handles.append(TrainingJob.attach(session, 5, number))
        await handles[0].refresh()
        service.valid += 1
        await asyncio.gather(*(handle.refresh() for handle in handles))
    assert service.counts["tokens"] == 2
    assert 1 <= service.counts["refused"] <= 100
    assert service.counts["version"] == 101


async def test_a_creation_whose_token_was_refused_is_made_once() -> None:
    service = Guarded()
    async with _logged_in(service) as session:
        service.add(5, 1)
        await TrainingJob.attach(session, 5, 1).refresh()
        service.valid += 1
        job = await estimator_on(session).fit(inputs="/bucket/data/", job_name="once")
    assert (service.counts["create_job"], service.counts["refused"]) == (1, 1)
    assert job.job_id == 7


async def test_a_token_that_is_refused_again_ends_the_call() -> None:
    service = Guarded()
    service.broken = True
    async with _logged_in(service) as session:
        service.add(5, 1)
        with pytest.raises(TokenExpired):
            await TrainingJob.attach(session, 5, 1).refresh()
    assert (service.counts["refused"], service.counts["tokens"]) == (2, 2)
    assert all(b"secret" not in request.body for request in service.transport.sent[1:] if "tokens" not in request.path)
