"""Who calls: the holder of a key, of a token of the issuer, or of a client certificate."""

import asyncio

from pba.errors import PBAError
from pba.security.client_certificates import ClientCertificates
from pba.security.identity import Identity
from pba.security.tokens import is_token
from pba.serving.key_watch import KeyWatch
from pba.serving.token_watch import TokenWatch

__all__ = ["Callers"]

_SCHEME = "bearer "


class Callers:
    """Knows who calls.

    A caller that sends ``Authorization`` is whom that names, whatever its certificate says.

    Parameters
    ----------
    keys
        The keys of the service.
    tokens
        The tokens of an issuer, None if there is none.
    certificates
        Those of callers, None if none is listed.
    """

    def __init__(
        self,
        keys: KeyWatch,
        tokens: TokenWatch | None = None,
        certificates: ClientCertificates | None = None,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._certificates = certificates

    @property
    def reads_certificates(self) -> bool:
        """Whether a certificate may name a caller."""
        return self._certificates is not None

    @property
    def running(self) -> bool:
        """Whether a change of the keys would be noticed."""
        return self._keys.running and (self._tokens is None or self._tokens.running)

    @property
    def refusal(self) -> PBAError | None:
        """Why no call at all can be answered, None if some can."""
        refusal = self._keys.refusal
        if refusal is None or self._certificates is not None:
            return None
        return refusal if self._tokens is None or self._tokens.refusal is not None else None

    @property
    def lets_everybody_in(self) -> bool:
        """Whether callers need no key now."""
        return self._keys.lets_everybody_in

    def identify(self, authorization: str | None, certificate: bytes | None = None) -> Identity:
        """Return who sends the header ``authorization`` over a connection with ``certificate``.

        Parameters
        ----------
        authorization
            None without one.
        certificate
            In DER, verified by who answers TLS; None without one.

        Raises
        ------
        Unauthenticated, Forbidden, KeysUnavailable, AuthenticationNotConfigured
            As `KeyRing.identify` and `TokenWatch.identify`.
        """
        if authorization is None:
            if self._certificates is not None and certificate is not None:
                identity = self._certificates.identify(certificate)
                if identity is not None:
                    return identity
        elif self._tokens is not None and authorization[: len(_SCHEME)].lower() == _SCHEME:
            token = authorization[len(_SCHEME) :]
            if is_token(token):
                return self._tokens.identify(token)
        return self._keys.identify(authorization)

    def known_id(self, authorization: str | None) -> str | None:
        """Return the id of the key in the header, see `KeyRing.known_id`."""
        return self._keys.known_id(authorization)

    async def refresh(self) -> None:
        """Read the keys now."""
        await asyncio.gather(*(watch.refresh() for watch in self._watches))

    async def start(self) -> None:
        """Read the keys now and from now on."""
        await asyncio.gather(*(watch.start() for watch in self._watches))

    def stop(self) -> None:
        """Stop reading."""
        for watch in self._watches:
            watch.stop()

    @property
    def _watches(self) -> list[KeyWatch | TokenWatch]:
        return [self._keys] if self._tokens is None else [self._keys, self._tokens]
