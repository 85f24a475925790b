"""An issuer of tokens for tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pba.security.token_keys import parse_token_keys
from tests.support.keys import NOW_S

ISSUER, AUDIENCE = "https://issuer.example", "pba"


class TokenIssuer:
    """Signs tokens with a key that it may replace."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self._count = 0
        self.replace_key()

    def replace_key(self) -> None:
        """Sign with another key from now on."""
        self._count += 1
        self.key_id = f"key-{self._count}"
        elliptic = self.algorithm.startswith("ES")
        self.key: Any = (
            ec.generate_private_key(ec.SECP256R1())
            if elliptic
            else rsa.generate_private_key(65537, 2048)
        )

    def key_set(self) -> dict[str, Any]:
        """Return the JSON Web Key Set with the public key."""
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public: Any = algorithm.to_jwk(self.key.public_key(), as_dict=True)  # type: ignore[call-overload]
        return {"keys": [{**public, "kid": self.key_id, "alg": self.algorithm, "use": "sig"}]}

    def write(self, path: Path) -> None:
        """Write the key set to ``path``."""
        path.write_text(json.dumps(self.key_set()))

    def keys(self) -> dict[str, jwt.PyJWK]:
        """Return the public key by id."""
        return parse_token_keys(self.key_set(), "the test")

    def token(self, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Return a valid token; ``claims`` replace its own, and None removes one."""
        own = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "anna",
            "exp": NOW_S + 3600,
            "roles": ["reporter"],
        }
        content = {name: value for name, value in {**own, **claims}.items() if value is not None}
        headers = {"kid": self.key_id, **(header or {})}
        return jwt.encode(content, self.key, self.algorithm, headers)
