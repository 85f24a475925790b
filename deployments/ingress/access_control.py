"""Who sends an HTTP request, and whether the caller may make the call."""

import base64
import hmac
from collections.abc import Iterable

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pba.errors import AuthenticationNotConfigured, LimitReached, PBAError, Unauthenticated
from pba.security.calls import PUBLIC
from pba.security.identity import Identity
from pba.serving.caller_limits import CallerLimits
from pba.serving.callers import Callers

from .http import BODY_LIMIT_MB, pba_error_response
from .openapi import call_of
from .session import session_of

__all__ = [
    "CERTIFICATE_HEADER",
    "IDENTITY",
    "AccessControl",
    "authorization_of",
    "authorize",
    "identity_now",
    "identity_of",
    "known_identity",
    "require_call",
]

CERTIFICATE_HEADER = b"x-pba-client-certificate"
"""The secret of HAProxy, a colon, and the caller's certificate in base64 (haproxy-listeners.sh)."""

IDENTITY = "pba.identity"
"""Where the scope of a request has who sends it."""

_IDENTIFY = "pba.identify"
"""Where the scope of a request has the function that says who sends it now."""

_ALIVE = "/livez"
_DOCS = ("/docs", "/openapi.json", "/console")
_FILES = ("/docs/assets/", "/console/")


class AccessControl:
    """An ASGI application that lets requests with a valid key through to ``app``.

    What needs no key: routes that are described as public, the documentation of the calls and the
    files of the console, which hold what the source holds. All other paths need one, those that do
    not exist too; what a caller may do there `require_call` checks, where the path is known to
    lead.

    Parameters
    ----------
    callers
        Knows who calls.
    routes
        All routes of ``app``.
    limits
        Know how much each caller may send.
    proxy_secret
        What HAProxy sends before the certificate of a caller, which counts from nobody else.
    """

    def __init__(
        self,
        app: ASGIApp,
        callers: Callers,
        routes: Iterable[APIRoute],
        limits: CallerLimits,
        proxy_secret: str | None = None,
    ) -> None:
        self._app = app
        self._callers = callers
        self._limits = limits
        self._proxy_secret = proxy_secret if callers.reads_certificates else None
        public = (route.path for route in routes if call_of(route) == PUBLIC)
        self._public = frozenset([*public, *_DOCS])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] == "http":
            try:
                identity = self._identify(scope)
            except PBAError as error:
                if not self._is_open(scope, error):
                    await pba_error_response(error)(scope, receive, send)
                    return
            else:
                await self._admit(identity, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _admit(self, identity: Identity, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer a caller that has not reached its limits."""
        scope[IDENTITY] = identity
        scope[_IDENTIFY] = self._identify
        scope[BODY_LIMIT_MB] = self._limits.body_limit_mb(identity)
        try:
            with self._limits.admit(identity):
                await self._app(scope, receive, send)
        except LimitReached as error:
            await pba_error_response(error)(scope, receive, send)

    def _identify(self, scope: Scope) -> Identity:
        certificate = None
        if self._proxy_secret is not None:
            certificate = _certificate(scope, self._proxy_secret)
        session = None if _has_authorization(scope) else session_of(scope)
        if session is not None:
            session.check(scope)
        return self._callers.identify(authorization_of(scope), certificate)

    def _is_open(self, scope: Scope, error: PBAError) -> bool:
        """Return whether the path needs no key, although a key would give ``error``."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if isinstance(error, AuthenticationNotConfigured):
            return bool(path == _ALIVE)
        return path in self._public or path.startswith(_FILES)


def authorization_of(scope: Scope) -> str | None:
    """Return the header ``Authorization``; one that is there twice is none that is valid.

    Without one, a request may have the key of a session at the console.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if values:
        return b",".join(values).decode("latin-1")
    session = session_of(scope)
    return None if session is None else f"Bearer {session.key}"


def _has_authorization(scope: Scope) -> bool:
    return any(name == b"authorization" for name, _ in scope["headers"])


def _certificate(scope: Scope, proxy_secret: str) -> bytes | None:
    """Return the certificate of the caller, in DER, that HAProxy has verified."""
    values = [value for name, value in scope["headers"] if name == CERTIFICATE_HEADER]
    secret, _, certificate = (values[0] if len(values) == 1 else b"").partition(b":")
    if not hmac.compare_digest(secret, proxy_secret.encode()):
        return None
    try:
        return base64.b64decode(certificate, validate=True)
    except ValueError:
        return None


def known_identity(scope: Scope) -> Identity | None:
    """Return who sends the request, None for a caller without a valid key."""
    identity: Identity | None = scope.get(IDENTITY)
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


def identity_now(scope: Scope) -> Identity:
    """Return who sends a request that has lasted for a while.

    Raises
    ------
    Unauthenticated
        If the key was revoked, or the token has ended, in the meantime.
    """
    identity: Identity = scope[_IDENTIFY](scope)
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
