"""Events on their way out: as CloudEvents, to a webhook, with a cursor that moves only after delivery."""

import asyncio
import fcntl
import os
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import orjson
from attrs import frozen

from ._clock import Clock, SystemClock
from ._net.aiohttp_transport import AiohttpTransport
from ._net.retry import Retry, RetryPolicy
from ._net.transport import Timeouts, Transport
from ._wire.envelope import retry_after_s
from ._wire.message import Request
from .config import is_address
from .errors import InvalidArgument, ModelArtsError
from .events import Event, VersionEvent, missing_extra, webhook

_PATIENCE = RetryPolicy(max_tries=8, max_time_s=300.0, base_s=0.5, cap_s=60.0)
_TIMEOUTS = Timeouts(connect_s=10.0, total_s=20.0)
_LATER = frozenset({408, 425, 429})


class NotDelivered(ModelArtsError):
    """A webhook did not take an event."""

    def __init__(self, message: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class NotKept(ModelArtsError):
    """A cursor or a dead letter could not be written; the event comes again from the cursor that was kept last."""

    @classmethod
    def of(cls, what: str, path: Path, error: OSError) -> "NotKept":
        return cls(f"{what} cannot be kept in {path}: {error.strerror or type(error).__name__}")


def check_extra() -> None:
    """Find out before there is an event whether it could be put into words.

    Raises:
        ConfigurationError: the extra ``events`` is not installed.
    """
    try:
        import cloudevents.core.formats.json
        import cloudevents.core.v1.event  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_extra(error) from error


def as_cloudevent(event: Event, *, with_cursor: bool) -> bytes:
    """The event as one line of JSON. Needs the extra ``events``.

    Args:
        event: what happened.
        with_cursor: put the cursor beside it, as the extension ``cursor``.
    """
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    attributes: dict[str, Any] = {
        "id": event.id,
        "source": "/training-jobs",
        "type": f"aiomodelarts.{event.kind}",
        "time": event.time,
        "datacontenttype": "application/json",
    }
    if isinstance(event, VersionEvent):
        attributes["source"] = f"/training-jobs/{event.job_id}"
        attributes["subject"] = f"versions/{event.version_id}"
    if with_cursor:
        attributes["cursor"] = event.cursor
    # A line of its own for each event: JSON on several lines would not be JSON lines.
    return orjson.dumps(orjson.loads(JSONFormat().write(CloudEvent(attributes=attributes, data=event.data()))))


class Webhook:
    """Posts events to one address, signed, again and again until they are taken.

    Args:
        url: http or https.
        secret: what both sides share.
        transport: carries the posts.
        clock: dates and measures.
        rng: spreads the pauses.
        patience: how often and how long an event is posted again.

    Raises:
        InvalidArgument: for an address or a secret that is none.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        transport: Transport | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        patience: RetryPolicy = _PATIENCE,
    ) -> None:
        self._origin, self._path = _address(url)
        self._signs = webhook(secret)
        self._transport = transport or AiohttpTransport(_TIMEOUTS)
        self._clock = clock or SystemClock()
        self._retry = Retry(patience, self._clock, rng or random.Random())  # noqa: S311  (spreads pauses)

    async def post(self, event: Event, on_trouble: Callable[[ModelArtsError], None] | None = None) -> None:
        """Deliver an event.

        Args:
            event: what happened.
            on_trouble: told once, when the event has to be posted again.

        Raises:
            NotDelivered: the receiver refuses it, or did not take it for long.
            TransportError: nobody answered for long.
        """
        body = as_cloudevent(event, with_cursor=False)

        told = on_trouble is None

        async def attempt() -> None:
            nonlocal told
            try:
                await self._once(event.id, body)
            except ModelArtsError as error:
                if on_trouble is not None and not told and error.retryable:
                    told = True
                    on_trouble(error)
                raise

        await self._retry.read(attempt)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.close()

    async def _once(self, event_id: str, body: bytes) -> None:
        # The receiver refuses what is too old, so each try is signed anew.
        now = datetime.fromtimestamp(int(self._clock.now()), UTC)
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signs.sign(event_id, now, body.decode()),
        }
        answer = await self._transport.send(Request("POST", self._origin, self._path, (), headers, body))
        if 200 <= answer.status < 300:
            return
        hint = "; redirects are not followed: give the address that it leads to" if 300 <= answer.status < 400 else ""
        raise NotDelivered(
            f"the webhook answered {answer.status} to event {event_id}{hint}",
            retryable=answer.status >= 500 or answer.status in _LATER,
            retry_after_s=retry_after_s(answer.header("retry-after"), self._clock.now()),
        )


@frozen
class CursorFile:
    """Keeps a cursor on disk.

    Args:
        path: replaced as a whole, so that it holds either cursor whenever the power goes.
    """

    path: Path

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep other processes from this cursor: two that move one would each lose what the other was told.

        The lock is that of a file beside it, and ends with the process, however that ends.

        Raises:
            InvalidArgument: when another process holds it.
            NotKept: when there is no such folder, or nothing may be written there.
        """
        lock = await asyncio.to_thread(self._lock)
        try:
            yield
        finally:
            await asyncio.to_thread(lock.close)

    async def read(self) -> str | None:
        """What was kept, or None when there is no file; an empty text when there is nothing in it."""
        return await asyncio.to_thread(self._read)

    async def write(self, cursor: str) -> None:
        """Keep a cursor; it is on disk when this returns.

        Raises:
            NotKept: when it is not; the one of before is still there.
        """
        await asyncio.to_thread(self._write, cursor)

    def _lock(self) -> IO[bytes]:
        try:
            lock = self.path.with_name(f"{self.path.name}.lock").open("ab")
        except OSError as error:
            raise NotKept.of("the cursor", self.path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            allowed = "another process is moving it; end that one, or give this one a file of its own"
            raise InvalidArgument("cursor_file", str(self.path), allowed) from None
        except BaseException:
            lock.close()
            raise
        return lock

    def _read(self) -> str | None:
        try:
            return self.path.read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise InvalidArgument("cursor_file", str(self.path), "it holds the cursor of an event") from None

    def _write(self, cursor: str) -> None:
        part = self.path.with_name(f"{self.path.name}.part")
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(f"{cursor}\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise NotKept.of("the cursor", self.path, error) from error


@frozen
class DeadLetters:
    """Keeps what could not be delivered, one JSON object a line.

    Args:
        path: lines are added at its end.
    """

    path: Path

    async def check(self) -> None:
        """Find out before anything is posted whether letters could be kept.

        Raises:
            NotKept: they could not.
        """
        await asyncio.to_thread(self._check)

    async def add(self, event: Event, reason: Exception) -> None:
        """Keep an event, with the reason; it is on disk when this returns.

        Raises:
            NotKept: when it is not.
        """
        letter = {"event": orjson.loads(as_cloudevent(event, with_cursor=True)), "reason": str(reason)}
        await asyncio.to_thread(self._add, orjson.dumps(letter))

    def _check(self) -> None:
        try:
            if self.path.exists():
                self.path.open("ab").close()
                return
            # No empty file is left where every event is delivered.
            self.path.open("xb").close()
            self.path.unlink()
        except OSError as error:
            raise NotKept.of("dead letters", self.path, error) from error

    def _add(self, line: bytes) -> None:
        try:
            with self.path.open("ab+") as file:
                if file.tell() and not self._ends_whole(file):
                    file.write(b"\n")
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotKept.of("the event that was not delivered", self.path, error) from error

    @staticmethod
    def _ends_whole(file: Any) -> bool:
        # A line that a crash cut off must not take the next one with it.
        file.seek(-1, os.SEEK_END)
        return bool(file.read(1) == b"\n")


@frozen(kw_only=True)
class Delivery:
    """Hands each event on, and only then moves the cursor.

    Args:
        show: prints an event.
        webhook: where events go as well, or None.
        dead_letters: where those go that the webhook does not take.
        cursor_file: where the cursor is kept, or None.
        complain: told of what was not delivered.
    """

    show: Callable[[Event], None]
    webhook: Webhook | None
    dead_letters: DeadLetters
    cursor_file: CursorFile | None
    complain: Callable[[str], None]

    async def run(self, events: AsyncIterable[Event]) -> None:
        """Deliver until the events end, or for ever.

        Raises:
            NotKept: when an event can be told neither to the webhook nor to the file of dead letters, or the cursor
                cannot be moved.
        """
        async with AsyncExitStack() as stack:
            if self.webhook is not None:
                stack.push_async_callback(self.webhook.close)
                await self.dead_letters.check()
            async for event in events:
                self.show(event)
                if self.webhook is not None:
                    await self._post(self.webhook, event)
                if self.cursor_file is not None:
                    # Of ten thousands of versions it takes a while to put together.
                    await self.cursor_file.write(await asyncio.to_thread(getattr, event, "cursor"))

    async def _post(self, hook: Webhook, event: Event) -> None:
        try:
            await hook.post(event, lambda error: self.complain(f"{error}; it is posted again for a while"))
        except ModelArtsError as error:
            await self.dead_letters.add(event, error)
            self.complain(f"{error}; the event is kept in {self.dead_letters.path}")


def _address(url: str) -> tuple[str, str]:
    if not is_address(url):
        # A password can be in what is no address, too.
        shown = "***" if "@" in url else url
        raise InvalidArgument("webhook", shown, "it is an address like https://example.com/hook")
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise InvalidArgument("webhook", f"{parts.scheme}://***@{parts.hostname}", "it holds no user and no password")
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path
