"""What every test is held to: nothing blocks the loop, nothing is left running, nothing is left open."""

import asyncio
import gc
import inspect
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import blockbuster
import hypothesis
import pytest
import pytest_asyncio

from aiomodelarts.local import LocalPlatform

# looptime asks for the current loop before each test, which would make one that nobody closes when there is none yet.
asyncio.set_event_loop(None)

# The same examples each time, so that a change answers for its own faults only; new ones are looked for thoroughly.
hypothesis.settings.register_profile("suite", deadline=None, max_examples=100, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# Reading a module's source is how an import works, and how a traceback finds its lines; neither is ours to move.
_READS_SOURCE = (
    ("pytest_timeout.py", {"write_title", "write", "dump_stacks"}),
    ("<frozen importlib._bootstrap>", {"_find_and_load"}),
    ("linecache.py", {"updatecache", "checkcache"}),
    ("_pytest/assertion/rewrite.py", {"exec_module"}),
    # A log record is written to pytest's own capture, which is memory.
    ("logging/__init__.py", {"emit"}),
    # A database in memory, on a loop whose time does not pass meanwhile.
    ("simulate/sweeps/run.py", {"simulate"}),
    # The driver looks for keys and passwords in the home folder, once for each connection.
    ("asyncpg/connect_utils.py", {"_parse_connect_arguments"}),
)


def pytest_configure() -> None:
    # A shell has what it starts in the background ignore Ctrl-C, and all that these tests start would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--answers", default="tidy", help="the form in which local platforms answer: tidy, or varied[:SEED]"
    )


@pytest.fixture(autouse=True)
def _platforms_answer_as_asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes a platform and does not care for the form gets the one that the run is for."""
    defaults = LocalPlatform.__init__.__kwdefaults__
    assert "answers" in defaults
    monkeypatch.setitem(defaults, "answers", request.config.getoption("--answers"))


@pytest.fixture(autouse=True, scope="session")
def _nothing_blocks_the_loop() -> Iterator[None]:
    with blockbuster.blockbuster_ctx() as detector:
        for function in detector.functions.values():
            for filename, names in _READS_SOURCE:
                function.can_block_in(filename, names)
        yield


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request: pytest.FixtureRequest) -> None:
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_clean_loop")


@pytest_asyncio.fixture
async def _clean_loop() -> AsyncIterator[None]:
    """Set up before every other asynchronous fixture, and so torn down after all of them."""
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(_told(context)))
    yield
    # Connections and generators that were just closed need a turn or two of the loop to be gone.
    for _ in range(5):
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() - {asyncio.current_task()} if not task.done()]
    gc.collect(0)
    assert not left, f"tasks left running: {left}"
    assert not complaints, f"told to the loop's exception handler: {complaints}"


def _told(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"{context['message']} {error!r}" if error else str(context["message"])


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever runs the tests has credentials of their own; no test may see them."""
    for name in list(os.environ):
        if name.startswith(("HUAWEICLOUD_", "OS_", "AIOMODELARTS_")):
            monkeypatch.delenv(name)
    # The machine that runs the tests may be a server in a cloud.
    monkeypatch.setenv("AIOMODELARTS_METADATA_ENDPOINT", "none")
    home: Path = tmp_path_factory.getbasetemp() / "nobody"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
