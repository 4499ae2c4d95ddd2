"""No secret in a repr, a message, a log or a rendered traceback, whatever goes wrong."""

import asyncio
import gc
import logging
import traceback
import types
from collections.abc import Iterator

import orjson
import pytest

from aiomodelarts import AsyncSession, ModelArtsError, TrainingJob
from aiomodelarts._redact import scrub
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import FakeTransport, answer, refusal, session_on

SECRETS = {
    "secret_key": "sk-SECRET-1",
    "security_token": "st-SECRET-2",
    "password": "pw-SECRET-3",
    "token": "tk-SECRET-4",
}
WAYS = [
    {"access_key": "ak", "secret_key": SECRETS["secret_key"], "security_token": SECRETS["security_token"]},
    {"account": "tenant", "username": "user", "password": SECRETS["password"]},
    {"token": SECRETS["token"]},
]


def _reachable(root: object) -> Iterator[object]:
    """Everything of ours that hangs on an object."""
    seen, todo = set(), [root]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType | types.FunctionType | str | bytes):
            continue
        seen.add(id(thing))
        if type(thing).__module__.startswith("aiomodelarts"):
            yield thing
            todo += gc.get_referents(thing)
        elif isinstance(thing, dict | list | tuple | set | types.CellType | types.MethodType):
            todo += gc.get_referents(thing)


def _leaks(text: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if secret in text]


@pytest.mark.parametrize("credentials", WAYS)
async def test_nothing_of_a_session_shows_a_secret(credentials: dict[str, str]) -> None:
    session = session_on(FakeTransport(lambda _: answer({"specs": []})), **credentials)
    if "account" not in credentials:
        async with session:
            await session.flavors()
    found = list(_reachable(session))
    assert len(found) > 10
    for thing in found:
        assert _leaks(repr(thing) + str(thing)) == [], type(thing)


def _echoing(request: Request) -> Response:
    """The worst service: it puts into its refusals whatever it was sent."""
    told = " ".join(f"{name}: {value}" for name, value in request.headers.items()) + request.body.decode()
    return refusal("ModelArts.0104", 400, told)


def _echoing_garbage(request: Request) -> Response:
    return Response(200, {}, b"<html>" + repr(dict(request.headers)).encode() + request.body)


def _echoing_members(request: Request) -> Response:
    return answer({"headers": dict(request.headers), "body": request.body.decode(), "version_id": []})


def _long_token(request: Request) -> Response:
    return Response(200, {}, b'{"token": "' + SECRETS["token"].encode() + b"x" * 5000 + b'"}')


@pytest.mark.parametrize("handler", [_echoing, _echoing_garbage, _echoing_members, _long_token])
@pytest.mark.parametrize("credentials", WAYS)
async def test_no_failure_shows_a_secret(
    credentials: dict[str, str], handler: types.FunctionType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(False)
    async with session_on(FakeTransport(handler), **credentials) as session:
        with pytest.raises(ModelArtsError) as caught:
            await TrainingJob.attach(session, 1, 2).refresh()
    shown = "".join(traceback.format_exception(caught.value))
    for part in _chain(caught.value):
        shown += repr(part) + str(part) + repr(vars(part))
    assert _leaks(shown + caplog.text) == []


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "S3CRET"}',
        '{"password":"S3CRET',
        '{"password":"ab\\"S3CRET"}',
        "{'secret_key': 'S3CRET'}",
        "{'secret_key': 'S3CRET",
        "X-Auth-Token: S3CRET",
        "x-security-token=S3CRET&a=b",
        "Authorization: Bearer S3CRET",
        "Authorization: SDK-HMAC-SHA256 Access=ak, SignedHeaders=host, Signature=S3CRET",
        '"Authorization": "Basic S3CRET"',
        "secretkey = S3CRET",
        "SK_SECRET: S3CRET",
        "access_token=S3CRET",
    ],
)
def test_secret_looking_members_are_blotted_out(text: str) -> None:
    assert "S3CRET" not in scrub(text)


@pytest.mark.parametrize("text", ["the token has expired", "invalid password", '{"tokens": 3, "lr": "0.1"}'])
def test_plain_text_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    "arguments",
    [
        {"access_key": "ak"},
        {"secret_key": SECRETS["secret_key"]},
        {"security_token": SECRETS["security_token"]},
        {"account": "a", "password": SECRETS["password"]},
        {"access_key": "ak", "secret_key": SECRETS["secret_key"], "token": SECRETS["token"]},
        {"token": SECRETS["token"] + "\n", "project_id": "p", "region_name": "r"},
        {"access_key": "ak", "secret_key": SECRETS["secret_key"] + "\n", "project_id": "p", "region_name": "r"},
    ],
)
def test_refused_arguments_do_not_show_a_secret(arguments: dict[str, str]) -> None:
    with pytest.raises(ModelArtsError) as caught:
        AsyncSession(**arguments)
    assert (
        _leaks("".join(traceback.format_exception(caught.value)) + orjson.dumps(str(vars(caught.value))).decode()) == []
    )
