"""Texts of others without the secrets that the request carried, or that look like some."""

import base64
import binascii
import re
from collections.abc import Iterator

import httpx

__all__ = ["masked", "without_secrets"]

_PUBLIC = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "connection", "content-encoding"),
        *("content-length", "content-type", "host", "transfer-encoding", "user-agent"),
        "x-request-id",
    }
)
_SHORTEST = 4  # a shorter text occurs by chance
_IN_URL = re.compile(r"(?<=://)[^/\s\"'<>]*@")
_NAMED = re.compile(
    r"((?:password|passwd|secret|token|api[_-]?key|authorization|cookie)[\"']?\s*[:=]\s*[\"']?)"
    r"((?:basic|bearer|negotiate)\s+)?[^\s\"'<>,;&]+",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a URL without the user and password in it, however it is written.

    Examples
    --------
    >>> masked("https://anna:p@ss/word@pba.example/x")
    'https://***@pba.example/x'
    """
    return re.sub(r"^([a-z]+://)?.*@", r"\1***@", text, flags=re.IGNORECASE | re.DOTALL)


def without_secrets(text: str, request: httpx.Request) -> str:
    """Return ``text`` with ``***`` in place of what only the caller may know.

    That are the values of the request's own headers and what they encode, users and passwords in
    URLs, and values that the text itself calls a password, token, key, cookie or secret.

    Examples
    --------
    >>> request = httpx.Request("GET", "http://pba", headers={"X-Api-Key": "key-17"})
    >>> without_secrets("no access for key-17; token=abc at http://anna:x@pba", request)
    'no access for ***; token=*** at http://***@pba'
    """
    for secret in sorted(_secrets(request), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _NAMED.sub(r"\1***", _IN_URL.sub("***@", text))


def _secrets(request: httpx.Request) -> Iterator[str]:
    values = [value for name, value in request.headers.items() if name not in _PUBLIC]
    for value in values:
        for part in (value, value.partition(" ")[2], *_basic(value)):
            if len(part) >= _SHORTEST:
                yield part


def _basic(value: str) -> Iterator[str]:
    """Yield the credentials in an ``Authorization`` header of basic authentication."""
    scheme, _, token = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            credentials = base64.b64decode(token).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        yield credentials
        yield credentials.partition(":")[2]
