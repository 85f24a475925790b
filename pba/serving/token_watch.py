"""The keys of an identity provider as one process sees them: read every so often, and if missed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping

import jwt

from pba.errors import InvalidInput, KeysUnavailable, PBAError, Unauthenticated
from pba.security.identity import Identity
from pba.security.tokens import TokenRules, TokenVerifier
from pba.serving.pools import DEFAULT_POOL, Pool

__all__ = ["TokenWatch"]

_log = logging.getLogger(__name__)
_AGAIN_S = 10.0  # between two reads at the least


class TokenWatch:
    """Reads the keys of the issuer every ``every_s``, and knows who sends one of its tokens.

    A token that names an unknown key has them read again, at most every 10 s: an issuer that
    replaces its keys costs its callers one repeated call.

    Parameters
    ----------
    rules
        Which tokens count.
    read
        Returns the keys of the issuer by id; blocks meanwhile, and raises `InvalidInput`.
    stale_s
        How long keys count after they were read, seconds.
    clock
        Returns the current Unix time in seconds.
    patience_s
        How long `start` waits for the first read.
    pool
        Where the keys are read.
    """

    def __init__(
        self,
        rules: TokenRules,
        read: Callable[[], Mapping[str, jwt.PyJWK]],
        stale_s: float,
        every_s: float,
        clock: Callable[[], float],
        patience_s: float = 15.0,
        pool: Pool = DEFAULT_POOL,
    ) -> None:
        self._rules = rules
        self._source = read
        self._stale_s = stale_s
        self._every_s = every_s
        self._clock = clock
        self._patience_s = patience_s
        self._pool = pool
        self._verifier: TokenVerifier | None = None
        self._read_s = self._tried_s = 0.0
        self._failure: str | None = None
        self._missed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether new keys of the issuer would be noticed."""
        return self._task is not None and not self._task.done()

    @property
    def refusal(self) -> PBAError | None:
        """Why no token can be checked, None if some can."""
        if self._verifier is not None and self._clock() - self._read_s <= self._stale_s:
            return None
        return KeysUnavailable(
            "the keys of the issuer have not been read for too long, so no token can be checked. "
            "The router's log says why; a restart is not needed."
        )

    def identify(self, token: str) -> Identity:
        """Return who sends ``token``.

        Raises
        ------
        KeysUnavailable
            While the issuer's keys are not known, or are being read again for this token.
        Unauthenticated, Forbidden
            As `TokenVerifier.identify`.
        """
        if refusal := self.refusal:
            raise refusal
        assert self._verifier is not None
        try:
            return self._verifier.identify(token, self._clock())
        except Unauthenticated:
            recent = self._clock() - self._tried_s < _AGAIN_S
            if recent or not self._verifier.misses_key_of(token):
                raise
        self._missed.set()
        raise KeysUnavailable(
            "the token names a key of the issuer that is not known here; they are being read "
            "again. Try again as Retry-After says."
        )

    async def refresh(self) -> None:
        """Read the keys now; one that fails is logged, and the keys before count on."""
        self._tried_s = began_s = self._clock()
        self._missed.clear()
        try:
            keys = await self._pool(self._source)
        except InvalidInput as error:
            if self._failure != str(error):
                _log.warning("token_keys_not_read", extra={"why": str(error)})
            self._failure = str(error)
            return
        self._failure = None
        self._verifier, self._read_s = TokenVerifier(self._rules, keys), began_s

    async def start(self) -> None:
        """Read the keys now and from now on; the first read may end later if it takes long."""
        first = asyncio.create_task(self.refresh())
        await asyncio.wait([first], timeout=self._patience_s)
        self._task = asyncio.create_task(self._watch(first))

    def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self, first: asyncio.Task[None]) -> None:
        await first
        while True:
            wait_s = self._every_s if self._failure is None else min(self._every_s, _AGAIN_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._missed.wait(), wait_s)
            await self.refresh()
