"""Delivery: lines, signed webhooks, dead letters, and a cursor that moves only after them. Real sockets."""

import asyncio
import errno
import json
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from aiomodelarts import InvalidArgument, JobStatus, NotSent, RetryPolicy, TransportError
from aiomodelarts._cursor import Mark, Told
from aiomodelarts._delivery import CursorFile, DeadLetters, Delivery, NotDelivered, NotKept, Webhook, as_cloudevent
from aiomodelarts._net.aiohttp_transport import AiohttpTransport
from aiomodelarts._net.transport import Timeouts
from aiomodelarts.events import (
    Appeared,
    Disappeared,
    Event,
    Finished,
    LogStalled,
    Overflowed,
    StateChanged,
    TwinStopped,
    WebhookRefused,
    verify,
)

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


MARK = Mark({5: {}}, 5, [(7, Told(8, 1))], 1)
WHAT: dict[str, Any] = {"id": "5-7-x", "time": datetime(2026, 11, 24, 10, 30, tzinfo=UTC), "mark": MARK}
WHICH: dict[str, Any] = {**WHAT, "job_id": 5, "version_id": 7, "status": JobStatus.RUNNING}
EVERY_KIND = [
    (Appeared(**WHICH), {}),
    (StateChanged(**WHICH, before=JobStatus.WAITING), {"before": 7, "before_name": "WAITING"}),
    (Finished(**{**WHICH, "status": JobStatus.FAILED}), {"status": 11, "status_name": "FAILED", "outcome": "failed"}),
    (Disappeared(**WHICH), {}),
    (LogStalled(**WHICH, still_s=600.04), {"still_s": 600.0}),
    (TwinStopped(**{**WHICH, "status": JobStatus.KILLING}), {"status": 9, "status_name": "KILLING"}),
]


@pytest.mark.parametrize(("event", "more"), EVERY_KIND, ids=[event.kind for event, _ in EVERY_KIND])
def test_every_kind_is_a_cloudevent_to_the_reader_of_others(event: Event, more: dict[str, Any]) -> None:
    from cloudevents.core.formats.json import JSONFormat

    read = JSONFormat().read(None, as_cloudevent(event, with_cursor=True))
    assert read.get_specversion() == "1.0"
    assert read.get_type() == f"aiomodelarts.{event.kind}"
    assert (read.get_id(), read.get_time(), read.get_source()) == (event.id, event.time, "/training-jobs/5")
    assert (read.get_subject(), read.get_datacontenttype()) == ("versions/7", "application/json")
    assert read.get_extension("cursor") == event.cursor
    assert read.get_data() == {"job_id": 5, "version_id": 7, "status": 8, "status_name": "RUNNING", **more}


def test_an_overflow_is_a_cloudevent_of_all_jobs() -> None:
    from cloudevents.core.formats.json import JSONFormat

    read = JSONFormat().read(None, as_cloudevent(Overflowed(**WHAT), with_cursor=False))
    assert (read.get_source(), read.get_subject(), read.get_data()) == ("/training-jobs", None, {})


def test_every_kind_there_is_was_tried() -> None:
    def kinds(kind: type[Event]) -> set[type[Event]]:
        return {kind, *(below for direct in kind.__subclasses__() for below in kinds(direct))}

    tried = {type(event) for event, _ in EVERY_KIND} | {Overflowed}
    assert {kind for kind in kinds(Event) if not kind.__subclasses__()} == tried


@asynccontextmanager
async def receiver(answer: Answer) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    got: list[dict[str, Any]] = []

    async def hook(request: web.Request) -> web.StreamResponse:
        from standardwebhooks import Webhook as Theirs

        # What others would do with it, and what ours does.
        event = Theirs(SECRET).verify(await request.read(), dict(request.headers))
        assert verify(await request.read(), request.headers, SECRET) == event
        got.append(event)
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


