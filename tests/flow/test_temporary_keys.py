"""Temporary keys: from the identity service for whoever has a token only, and from the instance that this runs on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import define, field

from aiomodelarts import AsyncSession, ConfigurationError, DecodeError, NotAllowed, Seams, TokenExpired
from aiomodelarts._wire.iam import TemporaryKeys
from aiomodelarts.local import LocalPlatform
from tests.obs.recording import recording
from tests.support.clocks import MovedClock


def session_of(platform: LocalPlatform, clock: MovedClock | None = None, **who: Any) -> AsyncSession:
    who = who or {"account": platform.account, "username": platform.username, "password": platform.password}
    endpoints = {"modelarts": platform.modelarts_endpoint, "iam": platform.iam_endpoint}
    seams = Seams(clock=clock or MovedClock())
    return AsyncSession(project_id=platform.project_id, endpoints=endpoints, seams=seams, **who)


async def keys_of(session: AsyncSession, *, renew: bool = False) -> TemporaryKeys:
    keys = await session._parts.line.keys(renew)
    assert isinstance(keys, TemporaryKeys)
    return keys


async def token_of(platform: LocalPlatform) -> str:
    user = {"name": platform.username, "password": platform.password, "domain": {"name": platform.account}}
    scope = {"project": {"id": platform.project_id}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{platform.iam_endpoint}/v3/auth/tokens", json=body) as answer,
    ):
        return answer.headers["X-Subject-Token"]


@pytest.fixture
async def platform() -> AsyncIterator[LocalPlatform]:
    async with LocalPlatform(executor="simulated") as running:
        yield running


async def test_a_login_gets_keys_that_sign_and_everybody_shares_them(platform: LocalPlatform) -> None:
    async with session_of(platform) as session:
        several = await asyncio.gather(*(keys_of(session) for _ in range(20)))
    assert len(set(several)) == 1
    pair = several[0].keys
    assert pair.security_token is not None
    assert pair.secret_key not in repr(several[0])
    assert pair.security_token not in repr(several[0])
    given = {"access_key": pair.access_key, "secret_key": pair.secret_key, "security_token": pair.security_token}
    async with session_of(platform, **given) as signed:
        assert await signed.engines()
    async with session_of(platform, **given | {"secret_key": "another"}) as signed:
        with pytest.raises(NotAllowed):
            await signed.engines()


async def test_keys_are_renewed_before_they_expire_and_when_they_were_refused(platform: LocalPlatform) -> None:
    clock = MovedClock()
    async with session_of(platform, clock) as session:
        first = await keys_of(session)
        assert await keys_of(session) == first
        clock.ahead_s = first.expires_at - time.time() - 300
        # They are good for five minutes yet, so nobody waits for others.
        async with asyncio.timeout(10):
            while (second := await keys_of(session)) == first:
                await asyncio.sleep(0.01)
        assert await keys_of(session, renew=True) != second


async def test_a_token_of_somebody_else_gets_keys_too(platform: LocalPlatform) -> None:
    async with session_of(platform, token=await token_of(platform)) as session:
        assert (await keys_of(session)).expires_at > time.time() + 3600
    async with session_of(platform, token="MTIz") as session:
        with pytest.raises(TokenExpired):
            await keys_of(session)


async def test_a_session_that_has_but_a_token_reads_and_writes_objects(platform: LocalPlatform) -> None:
    async with recording() as server:
        endpoints = {
            "modelarts": platform.modelarts_endpoint,
            "iam": platform.iam_endpoint,
            "obs": f"http://127.0.0.1:{server.port}",
        }
        token = await token_of(platform)
        async with AsyncSession(
            token=token, project_id=platform.project_id, region_name="r", endpoints=endpoints
        ) as session:
            await session.obs.write("obs://bucket/k", b"weights")
            await session.obs.write("obs://bucket/folder/", b"")
            keys = (await keys_of(session)).keys
    puts = [one for one in server.seen if one.method == "PUT"]
    assert [(one.target, one.body) for one in puts] == [("/bucket/k", b"weights"), ("/bucket/folder/", b"")]
    for one in server.seen:
        assert one.headers["x-amz-security-token"] == keys.security_token
        assert f"Credential={keys.access_key}/" in one.headers["authorization"]
        assert token not in str(one.headers)


async def test_a_token_without_an_identity_service_is_told_what_to_give(platform: LocalPlatform) -> None:
    endpoints = {"modelarts": platform.modelarts_endpoint}
    async with AsyncSession(token="t", project_id="p", endpoints=endpoints) as session:
        with pytest.raises(ConfigurationError, match=r"endpoints=\{'iam'"):
            await keys_of(session)


@define
class Instance:
    """What a server in the cloud can ask about itself."""

    platform: LocalPlatform
    agency: bool = True
    token: str | None = "metadata-token"
    lasts_s: float = 3600.0
    answer: Any = None
    issued: list[str] = field(factory=list)

    async def open(self, request: web.Request) -> web.Response:
        assert request.headers["X-Metadata-Token-Ttl-Seconds"].isdecimal()
        return web.Response(text=self.token) if self.token else web.Response(status=404)

    async def security_key(self, request: web.Request) -> web.Response:
        if self.token is not None and request.headers.get("X-Metadata-Token") != self.token:
            return web.Response(status=401, text="token required")
        if not self.agency:
            return web.Response(status=404, text="Please configure Cloud Service Agency first")
        if self.answer is not None:
            return web.json_response(self.answer)
        platform = self.platform
        async with session_of(platform) as session:
            pair = (await keys_of(session)).keys
        self.issued.append(pair.access_key)
        end = datetime.now(UTC) + timedelta(seconds=self.lasts_s)
        credential = {"access": pair.access_key, "secret": pair.secret_key, "securitytoken": pair.security_token}
        return web.json_response({"credential": {**credential, "expires_at": f"{end:%Y-%m-%dT%H:%M:%S.%fZ}"}})

    async def meta_data(self, _: web.Request) -> web.Response:
        return web.json_response({"project_id": self.platform.project_id, "region_id": "cn-north-4", "uuid": "x"})


@asynccontextmanager
async def served(instance: Instance) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_put("/meta-data/latest/api/token", instance.open)
    app.router.add_get("/openstack/latest/securitykey", instance.security_key)
    app.router.add_get("/openstack/latest/meta_data.json", instance.meta_data)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def on_instance(platform: LocalPlatform, clock: MovedClock) -> AsyncSession:
    return AsyncSession(endpoints={"modelarts": platform.modelarts_endpoint}, seams=Seams(clock=clock))


@pytest.mark.parametrize("token", ["metadata-token", None], ids=["with a token", "of the first generation"])
async def test_on_a_server_with_an_agency_nothing_has_to_be_given(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    async with served(Instance(platform, token=token)) as endpoint:
        monkeypatch.setenv("AIOMODELARTS_METADATA_ENDPOINT", endpoint)
        async with on_instance(platform, MovedClock()) as session:
            assert await session.engines()
            assert (await keys_of(session)).keys.security_token


async def test_the_keys_of_a_server_are_renewed_in_time_and_when_its_token_ends(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, instance = MovedClock(), Instance(platform)
    async with served(instance) as endpoint:
        monkeypatch.setenv("AIOMODELARTS_METADATA_ENDPOINT", endpoint)
        async with on_instance(platform, clock) as session:
            before = (await keys_of(session)).keys
            instance.token = "another-token"
            clock.ahead_s = 3590.0
            after = (await keys_of(session)).keys
            assert after != before
            assert instance.issued[-2:] == [before.access_key, after.access_key]


async def test_a_server_without_an_agency_is_no_source(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(Instance(platform, agency=False)) as endpoint:
        monkeypatch.setenv("AIOMODELARTS_METADATA_ENDPOINT", endpoint)
        with pytest.raises(ConfigurationError, match="no credentials were found"):
            async with on_instance(platform, MovedClock()):
                pass


@pytest.mark.parametrize(
    "answer",
    [
        {"credential": {"access": "A", "secret": "hunter2"}},
        {"credential": {"access": "A", "secret": "hunter2", "securitytoken": "t", "expires_at": "soon"}},
        ["hunter2"],
    ],
)
async def test_an_answer_that_cannot_be_read_is_told_without_what_it_holds(
    platform: LocalPlatform, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    instance = Instance(platform)
    async with served(instance) as endpoint:
        monkeypatch.setenv("AIOMODELARTS_METADATA_ENDPOINT", endpoint)
        async with on_instance(platform, MovedClock()) as session:
            instance.answer = answer
            with pytest.raises(DecodeError) as caught:
                await keys_of(session, renew=True)
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.__dict__} {caught.value.__cause__!r}"


@pytest.mark.parametrize("seconds", [899, 86401, "900", None])
async def test_the_platform_gives_keys_for_15_minutes_to_24_hours(platform: LocalPlatform, seconds: Any) -> None:
    body = {"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": seconds}}}}
    headers = {"X-Auth-Token": await token_of(platform)}
    address = f"{platform.iam_endpoint}/v3.0/OS-CREDENTIAL/securitytokens"
    async with aiohttp.ClientSession() as http, http.post(address, json=body, headers=headers) as answer:
        assert answer.status == (201 if seconds is None else 400)
        told = await answer.json()
    assert set(told) == ({"credential"} if seconds is None else {"error"})


async def test_the_platform_takes_the_token_in_the_body_and_refuses_expired_keys() -> None:
    clock = MovedClock()
    async with LocalPlatform(executor="simulated", clock=clock) as platform:
        token = await token_of(platform)
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": token, "duration_seconds": 900}}}}
        address = f"{platform.iam_endpoint}/v3.0/OS-CREDENTIAL/securitytokens"
        async with aiohttp.ClientSession() as http, http.post(address, json=body) as answer:
            keys = (await answer.json())["credential"]
        given = {"access_key": keys["access"], "secret_key": keys["secret"], "security_token": keys["securitytoken"]}
        async with session_of(platform, clock, **given) as session:
            assert await session.engines()
            assert await session.flavors()
        clock.ahead_s = 901
        async with session_of(platform, clock, **given) as session:
            with pytest.raises(TokenExpired):
                await session.engines()
