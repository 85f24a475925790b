"""Who sends an HTTP request, and whether the caller may make the call."""

from collections.abc import Iterable

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pba.errors import AuthenticationNotConfigured, PBAError, Unauthenticated
from pba.security.calls import PUBLIC
from pba.security.identity import Identity
from pba.serving.key_watch import KeyWatch

from .http import pba_error_response
from .openapi import call_of

__all__ = [
    "AccessControl",
    "authorization_of",
    "authorize",
    "identity_of",
    "known_identity",
    "require_call",
]

_KEY = "pba.identity"
_ALIVE = "/livez"
_DOCS = ("/docs", "/openapi.json")
_DOCS_FILES = "/docs/assets/"


class AccessControl:
    """An ASGI application that lets requests with a valid key through to ``app``.

    What needs no key: routes that are described as public, and the documentation of the calls,
    which holds what the source holds. All other paths need one, those that do not exist too; what
    a caller may do there `require_call` checks, where the path is known to lead.

    Parameters
    ----------
    keys
        Knows who sends a key.
    routes
        All routes of ``app``.
    """

    def __init__(self, app: ASGIApp, keys: KeyWatch, routes: Iterable[APIRoute]) -> None:
        self._app = app
        self._keys = keys
        public = (route.path for route in routes if call_of(route) == PUBLIC)
        self._public = frozenset([*public, *_DOCS])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] == "http":
            try:
                scope[_KEY] = self._keys.identify(authorization_of(scope))
            except PBAError as error:
                if not self._is_open(scope, error):
                    await pba_error_response(error)(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _is_open(self, scope: Scope, error: PBAError) -> bool:
        """Return whether the path needs no key, although a key would give ``error``."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if isinstance(error, AuthenticationNotConfigured):
            return bool(path == _ALIVE)
        return path in self._public or path.startswith(_DOCS_FILES)


def authorization_of(scope: Scope) -> str | None:
    """Return the header ``Authorization``; one that is there twice is none that is valid."""
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    return b",".join(values).decode("latin-1") if values else None


def known_identity(scope: Scope) -> Identity | None:
    """Return who sends the request, None for a caller without a valid key."""
    identity: Identity | None = scope.get(_KEY)
    return identity


def identity_of(scope: Scope) -> Identity:
    """Return who sends the request.

    Raises
    ------
    Unauthenticated
        For a caller without a valid key.
    """
    identity = known_identity(scope)
    if identity is None:
        raise Unauthenticated("the call has no valid key. Send Authorization: Bearer KEY.")
    return identity


def require_call(scope: Scope, call: str | None) -> None:
    """Check that the caller may make a call; one without a name nobody may make.

    Raises
    ------
    Unauthenticated, Forbidden
        If not.
    """
    if call != PUBLIC:
        identity_of(scope).require(call)


async def authorize(request: Request) -> None:
    """Do as `require_call` for the route that FastAPI has chosen: a dependency of all of them."""
    require_call(request.scope, call_of(request.scope["route"]))
