"""What a browser may be made to send is refused before anything is read.

Any page can have a browser post text or a form to an address that the page names, loopback too, and
can give its own name that address (DNS rebinding). Neither can send JSON, nor hide its own name.
"""

import ipaddress
import re
from collections.abc import Collection
from functools import lru_cache

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pba.errors import Forbidden, UnsupportedMediaType, cut

from .http import pba_error_response
from .inference_errors import is_inference

__all__ = ["RequestGuard"]

_JSON = re.compile(rb'application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*', re.IGNORECASE)
_TENSORS = (b"", b"application/octet-stream")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::\d{1,5})?")
_PAGES = ("/docs", "/", "/console", "/console/")
_CONSOLE = "/console"
_CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src "
    "'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-ID",
    "Access-Control-Max-Age": "600",
}
_LOOPBACK = ("127.0.0.1", "::1")


class RequestGuard:
    """An ASGI application that passes on to ``app`` what no other site's page can have sent.

    - A body is ``application/json``, which pages of other sites may not send unasked. Bodies of the
      Open Inference Protocol, which have other types or none, change nothing.
    - Requests that a browser marks as those of another site are refused, except links to pages.
    - A service on loopback is called by an address, as localhost, or by a name in ``hosts``.
    - Pages from ``origins`` may read answers (CORS); no others may.

    Parameters
    ----------
    hosts
        Names under which a front end on this machine calls a service on loopback.
    origins
        Such as ``https://console.example``.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower().encode() for origin in origins)
        self._is_own = lru_cache(maxsize=256)(self._is_own_host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        is_shared = origin is not None and origin.lower() in self._origins
        if is_shared:
            send = _with_headers(send, _sharing(origin))
            if b"access-control-request-method" in headers and scope["method"] == "OPTIONS":
                await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
                return
        answer = self._refusal(scope, headers, is_shared)
        if answer is not None:
            await answer(scope, receive, send)
            return
        if not scope["path"].startswith(("/v1/", "/v2")):
            send = _with_headers(send, _page_headers(scope))
        await self._app(scope, receive, send)

    def _refusal(
        self, scope: Scope, headers: dict[bytes, bytes], is_shared: bool
    ) -> ASGIApp | None:
        """Return the answer to a request that is refused, None if it is not."""
        foreign = headers.get(b"sec-fetch-site") == b"cross-site" and not is_shared
        if foreign and not _is_link(scope, headers):
            return _forbidden(
                "Sec-Fetch-Site is cross-site: a browser sends this for a page of another site. "
                "Name that page's origin in PBA_CORS_ORIGINS if it may call."
            )
        host = headers.get(b"host")
        if host is not None and _is_on_loopback(scope) and not self._is_own(host):
            return _forbidden(
                f"Host is {cut(ascii(host.decode('latin-1')))}; a service on loopback is called by "
                "an address or as localhost. Name a front end's host in PBA_ALLOWED_HOSTS."
            )
        kind = headers.get(b"content-type", b"")
        if _has_body(headers) and not (_JSON.fullmatch(kind) or _is_tensors(scope, kind)):
            name = cut(ascii(kind.decode("latin-1"))) if kind else "missing"
            message = f"Content-Type is {name}; a body is application/json, in UTF-8. Send that."
            return pba_error_response(UnsupportedMediaType(message, "Content-Type"))
        return None

    def _is_own_host(self, host: bytes) -> bool:
        match = _HOST.fullmatch(host.decode("latin-1").lower())
        if match is None:
            return False
        name = (match[1] or match[2]).rstrip(".")
        names = name in self._hosts or name == "localhost" or name.endswith(".localhost")
        return names or _is_address(name)


def _is_address(name: str) -> bool:
    """Return whether ``name`` is an IP address: no name of another site leads here then."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_on_loopback(scope: Scope) -> bool:
    """Return whether the request came to a loopback address."""
    server = scope.get("server")
    return server is not None and server[0] in _LOOPBACK


def _is_link(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Return whether a person follows a link to a page, which the other site cannot read."""
    return (
        scope["path"].removeprefix(scope.get("root_path", "")) in _PAGES
        and scope["method"] in ("GET", "HEAD")
        and headers.get(b"sec-fetch-mode") == b"navigate"
        and headers.get(b"sec-fetch-dest") == b"document"
    )


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _page_headers(scope: Scope) -> dict[str, str]:
    """Return what a browser is told about a page; the console's has no script within it."""
    if not scope["path"].removeprefix(scope.get("root_path", "")).startswith(_CONSOLE):
        return _PAGE_HEADERS
    return _PAGE_HEADERS | {"Content-Security-Policy": _CONSOLE_POLICY}


def _is_tensors(scope: Scope, kind: bytes) -> bool:
    """Return whether the request is of the Open Inference Protocol, whose clients send other types.

    Such a call stores nothing and changes nothing, whoever makes a browser send it.
    """
    return is_inference(scope["path"].removeprefix(scope.get("root_path", ""))) and kind in _TENSORS


def _forbidden(message: str) -> ASGIApp:
    return pba_error_response(Forbidden(message))


def _sharing(origin: bytes | None) -> dict[str, str]:
    """Return the headers with which a browser lets the page of ``origin`` read an answer."""
    assert origin is not None
    return {
        "Access-Control-Allow-Origin": origin.decode("latin-1"),
        "Access-Control-Expose-Headers": "X-Request-ID, Retry-After",
        "Vary": "Origin",
    }


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers
