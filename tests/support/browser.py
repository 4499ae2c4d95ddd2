"""A real browser for the tests: Chromium without a window, driven over its DevTools protocol.

``python -m tests.support.browser PAGE.html FOLDER`` takes the pictures that the documents show.
"""

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

_PLACES = ("chromium", "chromium-browser", "google-chrome")
# WebGL is computed here, so that parallel coordinates are drawn on a machine without a graphics card as well.
_OPTIONS = (
    "--headless", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--remote-debugging-port=0", "--hide-scrollbars",
)  # fmt: skip


def chromium() -> str | None:
    """The program, or None where there is none."""
    return next((found for name in _PLACES if (found := shutil.which(name))), None)


class Tab:
    """One page of the browser.

    Attributes:
        asked: the addresses that the page has asked for, itself included.
        errors: what went wrong in its scripts.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.asked: list[str] = []
        self.errors: list[str] = []

    async def listen(self) -> None:
        """Take in what the browser says, until it goes."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
                continue
            about = told.get("params", {})
            match told["method"]:
                case "Network.requestWillBeSent":
                    self.asked.append(about["request"]["url"])
                case "Runtime.exceptionThrown":
                    self.errors.append(str(about["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if about["type"] in {"error", "assert"}:
                    self.errors.append(str(about["args"]))
                case "Log.entryAdded" if about["entry"]["level"] == "error":
                    self.errors.append(about["entry"]["text"])
                case "Page.loadEventFired":
                    self._loaded.set()

    async def do(self, method: str, **params: Any) -> Any:
        """What a command of the protocol answers."""
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        told = await asyncio.wait_for(answer, 60)
        assert "error" not in told, told
        return told["result"]

    async def show(self, address: str, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Open an address in a window of this size, and return when it has loaded."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.do(f"{domain}.enable")
        await self.resize(width, height)
        await self.scheme(dark=dark)
        self._loaded.clear()
        await self.do("Page.navigate", url=address)
        await asyncio.wait_for(self._loaded.wait(), 60)

    async def resize(self, width: int, height: int = 900) -> None:
        """Give the window another size."""
        await self.do(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def scheme(self, *, dark: bool) -> None:
        """Prefer dark or light colours."""
        value = "dark" if dark else "light"
        await self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression gives, or what its promise comes to."""
        told = await self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def drawn(self) -> None:
        """Return when nothing on the page is busy any more."""
        async with asyncio.timeout(60):
            while await self.value("!!document.querySelector('[aria-busy=true]')"):
                await asyncio.sleep(0.05)
        # Charts are drawn in the frame after the one that asks for them.
        await self.value("new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)))")

    async def picture(self, *, whole: bool = True, scale: float = 1.0) -> bytes:
        """The page as a PNG: all of it, or the part that the window shows, larger or smaller."""
        await self.drawn()
        seen = "document.documentElement.scrollHeight" if whole else "innerHeight"
        width, height = await self.value(f"[innerWidth, {seen}]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        told = await self.do("Page.captureScreenshot", captureBeyondViewport=whole, clip=clip)
        return base64.b64decode(told["data"])


@contextlib.asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """A fresh page in a browser of its own, which ends with the block."""
    program = await asyncio.to_thread(chromium)
    assert program is not None
    # The browser's last helpers may still write while the folder is removed.
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="browser", ignore_cleanup_errors=True)
    process = await asyncio.create_subprocess_exec(
        program, *_OPTIONS, f"--user-data-dir={folder.name}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        port = await _port(Path(folder.name, "DevToolsActivePort"), process)
        async with aiohttp.ClientSession(base_url=f"http://127.0.0.1:{port}") as http:
            async with http.get("/json/list") as answer:
                pages = await answer.json()
            address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            async with http.ws_connect(address, max_msg_size=0) as socket, asyncio.TaskGroup() as tasks:
                opened = Tab(socket)
                listening = tasks.create_task(opened.listen())
                yield opened
                listening.cancel()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 15)
        await process.wait()
        await asyncio.to_thread(folder.cleanup)


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(60):
        while True:
            assert process.returncode is None, "the browser has ended"
            with contextlib.suppress(FileNotFoundError):
                # A port and a path, once both of them are written.
                if len(lines := (await asyncio.to_thread(file.read_text)).split()) == 2:
                    return int(lines[0])
            await asyncio.sleep(0.05)


async def pictures(page: Path, widths: Sequence[int], *, whole: bool, scale: float) -> dict[str, bytes]:
    """Pictures of a page, by name: of each width, light and dark."""
    taken = {}
    async with tab() as opened:
        for width in widths:
            for scheme in ("light", "dark"):
                await opened.show(page.as_uri(), width=width, height=1500, dark=scheme == "dark")
                taken[f"{page.stem}-{width}-{scheme}.png"] = await opened.picture(whole=whole, scale=scale)
        assert not opened.errors, opened.errors
    return taken


def take(
    page: Path, folder: Path, widths: Sequence[int] = (1440, 390), *, whole: bool = True, scale: float = 1.0
) -> None:
    """Put the pictures of a page into a folder.

    Args:
        page: the page.
        folder: where to.
        widths: of the window, in pixels.
        whole: all of the page, or its beginning.
        scale: of the pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = asyncio.run(pictures(page.resolve(), widths, whole=whole, scale=scale))
    for name, picture in taken.items():
        (folder / name).write_bytes(picture)


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]), whole=False, scale=0.75)
