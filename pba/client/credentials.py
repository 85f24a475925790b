"""How a caller authenticates: a key, or a token that a function returns anew for every request."""

import inspect
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import httpx

from pba.errors import InvalidRequest, PBAError, Unauthenticated

__all__ = ["AsyncToken", "Token", "TokenAuth", "credentials"]

Token = Callable[[], str]
"""A function that returns a bearer token."""

AsyncToken = Callable[[], str | Awaitable[str]]
"""The same, or an ``async`` function."""

_API_KEY = "PBA_API_KEY"
_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]+")  # RFC 6750, section 2.1


class TokenAuth(httpx.Auth):
    """Sends with every request, and with every repeated one, what ``token`` returns then.

    A token of the past is so never sent, and which one is fresh is the function's affair alone.
    """

    def __init__(self, token: AsyncToken) -> None:
        self._token = token

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token; called by httpx."""
        try:
            token = self._token()
        except Exception as error:
            raise _as_pba_error(error) from error
        request.headers["Authorization"] = _bearer(token)
        yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the token, awaited where the function is ``async``; called by httpx."""
        try:
            token = self._token()
            if inspect.isawaitable(token):
                token = await token
        except Exception as error:
            raise _as_pba_error(error) from error
        request.headers["Authorization"] = _bearer(token)
        yield request


def credentials(
    api_key: str | None, token: AsyncToken | None, authenticated: bool
) -> tuple[str | None, httpx.Auth | None]:
    """Return the ``Authorization`` that all requests have in common, and what changes it for each.

    Without ``api_key`` and ``token`` the key of the environment is taken.

    Parameters
    ----------
    authenticated
        Whether the address or the headers of the requests hold an ``Authorization`` already.

    Raises
    ------
    InvalidRequest
        If there are two of them, or the key cannot be sent.
    """
    if token is not None:
        if api_key or authenticated:
            raise InvalidRequest(
                "there is a token, and api_key, url or headers hold another Authorization. Leave "
                "one out.",
                "token",
            )
        return None, TokenAuth(token)
    name = _API_KEY if api_key is None else "api_key"
    key = os.environ.get(_API_KEY) if api_key is None and not authenticated else api_key
    if not key:
        return None, None
    if authenticated:
        raise InvalidRequest(
            "there is an api_key, and url or headers hold another Authorization. Leave one out.",
            "api_key",
        )
    if not _BEARER.fullmatch(key.strip()):
        raise InvalidRequest(
            f"{name} is no key; it starts with pba_ and has no blanks. Copy the key as pba keys "
            "create printed it.",
            "api_key",
        )
    return f"Bearer {key.strip()}", None


def _bearer(token: object) -> str:
    """Return the header for ``token``, which came from a function of the caller."""
    if not isinstance(token, str):
        raise Unauthenticated(
            f"token returned a {type(token).__name__}; it returns the text of a bearer token."
        )
    if not _BEARER.fullmatch(token):
        raise Unauthenticated(
            f"token returned {len(token)} characters that are no bearer token: letters, digits and "
            "-._~+/= alone. Return it without a prefix and without line ends."
        )
    return f"Bearer {token}"


def _as_pba_error(error: Exception) -> PBAError:
    """Return what a caller gets for ``error`` of its own function; its text may hold a secret."""
    if isinstance(error, PBAError):
        return error
    return Unauthenticated(
        f"token raised {type(error).__name__}, so nothing was sent. Mend what the function calls."
    )
