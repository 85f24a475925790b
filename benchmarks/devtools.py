"""A browser for the memory of its pages, over the DevTools protocol alone.

Playwright would be in the way: for it the browser keeps what pages receive, up to 100 MB of each,
and what a page showed while it was waited for.
"""

import asyncio
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.support.waiting import wait_until

START_S = 30.0
OPTIONS = ("--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0")


class Session:
    """A connection to a page, or to the browser; calls are answered one after the other."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._numbers = connection, itertools.count(1)
        self._lock = asyncio.Lock()

    async def call(self, method: str, **parameters: Any) -> Any:
        """Return the result of a method of the protocol; raises RuntimeError if it fails."""
        async with self._lock:
            number = next(self._numbers)
            message = {"id": number, "method": method, "params": parameters}
            await self._connection.send(json.dumps(message))
            while True:
                answer = json.loads(await self._connection.recv())
                if answer.get("id") == number:
                    break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, or what its promise becomes."""
        answer = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")


class Browser:
    """A browser that runs; `session` is its own."""

    def __init__(self, session: Session, port: int, stack: contextlib.AsyncExitStack) -> None:
        self.session, self._port, self._stack = session, port, stack

    async def open(self, url: str) -> Session:
        """Open a page; it may load still, but what is evaluated is evaluated in it."""
        target = (await self.session.call("Target.createTarget", url="about:blank"))["targetId"]
        address = f"ws://127.0.0.1:{self._port}/devtools/page/{target}"
        page = await _session(address, self._stack)
        await page.call("Page.navigate", url=url)
        return page

    async def renderers(self) -> list[int]:
        """Return the processes of the pages."""
        processes = (await self.session.call("SystemInfo.getProcessInfo"))["processInfo"]
        return [one["id"] for one in processes if one["type"] == "renderer"]


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run Chromium without a window."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: apt-get install chromium"
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        process = await asyncio.create_subprocess_exec(
            chromium, *OPTIONS, f"--user-data-dir={folder}", stderr=asyncio.subprocess.DEVNULL
        )
        try:
            port, path = await asyncio.to_thread(_address, folder / "DevToolsActivePort")
            session = await _session(f"ws://127.0.0.1:{port}{path}", stack)
            yield Browser(session, port, stack)
        finally:
            process.terminate()
            await process.wait()


def _address(file: Path) -> tuple[int, str]:
    """Return the port and the path that the browser writes once it listens."""
    wait_until(
        lambda: file.exists() and file.read_text().count("\n") == 1, "the browser", limit_s=START_S
    )
    port, path = file.read_text().split()
    return int(port), path


async def _session(url: str, stack: contextlib.AsyncExitStack) -> Session:
    return Session(await stack.enter_async_context(connect(url, max_size=None)))
