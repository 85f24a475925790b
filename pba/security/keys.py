"""Keys: what callers send, and what is kept of it.

A key is ``pba_<id>_<secret>``. The id finds its record; of the secret, 256 random bits, only the
SHA-256 is kept. A slow hash would protect nothing more: such a secret cannot be guessed.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from pba.errors import InvalidInput, quoted
from pba.security.author import LOCAL
from pba.security.limits import UNLIMITED, Limits
from pba.security.roles import Role, parse_role
from pba.security.scopes import EVERYTHING, Scope

__all__ = ["KeyRecord", "KeyText", "new_key", "parse_key"]

_KEY = re.compile(r"pba_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9._:@>-]{1,100}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RESERVED = ("ray:", "oidc:", "cert:")
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


class KeyText(NamedTuple):
    """The two parts of a key."""

    key_id: str
    secret: str


def parse_key(text: str) -> KeyText | None:
    """Return the parts of ``text``, None if it is no key.

    >>> parse_key("pba_0123456789abcdef_" + 43 * "x").key_id
    '0123456789abcdef'
    """
    match = _KEY.fullmatch(text)
    return match and KeyText(match[1], match[2])


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is kept of a key.

    Parameters
    ----------
    key_id
        The public part of the key, 16 hexadecimal digits.
    name
        Whose key it is: what messages call the caller. Several keys may have one name.
    sha256
        Of the secret, in hexadecimal digits.
    created_s
        Unix seconds.
    expires_s, revoked_s
        Unix seconds from which on the key is not valid; None for never.
    limits
        How much its holder may send; those of its role apply where there are none.

    Raises
    ------
    InvalidInput
        For a name or digest of another form.
    """

    key_id: str
    name: str
    role: Role
    scope: Scope
    sha256: str
    created_s: float
    expires_s: float | None = None
    revoked_s: float | None = None
    limits: Limits = UNLIMITED

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"name is {quoted(self.name)}; it has 1 to 100 of the characters A-Z a-z 0-9 . _ : "
                "@ > and -. Replace the others.",
                "name",
            )
        if not (_ID.fullmatch(self.key_id) and _SHA256.fullmatch(self.sha256)):
            raise InvalidInput(
                f"the key {self.name} has an id of 16 hexadecimal digits and a sha256 of 64. "
                "Create it again.",
                "sha256",
            )

    def matches(self, secret: str) -> bool:
        """Return whether ``secret`` is this key's, in a time that does not depend on it."""
        return hmac.compare_digest(_sha256(secret), self.sha256)

    def is_valid(self, now_s: float) -> bool:
        """Return whether the key is neither revoked nor expired."""
        ends = (end for end in (self.expires_s, self.revoked_s) if end is not None)
        return all(now_s < end for end in ends)

    def revoked(self, at_s: float) -> Self:
        """Return the record of the key once it is revoked at ``at_s``, or before if it was."""
        before_s = at_s if self.revoked_s is None else self.revoked_s
        return replace(self, revoked_s=min(at_s, before_s))

    def as_dict(self) -> dict[str, Any]:
        """Return the form in files, as JSON."""
        return {
            "id": self.key_id,
            "name": self.name,
            "role": self.role.value,
            "links": list(self.scope.patterns),
            "sha256": self.sha256,
            "created_s": self.created_s,
            "expires_s": self.expires_s,
            "revoked_s": self.revoked_s,
            "limits": self.limits.as_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Return the record with the form ``document``.

        Raises
        ------
        InvalidInput
            If it has another form.
        """
        try:
            ends = (document["expires_s"], document["revoked_s"])
            expires_s, revoked_s = (None if end is None else float(end) for end in ends)
            return cls(
                str(document["id"]),
                str(document["name"]),
                parse_role(str(document["role"])),
                Scope(tuple(str(text) for text in document["links"])),
                str(document["sha256"]),
                float(document["created_s"]),
                expires_s,
                revoked_s,
                Limits.from_dict(document.get("limits", {})),
            )
        except (KeyError, TypeError) as error:
            raise InvalidInput(
                f"a key has id, name, role, links, sha256, created_s, expires_s and revoked_s; one "
                f"lacks some ({error!r}). Create it again."
            ) from None


def new_key(
    name: str,
    role: Role,
    now_s: float,
    scope: Scope = EVERYTHING,
    expires_s: float | None = None,
    limits: Limits = UNLIMITED,
) -> tuple[KeyRecord, str]:
    """Return the record of a new key, and the key itself, which nothing else holds.

    Parameters
    ----------
    now_s, expires_s
        Unix seconds.

    Raises
    ------
    InvalidInput
        For a name of another form, and for one that the audit gives to callers without a key.
    """
    if name == LOCAL.who or name.startswith(_RESERVED):
        raise InvalidInput(
            f"name is {quoted(name)}; {LOCAL.who}, and what begins with {' or '.join(_RESERVED)}, "
            "stand for callers without a key. Choose another.",
            "name",
        )
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    record = KeyRecord(key_id, name, role, scope, _sha256(secret), now_s, expires_s, limits=limits)
    return record, f"pba_{key_id}_{secret}"


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
