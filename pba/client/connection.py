"""How a client reaches the service: the only place that chooses the arguments of httpx.

Credentials, a CA, client certificates, headers and proxies belong here once they are supported.
"""

from typing import TypedDict

import httpx

from pba.errors import InvalidRequest

__all__ = ["HttpxArguments", "httpx_arguments"]


class HttpxArguments(TypedDict):
    """The arguments of `httpx.Client` and `httpx.AsyncClient` that PBA sets."""

    base_url: httpx.URL
    timeout: float
    trust_env: bool


def httpx_arguments(url: str, timeout_s: float) -> HttpxArguments:
    """Return the arguments with which httpx reaches the service.

    Proxies and certificates named in the environment are ignored, so that a client behaves the
    same wherever it runs.

    Parameters
    ----------
    url
        The address of the service.
    timeout_s
        How long connecting, sending and each read may take.

    Raises
    ------
    InvalidRequest
        If ``url`` is not an HTTP address.
    """
    try:
        base_url = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidRequest(f"url is {url!r}, which is no URL: {error}.", "url") from error
    if base_url.scheme not in ("http", "https") or not base_url.host:
        raise InvalidRequest(
            f"url is {url!r}; it starts with http:// or https:// and a host. Write it as "
            "http://127.0.0.1:8000.",
            "url",
        )
    return {"base_url": base_url, "timeout": timeout_s, "trust_env": False}
