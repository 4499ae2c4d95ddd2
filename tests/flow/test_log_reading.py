"""Logs: the end, pages both ways, the whole into a file."""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from aiomodelarts import AsyncSession, InvalidArgument, LogGone, LogNotReady, TrainingJob
from tests.support.fakes import FakeTransport, answer, estimator_on, refusal, session_on

LINES = 1234


@pytest.fixture(params=["tidy", "varied:1", "varied:2"])
async def version(request: pytest.FixtureRequest) -> AsyncIterator[TrainingJob]:
    """A version on two nodes, so that it has two log files."""
    simulate = f"duration=0.05,log_lines={LINES}"
    async with AsyncSession.local(executor="simulated", simulate=simulate, answers=request.param) as session:
        yield await estimator_on(session, train_instance_count=2).fit(inputs="/bucket/data/", wait=True)


async def test_the_tail_is_the_end_of_the_whole_log(version: TrainingJob) -> None:
    whole = [line async for line in version.logs()]
    assert len(whole) == 2 * LINES
    for n in (1, 50, 500, 501, LINES, LINES + 1, 2 * LINES, 2 * LINES + 1):
        tail = await version.tail(n)
        assert tail == whole[-n:]
        assert [line.log_file for line in tail] == [line.log_file for line in whole[-n:]]


async def test_pages_go_back_to_the_start_and_on_to_the_end(version: TrainingJob) -> None:
    """Findings 35, 77 and 78: markers of 19 digits, the direction's own words, a line that may be repeated."""
    name = (await version.log_files())[0]
    whole = [line async for line in version.logs() if line.log_file == name]
    pages = [page async for page in version.log_pages(name)]
    assert [line for page in reversed(pages) for line in page.lines] == whole
    oldest = pages[-1]
    assert oldest.start_line is not None
    assert len(oldest.start_line) == 19
    onward = [page async for page in version.log_pages(name, base_line=oldest.start_line, forward=True)]
    assert [oldest.lines[0], *(line for page in onward for line in page.lines)] == whole


async def test_one_page_in_the_platforms_words(version: TrainingJob) -> None:
    name = (await version.log_files())[1]
    newest = await version.get_job_log(name, lines=3)
    assert len(newest.lines) == 3
    before = await version.get_job_log(name, base_line=newest.start_line, order="asc", lines=2)
    assert before.lines[0] != newest.lines[0]
    assert (await version.get_job_log(name, start_byte=-1, lines=3)).content == newest.content


async def test_the_whole_log_lands_in_a_file(version: TrainingJob, tmp_path: Path) -> None:
    whole = [line async for line in version.logs()]
    path = tmp_path / "train.log"
    await asyncio.to_thread(path.write_text, "old")
    assert await version.download_log(path) == 2 * LINES
    assert await found(tmp_path) == {"train.log": "".join(f"{line}\n" for line in whole)}
    name = (await version.log_files())[0]
    assert await version.download_log(str(path), name) == LINES
    assert list(await found(tmp_path)) == ["train.log"]


async def found(folder: Path) -> dict[str, str]:
    """File name to text."""
    return await asyncio.to_thread(lambda: {path.name: path.read_text() for path in folder.iterdir()})


class FullDisk:
    """A file that takes no line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def writelines(self, lines: list[str]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        self._file.close()


async def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    version: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "train.log"
    await asyncio.to_thread(path.write_text, "old")
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *args, **kwargs: FullDisk(opened(self, *args, **kwargs)))
    with pytest.raises(OSError, match="No space left"):
        await version.download_log(path)
    monkeypatch.undo()
    assert await found(tmp_path) == {"train.log": "old"}


@pytest.mark.parametrize("slow", ["open", "writelines"])
async def test_a_download_that_is_cancelled_leaves_nothing(
    version: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    opened = Path.open

    def stuck() -> None:
        reached.set()
        go_on.wait(10)

    class Slow(FullDisk):
        def writelines(self, lines: list[str]) -> None:
            stuck()

    def open_slowly(path: Path, *args: Any, **kwargs: Any) -> Any:
        file = opened(path, *args, **kwargs)
        if slow == "writelines":
            return Slow(file)
        stuck()
        return file

    monkeypatch.setattr(Path, "open", open_slowly)
    download = asyncio.create_task(version.download_log(tmp_path / "train.log"))
    await asyncio.to_thread(reached.wait, 10)
    download.cancel()
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await download
    monkeypatch.undo()
    assert await found(tmp_path) == {}


async def test_a_folder_that_is_not_there_is_told(version: TrainingJob, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await version.download_log(tmp_path / "nowhere" / "train.log")


async def test_a_log_that_was_cleared_leaves_no_half_file(tmp_path: Path) -> None:
    """Finding 80."""
    names = answer({"is_success": True, "log_file_list": "job.0"})
    cleared = refusal("ModelArts.2819")
    transport = FakeTransport(lambda request: names if request.path.endswith("file-names") else cleared)
    async with session_on(transport) as session:
        version = TrainingJob.attach(session, 7, 9)
        assert await version.log_files() == ("job.0",), "finding 36: one plain text"
        with pytest.raises(LogGone):
            await version.download_log(tmp_path / "train.log")
    assert await found(tmp_path) == {}


@pytest.mark.parametrize("waiting", [answer(b"", 204), refusal("ModelArts.2818"), refusal("ModelArts.2776", 204)])
async def test_a_log_that_is_not_there_yet_is_empty_or_says_so(waiting: object, tmp_path: Path) -> None:
    """Findings 7 and 80."""
    transport = FakeTransport(lambda _: waiting)  # type: ignore[arg-type, return-value]
    async with session_on(transport) as session:
        version = TrainingJob.attach(session, 7, 9)
        assert await version.log_files() == ()
        assert await version.tail() == []
        assert await version.tail(5, "job.0") == []
        with pytest.raises(LogNotReady):
            await version.get_job_log("job.0")
        assert await version.download_log(tmp_path / "train.log") == 0


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"start_byte": 0}, "start_byte"),
        ({"start_byte": -1, "offset": 2048}, "offset"),
        ({"lines": 0}, "lines"),
        ({"lines": 501}, "lines"),
        ({"lines": "50"}, "lines"),
        ({"order": "down"}, "order"),
        ({"log_file": ""}, "log_file"),
        ({"log_file": None}, "log_file"),
        ({"log_file": "\ud800"}, "log_file"),
        ({"base_line": "\ud800"}, "base_line"),
        ({"base_line": 1.5e18}, "base_line"),
    ],
)
async def test_what_a_log_cannot_be_asked_for(given: dict[str, object], argument: str) -> None:
    """Findings 76 and 78."""
    async with session_on(FakeTransport(lambda _: pytest.fail("nothing may be sent"))) as session:
        version = TrainingJob.attach(session, 7, 9)
        with pytest.raises(InvalidArgument) as caught:
            await version.get_job_log(**{"log_file": "job.0", **given})  # type: ignore[arg-type]
        assert caught.value.argument == argument
        with pytest.raises(InvalidArgument):
            await version.tail(0)
