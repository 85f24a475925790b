"""How a client reaches the service: the only place that chooses the arguments of httpx."""

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, TypeVar

import httpx

from pba.client.certificates import Cert, ssl_context
from pba.client.credentials import AsyncToken, credentials
from pba.client.masking import masked
from pba.errors import InvalidRequest

__all__ = ["DEFAULT_URL", "HttpxArguments", "httpx_arguments", "open_client"]

DEFAULT_URL = "http://127.0.0.1:8000"
"""Where ``make serve`` answers."""

_Client = TypeVar("_Client", httpx.Client, httpx.AsyncClient)
_URL = "PBA_URL"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class HttpxArguments(TypedDict):
    """The arguments of `httpx.Client` and `httpx.AsyncClient` that PBA sets."""

    base_url: httpx.URL
    timeout: float
    verify: ssl.SSLContext
    proxy: httpx.Proxy | None
    headers: httpx.Headers
    auth: httpx.Auth | None
    mounts: dict[str, None]


def open_client(
    kind: type[_Client],
    url: str | None,
    timeout_s: float,
    ca: str | Path | None,
    cert: Cert | None,
    proxy: str | None,
    headers: Mapping[str, str] | None,
    api_key: str | None,
    token: AsyncToken | None,
) -> _Client:
    """Return an HTTP client with `httpx_arguments`.

    Raises
    ------
    InvalidRequest
        As `httpx_arguments`, and for a proxy in the environment that is no address.
    """
    arguments = httpx_arguments(url, timeout_s, ca, cert, proxy, headers, api_key, token)
    try:
        return kind(**arguments)
    except (ValueError, ImportError, httpx.InvalidURL):  # it may quote a password
        raise InvalidRequest(
            "a proxy in the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is no HTTP address. "
            "Write it as http://proxy.example:3128, or name the service's host in NO_PROXY."
        ) from None


def httpx_arguments(
    url: str | None,
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
    url
        The address of the service, by default that of ``PBA_URL``, else `DEFAULT_URL`; a user and
        password in it are sent as basic authentication.
    timeout_s
        How long connecting, sending and each read may take.
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
    base_url = _base_url(url)
    sent = _headers(headers or {})
    authenticated = bool(base_url.userinfo) or "authorization" in sent
    authorization, auth = credentials(api_key, token, authenticated)
    if authorization is not None:
        sent["Authorization"] = authorization
    local = proxy is None and _is_loopback(base_url.host)
    return {
        "base_url": base_url,
        "timeout": timeout_s,
        "verify": ssl_context(ca, cert),
        "proxy": None if proxy is None else httpx.Proxy(_http_url("proxy", proxy)),
        "headers": sent,
        "auth": auth,
        "mounts": {f"all://{base_url.netloc.decode('ascii')}": None} if local else {},
    }


def _base_url(url: str | None) -> httpx.URL:
    if url is not None:
        return _http_url("url", url)
    return _http_url(_URL, os.environ.get(_URL) or DEFAULT_URL)


def _http_url(name: str, text: str) -> httpx.URL:
    """Return ``text``, which the caller passed as ``name``, as an HTTP address."""
    try:
        url = httpx.URL(text)
        beyond_host = url.raw_path.decode("ascii") + url.fragment
        if url.scheme in ("http", "https") and url.host and "@" not in beyond_host:
            return url
    except (httpx.InvalidURL, TypeError):
        pass  # the message may quote a part of a password
    raise InvalidRequest(
        f"{name} is {masked(str(text))!r}; it starts with http:// or https:// and a host. Write it "
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
