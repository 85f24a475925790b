"""How a client reaches the service: the only place that chooses the arguments of httpx.

Client certificates belong here once they are supported.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, TypeVar

import httpx

from pba.client.masking import masked
from pba.errors import InvalidRequest

__all__ = ["HttpxArguments", "httpx_arguments", "open_client"]

_Client = TypeVar("_Client", httpx.Client, httpx.AsyncClient)
_API_KEY = "PBA_API_KEY"
_KEY_TEXT = re.compile(r"[A-Za-z0-9._~+/=-]+")  # of a bearer token, RFC 6750, section 2.1
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class HttpxArguments(TypedDict):
    """The arguments of `httpx.Client` and `httpx.AsyncClient` that PBA sets."""

    base_url: httpx.URL
    timeout: float
    verify: ssl.SSLContext
    proxy: httpx.Proxy | None
    headers: httpx.Headers
    mounts: dict[str, None]


def open_client(
    kind: type[_Client],
    url: str,
    timeout_s: float,
    ca: str | Path | None,
    proxy: str | None,
    headers: Mapping[str, str] | None,
    api_key: str | None,
) -> _Client:
    """Return an HTTP client with `httpx_arguments`.

    Raises
    ------
    InvalidRequest
        As `httpx_arguments`, and for a proxy in the environment that is no address.
    """
    arguments = httpx_arguments(url, timeout_s, ca, proxy, headers, api_key)
    try:
        return kind(**arguments)
    except (ValueError, ImportError, httpx.InvalidURL):  # it may quote a password
        raise InvalidRequest(
            "a proxy in the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) is no HTTP address. "
            "Write it as http://proxy.example:3128, or name the service's host in NO_PROXY."
        ) from None


def httpx_arguments(
    url: str,
    timeout_s: float,
    ca: str | Path | None = None,
    proxy: str | None = None,
    headers: Mapping[str, str] | None = None,
    api_key: str | None = None,
) -> HttpxArguments:
    """Return the arguments with which httpx reaches the service.

    Without ``proxy``, the proxies that the environment names are used, as curl does, but never for
    a service on this machine, which no proxy elsewhere reaches.

    Parameters
    ----------
    url
        The address of the service; a user and password in it are sent as basic authentication.
    timeout_s
        How long connecting, sending and each read may take.
    ca
        File or folder of the authorities that may sign the service's certificate. By default those
        of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else the public ones.
    proxy
        The address of a proxy.
    headers
        Sent with every request.
    api_key
        The key of the caller. By default that of ``PBA_API_KEY``, unless ``headers`` or ``url``
        authenticate.

    Raises
    ------
    InvalidRequest
        If one of them cannot be used. Passwords and the values of headers are left out.
    """
    base_url = _http_url("url", url)
    sent = _headers(headers or {})
    key = _key(api_key, bool(base_url.userinfo) or "authorization" in sent)
    if key is not None:
        sent["Authorization"] = f"Bearer {key}"
    local = proxy is None and _is_loopback(base_url.host)
    return {
        "base_url": base_url,
        "timeout": timeout_s,
        "verify": _authorities(ca),
        "proxy": None if proxy is None else httpx.Proxy(_http_url("proxy", proxy)),
        "headers": sent,
        "mounts": {f"all://{base_url.netloc.decode('ascii')}": None} if local else {},
    }


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


def _authorities(ca: str | Path | None) -> ssl.SSLContext:
    if ca is None:
        source, value = "SSL_CERT_FILE or SSL_CERT_DIR in the environment", None
    else:
        source, value = f"ca, which is {str(ca)!r},", Path(ca)
    try:
        if value is None:
            return httpx.create_ssl_context()
        folder = value.is_dir()
        return ssl.create_default_context(
            cafile=None if folder else value, capath=value if folder else None
        )
    except OSError as error:  # ssl.SSLError is one
        raise InvalidRequest(
            f"{source} cannot be read: {error.strerror or error}. Name a PEM file of certificates, "
            "or a folder of such files.",
            "ca",
        ) from error


def _key(api_key: str | None, authenticated: bool) -> str | None:
    """Return the key to send; ``authenticated`` requests carry a password or key already."""
    name = _API_KEY if api_key is None else "api_key"
    key = os.environ.get(_API_KEY) if api_key is None and not authenticated else api_key
    if not key:
        return None
    if authenticated:
        raise InvalidRequest(
            "there is an api_key, and url or headers hold another Authorization. Leave one out.",
            "api_key",
        )
    if not _KEY_TEXT.fullmatch(key.strip()):
        raise InvalidRequest(
            f"{name} is no key; it starts with pba_ and has no blanks. Copy the key as pba keys "
            "create printed it.",
            "api_key",
        )
    return key.strip()


def _headers(headers: Mapping[str, str]) -> httpx.Headers:
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and value.isascii() and value.isprintable()):
            raise InvalidRequest(
                f"the header {name!r} cannot be sent; names are words, and values printable ASCII. "
                "Remove line ends and other characters.",
                "headers",
            )
    return httpx.Headers(headers)
