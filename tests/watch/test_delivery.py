"""Delivery: lines, signed webhooks, dead letters, and a cursor that moves only after them. Real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aiomodelarts import InvalidArgument, JobStatus, RetryPolicy, TransportError
from aiomodelarts._cursor import Mark, Told
from aiomodelarts._delivery import CursorFile, DeadLetters, Delivery, NotDelivered, Webhook, as_cloudevent
from aiomodelarts._net.aiohttp_transport import AiohttpTransport
from aiomodelarts._net.transport import Timeouts
from aiomodelarts.events import Event, Finished, WebhookRefused, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SOON = RetryPolicy(max_tries=4, base_s=0.001)
Answer = Callable[[web.Request], Any]


def finished(number: int) -> Event:
    return Finished(
        id=f"5-{number}-finished-10",
        time=datetime(2026, 11, 24, tzinfo=UTC),
        mark=Mark({5: {}}, 5, [(number, Told(10, 1, True))], 1),
        job_id=5,
        version_id=number,
        status=JobStatus.COMPLETED,
    )


@asynccontextmanager
async def receiver(answer: Answer) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    async def hook(request: web.Request) -> web.StreamResponse:
        got.append(verify(await request.read(), request.headers, SECRET))
        result = answer(request)
        return await result if asyncio.iscoroutine(result) else result

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook?x=1", got
    finally:
        await runner.cleanup()


async def test_a_receiver_verifies_what_it_gets() -> None:
    async with receiver(lambda _: web.Response(status=204)) as (url, got):
        hook = Webhook(url, SECRET)
        await hook.post(finished(7))
        await hook.close()
    (event,) = got
    assert event["specversion"] == "1.0"
    assert event["type"] == "aiomodelarts.version.finished"
    assert (event["id"], event["source"], event["subject"]) == ("5-7-finished-10", "/training-jobs/5", "versions/7")
    assert event["data"]["outcome"] == "succeeded"


async def test_trouble_is_tried_again_with_the_same_id() -> None:
    answers = iter([500, 429, 503, 200])
    async with receiver(lambda _: web.Response(status=next(answers))) as (url, got):
        hook = Webhook(url, SECRET, patience=SOON)
        await hook.post(finished(7))
        await hook.close()
    assert [event["id"] for event in got] == ["5-7-finished-10"] * 4


@pytest.mark.parametrize(("status", "tries", "says"), [(400, 1, "400"), (302, 1, "redirects"), (500, 4, "500")])
async def test_what_is_not_taken_becomes_a_dead_letter_and_the_cursor_moves_on(
    tmp_path: Path, status: int, tries: int, says: str
) -> None:
    headers = {"Location": "/elsewhere"} if status == 302 else {}

    def answer(_: web.Request) -> web.Response:
        return web.Response(status=200 if len(got) > tries else status, headers=headers)

    shown: list[str] = []
    complaints: list[str] = []
    async with receiver(answer) as (url, got):
        delivery = Delivery(
            show=lambda event: shown.append(event.id),
            webhook=Webhook(url, SECRET, patience=SOON),
            dead_letters=DeadLetters(tmp_path / "dead"),
            cursor_file=CursorFile(tmp_path / "cursor"),
            complain=complaints.append,
        )
        await delivery.run(_these(finished(1), finished(2)))
    assert len(got) == tries + 1
    assert shown == ["5-1-finished-10", "5-2-finished-10"]
    (letter,) = map(json.loads, (await text(tmp_path / "dead")).splitlines())
    assert letter["event"]["id"] == "5-1-finished-10"
    assert says in letter["reason"]
    assert says in complaints[0]
    assert (await text(tmp_path / "cursor")).strip() == finished(2).cursor


async def test_the_cursor_stays_until_the_event_is_delivered(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    over = asyncio.Event()

    async def hangs(_: web.Request) -> web.Response:
        arrived.set()
        await over.wait()
        return web.Response()

    async with receiver(hangs) as (url, _):
        delivery = Delivery(
            show=lambda _: None,
            webhook=Webhook(url, SECRET),
            dead_letters=DeadLetters(tmp_path / "dead"),
            cursor_file=CursorFile(tmp_path / "cursor"),
            complain=lambda _: None,
        )
        running = asyncio.ensure_future(delivery.run(_these(finished(1))))
        await arrived.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        over.set()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_receiver_that_hangs_is_given_up(tmp_path: Path) -> None:
    over = asyncio.Event()

    async def hangs(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with receiver(hangs) as (url, got):
        hook = Webhook(url, SECRET, patience=SOON, transport=AiohttpTransport(Timeouts(total_s=0.05)))
        with pytest.raises(TransportError):
            await hook.post(finished(1))
        await hook.close()
        over.set()
    assert len(got) == 4


async def test_a_refused_post_raises_not_delivered() -> None:
    async with receiver(lambda _: web.Response(status=410)) as (url, _):
        hook = Webhook(url, SECRET)
        with pytest.raises(NotDelivered, match="410"):
            await hook.post(finished(1))
        await hook.close()


@pytest.mark.parametrize(
    "url", ["", "example.com/hook", "ftp://example.com/", "http://", "http://x:99999/", "file:///x"]
)
def test_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="webhook"):
        Webhook(url, SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "%%%not base64 at all%%%"])
def test_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Webhook("https://example.com", secret)
    assert secret in ("", "whsec_") or secret not in str(caught.value)


def _signed(body: bytes, when: datetime, secret: str = SECRET) -> dict[str, str]:
    from standardwebhooks import Webhook as Signer

    return {
        "Webhook-Id": "x",
        "Webhook-Timestamp": str(int(when.timestamp())),
        "Webhook-Signature": Signer(secret).sign("x", when, body.decode()),
    }


def test_only_fresh_and_whole_deliveries_of_the_sender_are_believed() -> None:
    body, now = b'{"id":"x"}', datetime.now(UTC)
    good = _signed(body, now)
    assert verify(body, good, SECRET) == {"id": "x"}
    for bad_body, headers in (
        (b'{"id":"y"}', good),
        (body, {}),
        (body, _signed(body, now - timedelta(hours=1))),
        (body, _signed(body, now + timedelta(hours=1))),
        (body, _signed(body, now, "whsec_c29tZXRoaW5nIGVsc2UgYWx0b2dldGhlcg==")),
        (body, {**good, "Webhook-Signature": "v1"}),
        (body, {**good, "Webhook-Signature": "v1,%%%"}),
        (b"\xff\xfe", good),
        (b"7", _signed(b"7", now)),
        (b"no json", _signed(b"no json", now)),
    ):
        with pytest.raises(WebhookRefused):
            verify(bad_body, headers, SECRET)


def test_a_line_is_one_line_with_its_cursor() -> None:
    line = as_cloudevent(finished(3), with_cursor=True)
    assert b"\n" not in line
    assert json.loads(line)["cursor"] == finished(3).cursor


async def test_a_letter_that_a_crash_cut_off_does_not_take_the_next_with_it(tmp_path: Path) -> None:
    path = tmp_path / "dead"
    await asyncio.to_thread(path.write_text, '{"event": {"id"')
    await DeadLetters(path).add(finished(1), ValueError("no"))
    assert json.loads((await text(path)).splitlines()[1])["event"]["id"] == "5-1-finished-10"


async def _these(*events: Event) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def text(path: Path) -> str:
    return await asyncio.to_thread(path.read_text)
