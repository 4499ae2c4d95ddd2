"""Logs that follow: from the queue to the last line, each once, whatever happens on the way."""

import asyncio
import random
from contextlib import aclosing
from typing import Any

import pytest

from aiomodelarts import AsyncSession, InvalidArgument, LogGone, ServiceTrouble, TrainingJob, VersionGone
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, answer, refusal

pytestmark = pytest.mark.looptime


class Logs:
    """Log files that grow; markers are line numbers, and whether a marked line is repeated is drawn each time."""

    def __init__(self, service: Service, seed: int = 1) -> None:
        self.service = service
        self.files: dict[str, list[str]] = {}
        self.cut: dict[str, int] = {}
        self.chance = random.Random(seed)
        self.trouble = 0.0
        service.overrides["log_files"] = self.names
        service.overrides["log"] = self.page

    def names(self, request: Request) -> Response:
        if self.chance.random() < self.trouble:
            return refusal("ModelArts.6102", 500)
        return answer({"is_success": True, "log_file_list": list(self.files)})

    def page(self, request: Request) -> Response:
        if self.chance.random() < self.trouble:
            return refusal("ModelArts.6102", 500)
        query = dict(request.query)
        lines, count = self.files[query["log_file"]], int(query["lines"])
        first = self.cut.get(query["log_file"], 0)
        if "base_line" not in query:
            begin, end = max(first, len(lines) - count), len(lines)
        else:
            base = int(query["base_line"]) - 10**18
            if base < first:
                return refusal("ModelArts.0104", 400)
            repeat = self.chance.random() < 0.5
            if query["order"] == "desc":
                begin = base if repeat else base + 1
                end = min(len(lines), begin + count)
            else:
                end = base + 1 if repeat else base
                begin = max(first, end - count)
        if begin >= end:
            return answer({"content": "", "lines": "0", "start_line": None, "end_line": None})
        content = "".join(f"{line}\n" for line in lines[begin:end])
        return answer(
            {
                "content": content,
                "lines": str(end - begin),
                "start_line": 10**18 + begin,
                "end_line": str(10**18 + end - 1),
            }
        )

    async def write(self, name: str, count: int, every_s: float, at_once: int = 7) -> None:
        for start in range(0, count, at_once):
            lines = self.files.setdefault(name, [])
            lines += [f"{name} {number}" for number in range(start, min(start + at_once, count))]
            await asyncio.sleep(every_s)


def version(session: AsyncSession, service: Service, number: int = 1, status: int = 7) -> TrainingJob:
    service.add(5, number, status)
    return TrainingJob.attach(session, 5, number)


async def runs(service: Service, logs: Logs, *names: str, count: int = 900, number: int = 1) -> None:
    await asyncio.sleep(40)
    service.status[5, number] = 8
    await asyncio.gather(*(logs.write(name, count, 0.5) for name in names))
    service.status[5, number] = 10


@pytest.mark.parametrize("seed", range(5))
async def test_every_line_once_and_in_order_over_faults_from_several_nodes(
    session: AsyncSession, service: Service, seed: int
) -> None:
    logs = Logs(service, seed)
    logs.trouble = 0.2
    running = asyncio.ensure_future(runs(service, logs, "job.0", "job.1", "job.2"))
    lines = [line async for line in version(session, service).logs(follow=True)]
    await running
    for name, written in logs.files.items():
        assert [line for line in lines if line.log_file == name] == written


@pytest.mark.parametrize("seed", range(5))
async def test_going_on_behind_any_line_misses_nothing_and_repeats_nothing(
    session: AsyncSession, service: Service, seed: int
) -> None:
    logs, chance = Logs(service, seed), random.Random(seed)
    running = asyncio.ensure_future(runs(service, logs, "job.0", "job.1", count=600))
    handle, marker, lines = version(session, service), None, list[Any]()
    over = False
    while not over:
        left = chance.randint(1, 250)
        over = True
        follower = handle.logs(follow=True, after=marker)
        async for line in follower:
            lines.append(line)
            marker = line.marker
            left -= 1
            if not left:
                over = False
                break
        await follower.aclose()
    await running
    for name, written in logs.files.items():
        assert [line for line in lines if line.log_file == name] == written


async def test_a_long_log_is_followed_from_its_first_line(session: AsyncSession, service: Service) -> None:
    logs = Logs(service)
    logs.files["job.0"] = [str(number) for number in range(30_000)]
    count = 0
    async for line in version(session, service, status=10).logs(follow=True):
        assert line == str(count)
        count += 1
    assert count == 30_000


async def test_a_version_without_a_log_ends_the_following(session: AsyncSession, service: Service) -> None:
    Logs(service)
    assert [line async for line in version(session, service, status=11).logs(follow=True)] == []


