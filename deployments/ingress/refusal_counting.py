"""Counting HTTP requests that are refused for who sends them."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pba.serving.callers import Callers
from pba.serving.refusal_counter import RefusalCounter

from ..addresses import address_text, is_loopback
from .access_control import authorization_of

__all__ = ["RefusalCounting", "address_of"]

_REFUSED = (401, 403)


class RefusalCounting:
    """An ASGI application that counts the answers 401 and 403 of ``app``.

    Parameters
    ----------
    refusals
        Where they are counted.
    callers
        Knows whether a key that was sent exists.
    """

    def __init__(self, app: ASGIApp, refusals: RefusalCounter, callers: Callers) -> None:
        self._app, self._refusals, self._callers = app, refusals, callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _REFUSED:
                self._count(scope, forbidden=message["status"] == 403)
            await send(message)

        await self._app(scope, receive, counted)

    def _count(self, scope: Scope, forbidden: bool) -> None:
        key_id = self._callers.known_id(authorization_of(scope))
        self._refusals.count(address_of(scope), key_id, forbidden)


def address_of(scope: Scope) -> str:
    """Return the address of the caller, as HAProxy beside this replica has seen it.

    ``X-Forwarded-For`` counts only in what comes from this machine: HAProxy replaces a caller's.
    """
    peer = (scope.get("client") or ("",))[0]
    server = (scope.get("server") or ("",))[0]
    if peer == server or is_loopback(peer):
        values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if len(values) == 1:
            return address_text(values[0].decode("latin-1"))
    return address_text(peer)
