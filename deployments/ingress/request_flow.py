"""One request between its connection and the application: its end, and callers that are gone.

Ray puts all that arrives for a request into a queue without a limit, before the application has
asked for any of it, unless it is told to leave disconnects to the application. HAProxy tells it so
in a header (`haproxy-with-errors.sh`); what is not read then stays with the caller.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestFlow", "RequestFlows", "flow_of"]

_KEY = "pba.flow"
_LEFT_TO_US = (b"x-request-disconnect-disabled", b"?1")
_WATCH_AFTER_S = 0.25  # most requests are answered by then


class RequestFlows:
    """An ASGI application that gives ``app`` a `RequestFlow` for each HTTP request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await RequestFlow(scope, receive, send).run(self._app)


class RequestFlow:
    """The messages of one request.

    - The connection is closed after a response to a request whose body was not read to its end:
      the rest of it would be read for nothing.
    - A caller that is gone ends the request, where Ray leaves that to the application.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._unread = any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in scope["headers"]
        )
        self._watches = _LEFT_TO_US in scope["headers"]
        self._ends = contextlib.ExitStack()
        self._timer: asyncio.TimerHandle | None = None
        self._watch: asyncio.Task[None] | None = None
        self._gone = False

    async def run(self, app: ASGIApp) -> None:
        """Have ``app`` answer the request; return when it has, or when nobody waits for it."""
        if not self._unread:
            self._watch_later()
        try:
            with self._ends:
                await app({**self._scope, _KEY: self}, self._next_message, self._send_message)
        except asyncio.CancelledError:
            if not self._gone:
                raise
            _current_task().uncancel()
        finally:
            for wait in (self._timer, self._watch):
                if wait is not None:
                    wait.cancel()

    def at_end(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when the request has ended."""
        self._ends.callback(call)

    def end_with_caller(self) -> None:
        """Have the request end when its caller leaves, whoever looks after that otherwise.

        For responses that would last for minutes with nobody to read them; the body was read.
        """
        if not self._watches:
            self._watches = True
            self._watch_later()

    async def _next_message(self) -> Message:
        message = await self._receive()
        if self._unread and not message.get("more_body", False):
            self._unread = False
            self._watch_later()
        return message

    async def _send_message(self, message: Message) -> None:
        if self._unread and message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            message = {**message, "headers": headers}
        await self._send(message)

    def _watch_later(self) -> None:
        if self._watches:
            loop, task = asyncio.get_running_loop(), _current_task()
            self._timer = loop.call_later(_WATCH_AFTER_S, self._start_watch, task)

    def _start_watch(self, task: asyncio.Task[Any]) -> None:
        self._watch = asyncio.create_task(self._end_without_caller(task))

    async def _end_without_caller(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass  # the empty body of a request that has none
        self._gone = True
        task.cancel()


def flow_of(scope: Scope) -> RequestFlow:
    """Return the flow of the request with ``scope``."""
    flow: RequestFlow = scope[_KEY]
    return flow


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
