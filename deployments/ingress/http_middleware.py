"""What HTTP asks of every path: HEAD like GET, and paths that proxies have shortened or escaped."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pba.errors import InvalidInput, cut

from .http import pba_error_response

__all__ = ["HEAD", "HttpMiddleware", "has_escaped_slash"]

HEAD = "pba.head"
"""Where the scope of a request says that it was HEAD: then nobody waits for a body."""

_PREFIX = re.compile(rb"(/[A-Za-z0-9._~-]+)+")


class HttpMiddleware:
    """An ASGI application that prepares requests for ``app``.

    - HEAD is answered like GET, without the body.
    - ``X-Forwarded-Prefix``, with which a proxy names the part of the path that it removed, becomes
      the root path, so that pages link to themselves. A value that is no path is left out.
    - A path with ``%2F`` is refused: servers unescape it, so the names before and after it would
      become parts of the path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET", HEAD: True}, _without_body(send)
        if has_escaped_slash(scope):
            await _escaped_slash_response(scope, receive, send)
            return
        await self._app(_below_prefix(scope), receive, send)


def has_escaped_slash(scope: Scope) -> bool:
    """Return whether the path was sent with an escaped slash."""
    return b"%2f" in scope.get("raw_path", b"").lower()


async def _escaped_slash_response(scope: Scope, receive: Receive, send: Send) -> None:
    error = InvalidInput(
        f"the path is {cut(scope['raw_path'].decode('ascii', 'replace'))}; names of links and "
        "models have no slash, escaped or not. Replace it, by - for example.",
        "link_id" if "/v1/links/" in scope["path"] else None,
    )
    await pba_error_response(error)(scope, receive, send)


def _below_prefix(scope: Scope) -> Scope:
    """Return ``scope`` with its path and root path below the prefix that a proxy removed."""
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
    prefix = values[0].rstrip(b"/") if values else b""
    if not _PREFIX.fullmatch(prefix):
        return scope
    text = prefix.decode("ascii")
    root_path = scope.get("root_path", "")
    return {**scope, "root_path": text + root_path, "path": text + scope["path"]}


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