async def test_lines_that_come_a_moment_after_the_end_are_not_lost(session: AsyncSession, service: Service) -> None:
    logs = Logs(service)
    logs.files["job.0"] = ["first"]
    handle = version(session, service, status=8)

    async def late() -> None:
        await asyncio.sleep(20)
        service.status[5, 1] = 10
        logs.files["job.0"].append("second")
        await asyncio.sleep(1)
        logs.files["job.0"].append("third")

    writing = asyncio.ensure_future(late())
    assert [line async for line in handle.logs(follow=True)] == ["first", "second", "third"]
    await writing


async def test_one_node_that_writes_faster_than_it_is_read_does_not_hide_the_others(
    session: AsyncSession, service: Service
) -> None:
    logs = Logs(service)
    logs.files = {"job.0": ["0"], "job.1": ["only"]}
    page = service.overrides["log"]

    def growing(request: Request) -> Any:
        lines = logs.files["job.0"]
        if len(lines) < 100_000:
            lines += [str(number) for number in range(len(lines), len(lines) + 500)]
        return page(request)

    service.overrides["log"] = growing
    lines: list[str] = []
    before = 0
    async with aclosing(version(session, service, status=10).logs(follow=True)) as following:
        async for line in following:
            if line.log_file == "job.1":
                before = len(lines)
            else:
                lines.append(line)
    assert 0 < before <= 20_000
    assert lines == [str(number) for number in range(len(lines))]
    assert len(lines) >= 100_000


async def test_a_log_that_cannot_be_read_is_given_up_only_when_its_version_has_ended_long_ago(
    session: AsyncSession, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    logs = Logs(service)
    logs.trouble = 1.0
    handle = version(session, service, status=8)
    following = asyncio.ensure_future(anext(handle.logs(follow=True)))
    await asyncio.sleep(3600)
    assert not following.done()
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    service.status[5, 1] = 10
    began = asyncio.get_running_loop().time()
    with pytest.raises(ServiceTrouble):
        await following
    assert asyncio.get_running_loop().time() - began <= 60
    ended = asyncio.ensure_future(anext(handle.logs(follow=True)))
    await asyncio.sleep(240)
    logs.trouble, logs.files["job.0"] = 0.0, ["at last"]
    assert await ended == "at last"


async def test_a_page_of_a_gateway_in_a_logs_place_is_got_over(session: AsyncSession, service: Service) -> None:
    logs = Logs(service)
    logs.files["job.0"] = ["0", "1"]
    names = service.overrides["log_files"]
    service.overrides["log_files"] = lambda _: answer(b"<html>Please log in</html>")
    following = asyncio.ensure_future(anext(version(session, service, status=8).logs(follow=True)))
    await asyncio.sleep(60)
    assert not following.done()
    service.overrides["log_files"] = names
    assert await following == "0"


async def test_many_are_followed_fairly(session: AsyncSession, service: Service) -> None:
    logs = Logs(service)
    logs.files["job.0"] = ["only"]
    asked: dict[str, int] = {}
    page = service.overrides["log"]

    def counted(request: Request) -> Any:
        asked[request.path] = asked.get(request.path, 0) + 1
        return page(request)

    service.overrides["log"] = counted

    async def read(handle: TrainingJob) -> list[str]:
        return [line async for line in handle.logs(follow=True)]

    reading = [asyncio.ensure_future(read(version(session, service, number, 8))) for number in range(200)]
    await asyncio.sleep(300)
    counts = sorted(asked.values())
    assert len(counts) == 200
    assert counts[0] >= counts[-1] * 0.5
    assert sum(counts) <= 300 * 20 + 2000
    for number in range(200):
        service.status[5, number] = 10
    assert await asyncio.gather(*reading) == [["only"]] * 200


async def test_a_log_that_is_cut_at_the_front_is_told(session: AsyncSession, service: Service) -> None:
    logs = Logs(service)
    logs.files["job.0"] = ["one", "two"]
    lines = version(session, service, status=8).logs(follow=True)
    assert [await anext(lines), await anext(lines)] == ["one", "two"]
    logs.cut["job.0"] = 2
    with pytest.raises(LogGone, match="cut"):
        await anext(lines)


async def test_a_version_deleted_while_followed_is_told(session: AsyncSession, service: Service) -> None:
    Logs(service).files["job.0"] = ["one"]
    lines = version(session, service, status=8).logs(follow=True)
    assert await anext(lines) == "one"
    del service.status[5, 1]
    with pytest.raises(VersionGone):
        await anext(lines)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "garbage",
        "1000000000000000001",
        "[]",
        "{}",
        '{"v":2,"files":{}}',
        '{"v":1,"files":{"a":["x",-1]}}',
        "[" * 9999,
        7,
    ],
)
@pytest.mark.parametrize("follow", [True, False])
async def test_a_marker_that_is_none_is_refused(
    session: AsyncSession, service: Service, bad: Any, follow: bool
) -> None:
    with pytest.raises(InvalidArgument, match="after"):
        await anext(version(session, service).logs(follow=follow, after=bad))
