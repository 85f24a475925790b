"""The spans of HTTP requests: from the first header to the end of the response."""

from collections.abc import Sequence

from fastapi.routing import APIRoute
from opentelemetry.trace import Span, StatusCode
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..tracing import Tracing

__all__ = ["RequestTraces"]

_CALLS = ("/v1/", "/v2/")
_STREAM = "/watch"
_CONTEXT = (b"traceparent", b"tracestate")


class RequestTraces:
    """An ASGI application that traces the calls of ``app``: no pages, and no streams, which last.

    Parameters
    ----------
    tracing
        Begins the spans.
    routes
        All routes of ``app``.
    """

    def __init__(self, app: ASGIApp, tracing: Tracing, routes: Sequence[APIRoute]) -> None:
        self._app, self._tracing, self._routes = app, tracing, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] != "http" or not _is_call(scope):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode(): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in _CONTEXT
        }
        with self._tracing.request(scope["method"], headers) as span:
            if span.is_recording():
                self._describe(span, scope)
                send = _with_status(send, span)
            await self._app(scope, receive, send)

    def _describe(self, span: Span, scope: Scope) -> None:
        """Give ``span`` the names of OpenTelemetry's conventions."""
        method, route = scope["method"], self._route(scope)
        span.update_name(f"{method} {route}" if route else method)
        attributes = {"http.request.method": method, "url.path": scope["path"], "http.route": route}
        ids = [value for name, value in scope["headers"] if name == b"x-request-id"]
        attributes["request_id"] = ids[0].decode("latin-1") if ids else ""
        span.set_attributes({name: value for name, value in attributes.items() if value})

    def _route(self, scope: Scope) -> str:
        """Return the pattern of the path, empty where no route answers."""
        matches = (one.path for one in self._routes if one.matches(scope)[0] is Match.FULL)
        return next(matches, "")


def _is_call(scope: Scope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.startswith(_CALLS) and not path.endswith(_STREAM)


def _with_status(send: Send, span: Span) -> Send:
    async def send_with_status(message: Message) -> None:
        if message["type"] == "http.response.start":
            span.set_attribute("http.response.status_code", message["status"])
            if message["status"] >= 500:
                span.set_status(StatusCode.ERROR)
        await send(message)

    return send_with_status