@pytest.mark.parametrize("url", ["http://nowhere.invalid/", "https://127.0.0.1:{port}/hook", "http://127.0.0.1:1/"])
async def test_where_nobody_answers_is_told_at_once_and_given_up_in_the_end(tmp_path: Path, url: str) -> None:
    complaints: list[str] = []
    async with receiver(lambda _: web.Response()) as (address, got):
        port = address.split(":")[2].split("/")[0]
        hook = Webhook(url.format(port=port), SECRET, patience=SOON)
        delivery = Delivery(
            show=lambda _: None,
            webhook=hook,
            dead_letters=DeadLetters(tmp_path / "dead"),
            cursor_file=None,
            complain=complaints.append,
        )
        await delivery.run(_these(finished(1)))
        alone = Webhook(url.format(port=port), SECRET, patience=SOON)
        with pytest.raises(NotSent):
            await alone.post(finished(1))
        await alone.close()
    assert got == []
    assert len(complaints) == 2
    assert complaints[0].endswith("it is posted again for a while")
    assert complaints[1].endswith(f"the event is kept in {tmp_path / 'dead'}")
    assert len((await text(tmp_path / "dead")).splitlines()) == 1


async def test_a_refused_post_raises_not_delivered() -> None:
    async with receiver(lambda _: web.Response(status=410)) as (url, _):
        hook = Webhook(url, SECRET)
        with pytest.raises(NotDelivered, match="410"):
            await hook.post(finished(1))
        await hook.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "ftp://example.com/",
        "http://",
        "http://x:99999/",
        "file:///x",
        "http://x:0/",
        "http://x y/",
        "http://[::1",
        "http://x/ y",
        "http://x/\n",
        "http://a:b@ x/",
    ],
)
def test_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="webhook"):
        Webhook(url, SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "%%%not base64 at all%%%", "whsec_c2hvcnRzaG9ydA=="])
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


async def test_without_a_place_for_dead_letters_nothing_is_posted(tmp_path: Path) -> None:
    shown: list[str] = []
    async with receiver(lambda _: web.Response()) as (url, got):
        delivery = Delivery(
            show=lambda event: shown.append(event.id),
            webhook=Webhook(url, SECRET),
            dead_letters=DeadLetters(tmp_path / "no/dead"),
            cursor_file=None,
            complain=shown.append,
        )
        with pytest.raises(NotKept, match=r"dead letters cannot be kept in .*dead: No such file"):
            await delivery.run(_these(finished(1)))
    assert (got, shown) == ([], [])


async def test_a_place_for_dead_letters_that_is_not_needed_stays_empty(tmp_path: Path) -> None:
    await DeadLetters(tmp_path / "dead").check()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


FULL = "/dev/full"


@pytest.mark.skipif(not Path(FULL).exists(), reason="this system has no disk that is always full")
async def test_an_event_that_can_neither_be_delivered_nor_kept_leaves_the_cursor(tmp_path: Path) -> None:
    async with receiver(lambda _: web.Response(status=400)) as (url, _):
        delivery = Delivery(
            show=lambda _: None,
            webhook=Webhook(url, SECRET),
            dead_letters=DeadLetters(Path(FULL)),
            cursor_file=CursorFile(tmp_path / "cursor"),
            complain=lambda _: None,
        )
        with pytest.raises(NotKept, match="No space left"):
            await delivery.run(_these(finished(1)))
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_cursor_is_put_together_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = list[int]()
    monkeypatch.setattr(Mark, "as_text", lambda _: at.append(threading.get_ident()) or "c1.")
    delivery = Delivery(
        show=lambda _: None,
        webhook=None,
        dead_letters=DeadLetters(tmp_path / "dead"),
        cursor_file=CursorFile(tmp_path / "cursor"),
        complain=lambda _: None,
    )
    await delivery.run(_these(finished(1)))
    assert len(at) == 1
    assert at[0] != threading.get_ident()


async def test_a_cursor_is_replaced_as_a_whole(tmp_path: Path) -> None:
    kept = CursorFile(tmp_path / "cursor")
    await kept.write("one")
    before = await asyncio.to_thread((tmp_path / "cursor").open)
    await kept.write("two")
    # Whoever has the file of before open still sees all of it: no moment had a half of either.
    assert await asyncio.to_thread(before.read) == "one\n"
    before.close()
    assert await kept.read() == "two"


async def test_a_cursor_that_cannot_be_kept_leaves_the_one_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = CursorFile(tmp_path / "cursor")
    await kept.write("one")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotKept, match=r"the cursor cannot be kept in .*cursor: No space left"):
        await kept.write("two")
    assert await kept.read() == "one"
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == [tmp_path / "cursor"]
    with pytest.raises(NotKept, match="No such file"):
        async with CursorFile(tmp_path / "no/cursor").held():
            pass


async def _these(*events: Event) -> AsyncIterator[Event]:
    for event in events:
        yield event


async def text(path: Path) -> str:
    return await asyncio.to_thread(path.read_text)
