"""Sessions at the console: a cookie with a key, and a token without which it changes nothing.

No script can read the cookie and no other site makes a browser send it. Pages of the same host on
another port may be able to: they can neither read the token, which is made of the cookie, nor send
its header. A key that is revoked ends its sessions.
"""

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

from starlette.types import Scope

from pba.errors import Forbidden

__all__ = ["COOKIE", "Session", "session_of"]

COOKIE = "pba_session"
"""The cookie with the key of somebody at the console."""

_TOKEN_HEADER = b"x-csrf-token"
_READING = ("GET", "HEAD")
_RECORDED = re.compile(r"/v1/links/[^/]+/(forecast|transfer|watch)/?")
_COOKIE = re.compile(rf"(?:^|;\s*){COOKIE}=([A-Za-z0-9_-]{{22}}):([A-Za-z0-9._~+/=-]+)(?:;|$)")


class Session(NamedTuple):
    """A signed-in browser.

    Parameters
    ----------
    nonce
        22 random characters.
    key
        The key or token that was exchanged.
    """

    nonce: str
    key: str

    @classmethod
    def new(cls, key: str) -> "Session":
        """Return a session that no other is like."""
        return cls(secrets.token_urlsafe(16), key)

    @property
    def cookie(self) -> str:
        """The value of the cookie."""
        return f"{self.nonce}:{self.key}"

    @property
    def csrf_token(self) -> str:
        """What the page sends with a change; it says nothing about the key."""
        return hmac.digest(self.key.encode(), self.nonce.encode(), hashlib.sha256).hex()

    def check(self, scope: Scope) -> None:
        """Check that a request only reads, or comes from the page that has the token.

        Forecasts by name are recorded and scored, so they are no reading.

        Raises
        ------
        Forbidden
            If not.
        """
        if scope["method"] in _READING and not _RECORDED.search(scope["path"]):
            return
        tokens = [value for name, value in scope["headers"] if name == _TOKEN_HEADER]
        sent = tokens[0] if len(tokens) == 1 else b""
        if not hmac.compare_digest(sent, self.csrf_token.encode()):
            raise Forbidden(
                "X-CSRF-Token is missing, or another session's; with the cookie of the console "
                "only the page that has the token changes anything. Reload the page."
            )


def session_of(scope: Scope) -> Session | None:
    """Return the session of the browser that sends a request, None without one."""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    match = _COOKIE.search(cookies.decode("latin-1")) if cookies else None
    return None if match is None else Session(*match.groups())
