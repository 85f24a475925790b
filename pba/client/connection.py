"""How a client reaches the service: the only place that chooses the arguments of httpx."""

import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NotRequired, TypedDict, TypeVar
from urllib.request import getproxies

import httpx

from pba.client.certificates import Cert, ssl_context
from pba.client.credentials import AsyncToken, credentials
from pba.client.masking import masked
from pba.errors import InvalidRequest

__all__ = ["DEFAULT_URL", "Connection", "HttpxArguments", "httpx_arguments", "open_connection"]

DEFAULT_URL = "http://127.0.0.1:8000"
"""Where ``make serve`` answers."""

_Client = TypeVar("_Client", httpx.Client, httpx.AsyncClient)
_URL = "PBA_URL"
# TCP asks again after 1 s and after 3 s: the third time is not worth the wait for a lost machine.
_CONNECT_S = 2.5
# A machine that is gone confirms nothing. The system's own limits are minutes and hours; not every
# system has all of these options.
_LOST_AFTER = {"TCP_USER_TIMEOUT": 2500, "TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class HttpxArguments(TypedDict):
    """The arguments of `httpx.Client` and `httpx.AsyncClient` that PBA sets."""

    base_url: httpx.URL
    timeout: httpx.Timeout
    verify: ssl.SSLContext
    proxy: httpx.Proxy | None
    headers: httpx.Headers
    auth: httpx.Auth | None
    mounts: dict[str, None]
    transport: NotRequired[Any]


@dataclass(slots=True, eq=False)
class Connection(Generic[_Client]):
    """An HTTP client of a service, and the addresses at which the service answers.

    The client's ``base_url`` is the address that is used now.
    """

    http: _Client
    urls: Sequence[httpx.URL]
    _used: int = 0

    def leave(self, url: httpx.URL) -> None:
        """Use the next address if the one of ``url``, which failed, is still in use.

        It may not be: another thread may have left it.
        """
        used = self._used
        if _origin(url) == _origin(self.urls[used]):
            self._used = (used + 1) % len(self.urls)
            self.http.base_url = self.urls[self._used]


def open_connection(
    kind: type[_Client],
    url: str | Sequence[str] | None,
    timeout_s: float,
    ca: str | Path | None,
    cert: Cert | None,
    proxy: str | None,
    headers: Mapping[str, str] | None,
    api_key: str | None,
    token: AsyncToken | None,
) -> Connection[_Client]:
    """Return an HTTP client with `httpx_arguments`, and the addresses in ``url``.

    Parameters
    ----------
    url
        The addresses of one service, as a sequence or as text with commas. By default those of
        ``PBA_URL``, else `DEFAULT_URL`.

    Raises
    ------
    InvalidRequest
        As `httpx_arguments`, and for an address that is none or a proxy in the environment that is
        none.
    """
    urls = _addresses(url)
    arguments = httpx_arguments(urls, timeout_s, ca, cert, proxy, headers, api_key, token)
    if len(urls) > 1 and proxy is None and not getproxies():
        options: dict[str, Any] = {
            "verify": arguments["verify"],
            "socket_options": _socket_options(),
        }
        blocking = issubclass(kind, httpx.Client)
        transport = httpx.HTTPTransport if blocking else httpx.AsyncHTTPTransport
        arguments.setdefault("transport", transport(**options))
    try:
        return Connection(kind(**arguments), urls)
    except (ValueError, ImportError, httpx.InvalidURL):  # it may quote a password
        raise InvalidRequest(
            "a proxy in the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is no HTTP address. "
            "Write it as http://proxy.example:3128, or name the service's host in NO_PROXY."
        ) from None


def httpx_arguments(
    urls: Sequence[httpx.URL],
    timeout_s: float,
    ca: str | Path | None = None,
    cert: Cert | None = None,
    proxy: str | None = None,
    headers: Mapping[str, str] | None = None,
    api_key: str | None = None,
    token: AsyncToken | None = None,
) -> HttpxArguments:
    """Return the arguments with which httpx reaches the service.

    Without ``proxy``, the proxies that the environment names are used, as curl does, but never for
    a service on this machine, which no proxy elsewhere reaches.

    Parameters
    ----------
    urls
        The addresses of the service; a user and password in one are sent there as basic
        authentication.
    timeout_s
        How long connecting, sending and each read may take. Where there is another address to try,
        connecting takes at most 2.5 s.
    ca
        File or folder of the authorities that may sign the service's certificate. By default those
        of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else the public ones.
    cert
        The caller's certificate, for a service that wants one.
    proxy
        The address of a proxy.
    headers
        Sent with every request.
    api_key
        The key of the caller. By default that of ``PBA_API_KEY``, unless ``headers`` or ``url``
        authenticate.
    token
        Called for every request; it returns the bearer token to send.

    Raises
    ------
    InvalidRequest
        If one of them cannot be used. Passwords and the values of headers are left out.
    """
    sent = _headers(headers or {})
    authenticated = any(url.userinfo for url in urls) or "authorization" in sent
    authorization, auth = credentials(api_key, token, authenticated)
    if authorization is not None:
        sent["Authorization"] = authorization
    local = [url for url in urls if proxy is None and _is_loopback(url.host)]
    connect_s = timeout_s if len(urls) == 1 else min(timeout_s, _CONNECT_S)
    return {
        "base_url": urls[0],
        "timeout": httpx.Timeout(timeout_s, connect=connect_s),
        "verify": ssl_context(ca, cert),
        "proxy": None if proxy is None else httpx.Proxy(_http_url("proxy", proxy)),
        "headers": sent,
        "auth": auth,
        "mounts": {f"all://{url.netloc.decode('ascii')}": None for url in local},
    }


def _socket_options() -> list[tuple[int, int, int]]:
    """Return what has a connection to a machine that is gone fail after 3 to 6 s."""
    known = {name: getattr(socket, name, None) for name in _LOST_AFTER}
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
        (socket.IPPROTO_TCP, option, _LOST_AFTER[name])
        for name, option in known.items()
        if option is not None
    ]


def _addresses(url: str | Sequence[str] | None) -> list[httpx.URL]:
    name = "url"
    if url is None:
        name, url = _URL, os.environ.get(_URL) or DEFAULT_URL
    texts = [part.strip() for part in url.split(",")] if isinstance(url, str) else url
    whole = ",".join(map(str, texts))  # a comma in a password does not end what is masked
    urls = [_http_url(name, text, whole) for text in texts]
    if not urls:
        raise InvalidRequest("url has no address. Name at least one, or leave it out.", "url")
    return urls


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _http_url(name: str, text: str, whole: str | None = None) -> httpx.URL:
    """Return ``text``, which the caller passed as ``name`` or in ``whole``, as an HTTP address."""
    try:
        url = httpx.URL(text)
        beyond_host = url.raw_path.decode("ascii") + url.fragment
        if url.scheme in ("http", "https") and url.host and "@" not in beyond_host:
            return url
    except (httpx.InvalidURL, TypeError):
        pass  # the message may quote a part of a password
    shown = masked(str(text if whole is None else whole))
    raise InvalidRequest(
        f"{name} is {shown!r}; it starts with http:// or https:// and a host. Write it "
        "as http://127.0.0.1:8000, and / ? # @ in a user or password as %2F %3F %23 %40.",
        name,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(headers: Mapping[str, str]) -> httpx.Headers:
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and value.isascii() and value.isprintable()):
            raise InvalidRequest(
                f"the header {name!r} cannot be sent; names are words, and values printable ASCII. "
                "Remove line ends and other characters.",
                "headers",
            )
    return httpx.Headers(headers)
