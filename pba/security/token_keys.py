"""The public keys of an identity provider: a JSON Web Key Set (RFC 7517), from a file or a URL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt

from pba.errors import InvalidInput

__all__ = ["TokenKeySource", "check_location", "parse_token_keys"]

_MOST_BYTES = 1_000_000
_TIMEOUT_S = 5.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class TokenKeySource:
    """Where the keys of an issuer are.

    Parameters
    ----------
    issuer
        Its URL, which serves the address of its keys (OpenID Connect Discovery 1.0, section 4).
    location
        A file or URL of the key set itself; empty to take the address that the issuer gives.
    """

    issuer: str
    location: str = ""

    def read(self) -> dict[str, jwt.PyJWK]:
        """Return the keys by id.

        Raises
        ------
        InvalidInput
            If they cannot be read, or there are none.
        """
        location = self.location or self._discovered()
        if "://" in location:
            return parse_token_keys(_fetched(location), location)
        try:
            return parse_token_keys(json.loads(Path(location).read_bytes()), location)
        except (OSError, ValueError) as error:
            raise _unreadable(location, error) from None

    def _discovered(self) -> str:
        address = self.issuer.rstrip("/") + _DISCOVERY
        document = _fetched(address)
        if document.get("issuer") != self.issuer or not isinstance(document.get("jwks_uri"), str):
            raise InvalidInput(
                f"{address} is of the issuer {str(document.get('issuer'))[:200]!r}; "
                f"PBA_OIDC_ISSUER is {self.issuer}. Set it as the issuer writes it, or name the "
                "keys in PBA_OIDC_JWKS."
            )
        location = str(document["jwks_uri"])
        check_location(location)
        return location


def check_location(location: str) -> None:
    """Check that what ``location`` serves cannot be replaced on the way.

    Raises
    ------
    InvalidInput
        For a URL that is not https, except on loopback.
    """
    parts = urlsplit(location)
    if parts.scheme in ("", "https") or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise InvalidInput(
        f"{location[:200]} does not begin with https://, so that anyone on the way could replace "
        "the keys. Use https, or a file."
    )


def parse_token_keys(document: Mapping[str, Any], location: str) -> dict[str, jwt.PyJWK]:
    """Return the keys of a key set by id; those of an unknown kind or a secret are left out.

    Raises
    ------
    InvalidInput
        If there are none.
    """
    try:
        keys = jwt.PyJWKSet.from_dict(dict(document)).keys
    except (jwt.PyJWTError, AttributeError, TypeError) as error:
        raise InvalidInput(f"{location} is no set of keys ({error}).") from None
    public = [key for key in keys if key.key_type in ("RSA", "EC", "OKP")]
    signing = {key.key_id or "": key for key in public if key.public_key_use in (None, "sig")}
    if not signing:
        raise InvalidInput(f"{location} has no key that signs. It is the issuer's jwks_uri.")
    return signing


def _fetched(address: str) -> dict[str, Any]:
    try:
        with httpx.Client(timeout=_TIMEOUT_S) as client, client.stream("GET", address) as response:
            response.raise_for_status()
            body = b""
            for part in response.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise InvalidInput(f"{address} has more than {_MOST_BYTES} bytes.")
        document = json.loads(body)
    except (httpx.HTTPError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise _unreadable(address, error) from None
    if not isinstance(document, dict):
        raise InvalidInput(f"{address} is no JSON object.")
    return document


def _unreadable(location: str, error: Exception) -> InvalidInput:
    reason = getattr(error, "strerror", None) or str(error)[:200] or type(error).__name__
    return InvalidInput(
        f"the keys of the issuer cannot be read from {location} ({reason}). Correct PBA_OIDC_JWKS "
        "or PBA_OIDC_ISSUER, or mend what serves them."
    )
