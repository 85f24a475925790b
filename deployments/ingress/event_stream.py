"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import asyncio
import logging
from collections.abc import AsyncGenerator

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pba.errors import PBAError

from .http import pba_error_response
from .http_middleware import HEAD
from .request_flow import flow_of

__all__ = ["HEARTBEAT", "EventStream", "server_event", "stream_start"]

_log = logging.getLogger("ray.serve")

HEARTBEAT = b": \n\n"
"""A comment, which keeps proxies from closing a silent stream, and shows who has left."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_SEND_S = 20.0


def stream_start(retry_s: float = 1.0) -> bytes:
    """Return the first part of a stream: after how long a client connects again."""
    return b"retry: %d\n\n" % round(retry_s * 1000)


def server_event(kind: str, body: object, event_id: str | None = None) -> bytes:
    """Return one event; ``body`` becomes JSON in one line, NaN and infinities null.

    Examples
    --------
    >>> server_event("error", {"code": "forbidden"}).splitlines()
    [b'event: error', b'data: {"code":"forbidden"}', b'']
    """
    line = b"" if event_id is None else b"id: %s\n" % event_id.encode()
    data = to_json(body, inf_nan_mode="null")
    return line + b"event: %s\ndata: %s\n\n" % (kind.encode(), data)


class EventStream(Response):
    """A response whose ``parts`` are sent as they come.

    An error before the first part is an error response; a later one is an event of the kind
    ``error`` and ends the stream. So does a caller that takes no part for 20 s.
    """

    media_type = "text/event-stream"

    def __init__(self, parts: AsyncGenerator[bytes, None]) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream until it ends or the caller leaves."""
        flow_of(scope).end_with_caller()
        try:
            await self._send_all(scope, receive, send)
        except TimeoutError:
            _log.info("slow_stream_closed", extra={"path": scope["path"]})
        finally:
            await self._parts.aclose()

    async def _send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            first = await anext(self._parts)
        except PBAError as error:
            await pba_error_response(error)(scope, receive, send)
            return
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        if scope.get(HEAD):
            await send({"type": "http.response.body", "body": b""})
            return
        await _send_part(send, first)
        try:
            async for part in self._parts:
                await _send_part(send, part)
        except PBAError as error:
            await _send_part(send, server_event("error", error.body()))
        await send({"type": "http.response.body", "body": b""})


async def _send_part(send: Send, part: bytes) -> None:
    async with asyncio.timeout(_SEND_S):
        await send({"type": "http.response.body", "body": part, "more_body": True})
