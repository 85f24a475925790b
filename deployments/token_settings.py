"""The settings of tokens, which an identity provider gives to callers."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from pba.project import resolve
from pba.security.roles import Role
from pba.security.token_keys import TokenKeySource, check_location
from pba.security.tokens import ALGORITHMS, TokenRules

__all__ = ["TokenSettings"]


class TokenSettings(BaseSettings):
    """A part of `deployments.settings.Settings`, which reads the environment."""

    oidc_issuer: str = Field(
        "",
        description="The issuer whose tokens callers may send, as it stands in their iss; see "
        "docs/security.md.",
    )
    oidc_audience: str = Field("", description="What the aud of tokens names: this service.")
    oidc_jwks: str = Field(
        "",
        description="The file or URL of the issuer's public keys (JWKS); empty to find them by the "
        "issuer's /.well-known/openid-configuration.",
    )
    oidc_algorithms: list[str] = Field(
        ["RS256", "ES256"], description="The signatures that tokens may have."
    )
    oidc_name_claim: str = Field("sub", description="The claim that names the caller.")
    oidc_role_claim: str = Field(
        "roles",
        description="The claim with the caller's roles, a list or a text; a path such as "
        "realm_access.roles leads into an object.",
    )
    oidc_roles: dict[str, Role] = Field(
        {role.value: role for role in Role},
        description="The role that each value of that claim gives.",
    )
    oidc_links_claim: str = Field(
        "",
        description="The claim with the patterns of the caller's links; empty if tokens are for "
        "all links.",
    )
    oidc_keys_every_s: float = Field(
        300.0, gt=0, description="How often a router reads the issuer's keys."
    )

    @property
    def token_rules(self) -> TokenRules | None:
        """Which tokens count, None without an issuer."""
        if not self.oidc_issuer:
            return None
        return TokenRules(
            self.oidc_issuer,
            self.oidc_audience,
            tuple(self.oidc_algorithms),
            self.oidc_name_claim,
            self.oidc_role_claim,
            self.oidc_roles,
            self.oidc_links_claim,
        )

    @property
    def token_key_source(self) -> TokenKeySource:
        """Where the issuer's keys are."""
        location = self.oidc_jwks
        is_file = location and "://" not in location
        return TokenKeySource(self.oidc_issuer, resolve(location) if is_file else location)

    @model_validator(mode="after")
    def _check_issuer(self) -> Self:
        others = self.oidc_audience or self.oidc_jwks
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("oidc_issuer needs oidc_audience, or tokens for others would count")
        if others and not self.oidc_issuer:
            raise ValueError("oidc_audience and oidc_jwks need oidc_issuer")
        if wrong := [name for name in self.oidc_algorithms if name not in ALGORITHMS]:
            raise ValueError(f"oidc_algorithms has {wrong[0][:20]!r}; use {', '.join(ALGORITHMS)}")
        for location in (self.oidc_issuer, self.oidc_jwks):
            check_location(location)
        return self
