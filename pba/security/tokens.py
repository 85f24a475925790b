"""Tokens of an identity provider: JSON Web Tokens (RFC 7519), as OpenID Connect gives them out.

What a token says counts once its signature, issuer, audience and times are right. The provider's
keys come from `token_keys`; how fresh they are is the business of `serving.token_watch`.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import jwt

from pba.errors import Forbidden, InvalidInput, Unauthenticated, quoted
from pba.security.identity import Identity
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING, Scope

__all__ = [
    "ALGORITHMS",
    "LONGEST_TOKEN",
    "TokenRules",
    "TokenVerifier",
    "is_token",
]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures that a service may accept: those of a key pair, whose public half is no secret."""

LONGEST_TOKEN = 8192  # bytes; HAProxy takes 16 kB of headers
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)
_CACHED = 10_000
_REQUIRED = ("exp", "iss", "aud")


def is_token(text: str) -> bool:
    """Return whether ``text`` has the form of a token; a key of the service has not.

    >>> is_token("e30.e30.c2ln"), is_token("pba_0123456789abcdef_" + 43 * "x")
    (True, False)
    """
    return len(text) <= LONGEST_TOKEN and _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which tokens count, and what their claims mean.

    A claim is named as it is in the token, or by a path with dots, such as ``realm_access.roles``.

    Parameters
    ----------
    issuer, audience
        The values of ``iss`` and of ``aud``, or of one of several in ``aud``.
    algorithms
        Of the signature, out of `ALGORITHMS`.
    name_claim
        Says who the caller is.
    role_claim
        Has a text or a list of texts; a text is split at spaces. The highest role counts.
    roles
        The role that a value of ``role_claim`` stands for; values that are not listed give none.
    links_claim
        Has the patterns of links, as ``role_claim`` its roles; empty if a token is for all links.
    leeway_s
        By how much clocks may differ, seconds.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    name_claim: str = "sub"
    role_claim: str = "roles"
    roles: Mapping[str, Role] = field(default_factory=lambda: {role.value: role for role in Role})
    links_claim: str = ""
    leeway_s: float = 30.0

    def identity(self, claims: Mapping[str, Any]) -> Identity:
        """Return who has the token with ``claims``.

        Raises
        ------
        Unauthenticated
            Without a name.
        Forbidden
            Without a role or links.
        """
        name = _claim(claims, self.name_claim)
        if not isinstance(name, str) or not name:
            raise Unauthenticated(
                f"the token has no text in the claim {self.name_claim}, which names the caller. "
                "Have the issuer put it in, or name another claim in PBA_OIDC_NAME_CLAIM."
            )
        return Identity(
            f"oidc:{quote(name, safe=':@')[:200]}", self._role(claims), self._scope(claims)
        )

    def _role(self, claims: Mapping[str, Any]) -> Role:
        values = _texts(_claim(claims, self.role_claim))
        roles = [self.roles[value] for value in values if value in self.roles]
        if not roles:
            raise Forbidden(
                f"the claim {self.role_claim} of the token gives no role; one of "
                f"{', '.join(self.roles)} does. Have the issuer add one, or list its value in "
                "PBA_OIDC_ROLES."
            )
        return max(roles, key=tuple(Role).index)

    def _scope(self, claims: Mapping[str, Any]) -> Scope:
        if not self.links_claim:
            return EVERYTHING
        try:
            return Scope(tuple(_texts(_claim(claims, self.links_claim))))
        except InvalidInput as error:
            raise Forbidden(f"the claim {self.links_claim} of the token: {error.message}") from None


class TokenVerifier:
    """Checks tokens against ``rules`` and the public ``keys`` of the issuer, by id.

    A token that was right before costs a digest: its identity is kept until it expires, for the
    10 000 that were sent last.
    """

    def __init__(self, rules: TokenRules, keys: Mapping[str, jwt.PyJWK]) -> None:
        self._rules = rules
        self._keys = keys
        self._known: OrderedDict[bytes, tuple[Identity, float]] = OrderedDict()

    def identify(self, token: str, now_s: float) -> Identity:
        """Return who sends ``token`` at ``now_s``, Unix seconds.

        Raises
        ------
        Unauthenticated
            If it is not valid.
        Forbidden
            If its claims give no role.
        """
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is None:
            claims = self._claims(token)
            _check_times(claims, now_s, self._rules.leeway_s)
            known = self._rules.identity(claims), float(claims["exp"])
            self._known[digest] = known
            if len(self._known) > _CACHED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(digest)
        identity, expires_s = known
        if now_s >= expires_s + self._rules.leeway_s:
            raise _expired()
        return identity

    def misses_key_of(self, token: str) -> bool:
        """Return whether ``token`` may be valid, but names a key that is not known."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return False
        allowed = header.get("alg") in self._rules.algorithms
        return allowed and header.get("kid", "") not in self._keys

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            key = self._key(jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(self._rules.algorithms),
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                # The times are compared with the clock that is passed in.
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(
                f"the token is not valid here: {str(error)[:200]}. Send one of the issuer "
                f"{self._rules.issuer} for the audience {self._rules.audience}."
            ) from None
        return claims

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        algorithm, key_id = header.get("alg"), header.get("kid", "")
        if algorithm not in self._rules.algorithms:
            raise Unauthenticated(
                f"the token's alg is {str(algorithm)[:20]!r}; this service takes "
                f"{', '.join(self._rules.algorithms)}. Have the issuer sign it so."
            )
        key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated(
                f"the token's kid is {quoted(str(key_id))}, which is no key of the issuer. Ask the "
                "issuer for another token."
            )
        if key.algorithm_name != algorithm:
            raise Unauthenticated(
                f"the token's alg is {algorithm}, but its key is for {key.algorithm_name}. Ask the "
                "issuer for another token."
            )
        return key


def _check_times(claims: Mapping[str, Any], now_s: float, leeway_s: float) -> None:
    for name in ("exp", "nbf"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unauthenticated(f"the token's {name} is no number of seconds. Ask for another.")
    if now_s >= claims["exp"] + leeway_s:
        raise _expired()
    if now_s < claims.get("nbf", 0) - leeway_s:
        raise Unauthenticated("the token is not valid yet. Compare the clocks, or wait.")


def _expired() -> Unauthenticated:
    return Unauthenticated("the token has expired. Ask the issuer for another.")


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
