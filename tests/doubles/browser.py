"""A real Chromium that a test drives: what a page shows after its scripts ran, what it logs, how it looks.

Law: it speaks the browser's own protocol over a socket of loopback; nothing of a page is simulated.
"""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0"),
)
WAIT_S = 30.0
PHONE, DESKTOP = (390, 844), (1280, 900)


class Page:
    """One tab. `complaints`: what the browser logged of errors and refusals."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []

    async def listen(self) -> None:
        """Takes in what the browser says; to be run beside."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif told["method"] == "Log.entryAdded" and told["params"]["entry"]["level"] in ("error", "warning"):
                self.complaints.append(told["params"]["entry"]["text"])
            elif told["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(told["params"]["exceptionDetails"]))

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol. Raises AssertionError when the browser refuses it."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_str(json.dumps({"id": self._number, "method": method, "params": params}))
        told = await asyncio.wait_for(answer, WAIT_S)
        assert "error" not in told, told
        return told["result"]

    async def open(self, address: str) -> None:
        """Goes there, and waits until the page and its scripts are loaded."""
        await self.call("Page.navigate", url=address)
        await self.until(f"document.readyState === 'complete' && location.href !== 'about:blank' && {address!r} !== ''")

    async def value(self, expression: str) -> Any:
        """What an expression gives in the page."""
        told = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str, within_s: float = WAIT_S) -> Any:
        """Waits until the expression is true; gives it. On the way to another page it is not. Raises TimeoutError."""
        expression = f"(() => {{ try {{ return {expression} }} catch {{ return false }} }})()"
        async with asyncio.timeout(within_s):
            while not (found := await self.value(expression)):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.02)
        return found

    async def look(self, *, size: tuple[int, int], dark: bool) -> None:
        """The window's size, and whether its user likes it dark."""
        width, height = size
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def press(self, key: str, code: int) -> None:
        """One key."""
        known = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": "\r"} if key == "Enter" else {"type": "rawKeyDown"}
        await self.call("Input.dispatchKeyEvent", **known, **down)
        await self.call("Input.dispatchKeyEvent", **known, type="keyUp")

    async def picture(self) -> bytes:
        """The whole page as a PNG."""
        told = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(told["data"])


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Page]:
    """A Chromium with one empty tab. `folder`: for its profile."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank", stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(WAIT_S):
            while b"DevTools listening on" not in (line := await process.stderr.readline()):
                assert line, "Chromium ended at its start"
        draining = asyncio.ensure_future(process.stderr.read())
        base = line.decode().split("ws://")[1].split("/")[0]
        async with aiohttp.ClientSession() as session:
            tabs = await (await session.get(f"http://{base}/json")).json()
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.ensure_future(page.listen())
                for domain in ("Page", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                yield page
                listening.cancel()
        draining.cancel()
    finally:
        process.kill()
        await process.wait()
