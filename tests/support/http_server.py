"""The services of a router replica behind a real HTTP server in this process, without Ray."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from deployments.ingress.routes import http_application
from tests.support.in_process import open_in_process
from tests.support.ports import own_port
from tests.support.waiting import PATIENCE_S, until


@contextlib.contextmanager
def http_server(folder: Path, follows: bool = False, **settings: Any) -> Iterator[str]:
    """Yield the URL of the services over new files in ``folder``, as `open_in_process` makes them.

    The server runs in a thread of its own, as a router replica's does in a process of its own. It
    notices changed keys if it ``follows`` them.
    """
    started = threading.Event()
    loop, stopped = asyncio.new_event_loop(), asyncio.Event()

    async def serve(port: int) -> None:
        async with open_in_process(folder, **settings) as service:
            if follows:
                await service.services.callers.start()
            app = http_application(service.services)
            config = uvicorn.Config(app, "127.0.0.1", port, log_level="critical", lifespan="off")
            server = uvicorn.Server(config)
            running = asyncio.create_task(server.serve())
            await until(lambda: server.started, "the server")
            started.set()
            await stopped.wait()
            server.should_exit = True
            await running

    with own_port() as port:
        thread = threading.Thread(target=lambda: loop.run_until_complete(serve(port)))
        thread.start()
        try:
            assert started.wait(PATIENCE_S), "the server did not start"
            yield f"http://127.0.0.1:{port}"
        finally:
            loop.call_soon_threadsafe(stopped.set)
            thread.join()
            loop.close()
