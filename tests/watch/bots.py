"""Lives of the example bot that end in SIGKILL between two of its steps, or by themselves.

Run as a script with one JSON argument: for each bot its lives in turn, as pairs of the command's arguments and the
number of the step at which it is killed, or null. How they ended is printed: the name of that step, or null where it
was never reached. All lives are forked from one process, so that they share what is imported.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

from aiomodelarts._net.aiohttp_transport import AiohttpTransport
from tests.support.platform import ROOT

sys.path.insert(0, str(ROOT / "examples/bot"))
import bot

# They wait for the platform most of the time.
_AT_ONCE = 6
Life = tuple[list[str], int | None]


class Steps:
    """Counts the steps, and ends its process in the hardest way at the one of this number, once it has been noted."""

    def __init__(self, kill_at: int | None, note: int) -> None:
        self._left, self._note = kill_at, note

    def __call__(self, name: str) -> None:
        if self._left == 0:
            os.write(self._note, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)
        if self._left is not None:
            self._left -= 1


def with_steps_around_creations(step: Steps) -> None:
    """A creation can be out when the process dies, or carried out and not answered."""
    send = AiohttpTransport.send

    async def sent(self: AiohttpTransport, request: Any) -> Any:
        if request.method != "POST":
            return await send(self, request)
        step("before a create")
        answer = await send(self, request)
        step("after a create")
        return answer

    AiohttpTransport.send = sent  # type: ignore[method-assign]


def fork(life: Life, note: int) -> int:
    """Begin a life in a process of its own; its id."""
    child = os.fork()
    if child:
        return child
    arguments, kill_at = life
    try:
        os.dup2(2, 1)
        step = Steps(kill_at, note)
        with_steps_around_creations(step)
        asyncio.run(bot.main(bot.parse(arguments), step))
    except BaseException as error:  # noqa: BLE001  (a child that was forked has nobody above it)
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


def live(life: Life) -> str | None:
    """How it ended."""
    near, far = os.pipe()
    _, status = os.waitpid(fork(life, far), 0)
    os.close(far)
    with os.fdopen(near, "rb") as note:
        name = note.read().decode() or None
    ended = (os.WTERMSIG(status) == signal.SIGKILL) if name else status == 0
    if not ended:
        raise SystemExit(f"{life} ended with {status}")
    return name


def main() -> None:
    bots: list[list[Life]] = json.loads(sys.argv[1])
    lanes: dict[int, int] = {}
    ends = [os.pipe() for _ in bots]
    for number, lives in enumerate(bots):
        if len(lanes) == _AT_ONCE:
            del lanes[_ended(os.wait())]
        lane = os.fork()
        if not lane:
            os.write(ends[number][1], json.dumps([live(life) for life in lives]).encode())
            os._exit(0)
        lanes[lane] = number
    while lanes:
        del lanes[_ended(os.wait())]
    print(json.dumps([json.loads(os.read(near, 65536)) for near, _ in ends]))  # noqa: T201


def _ended(child: tuple[int, int]) -> int:
    if child[1]:
        raise SystemExit("a bot did not end well")
    return child[0]


if __name__ == "__main__":
    main()
