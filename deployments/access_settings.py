"""The settings of who may use the service: keys, and the pages of browsers."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from pba.security.limits import Limits
from pba.security.roles import Role

__all__ = ["AccessSettings"]


class AccessSettings(BaseSettings):
    """A part of `deployments.settings.Settings`, which reads the environment."""

    keys_file: str = Field(
        "",
        description="A file of keys beside those in the store, such as pba keys create --file "
        "writes; see docs/security.md.",
    )
    keys_snapshot: str = Field(
        "data/keys-snapshot.json",
        description="Where each node keeps the last known keys, without their secrets, for a start "
        "while the store is away; empty for nowhere.",
    )
    keys_stale_s: float = Field(
        86_400.0,
        gt=0,
        description="How long keys that were read from the store count while it is away.",
    )
    insecure: bool = Field(
        False,
        description="Whether a service without keys lets everybody in, on every address. By "
        "default it does on loopback alone.",
    )
    allowed_hosts: str = Field(
        "",
        description="Names, separated by commas, under which a front end on this machine calls a "
        "service on loopback. Other names than localhost get 403, so that no page can give its own "
        "name the service's address.",
    )
    cors_origins: str = Field(
        "",
        description="Origins, separated by commas, whose pages may call, such as "
        "https://console.example. Browsers keep all other pages from it.",
    )

    audit_retention_days: float = Field(
        400.0,
        gt=0,
        description="How long the audit keeps who changed what; see docs/security.md.",
    )
    refusal_retention_days: float = Field(
        30.0,
        gt=0,
        description="How long the counts of refused calls are kept, by minute, address and key.",
    )

    limits: dict[Role, Limits] = Field(
        {},
        description="How much callers may send, by role, where their keys do not say: "
        '{"reporter": {"requests_per_s": 50, "samples_per_s": 5000, "in_flight": 20, "body_mb": 4, '
        '"max_links": 1000}}; see docs/security.md.',
    )

    @field_validator("limits", mode="before")
    @classmethod
    def _read_limits(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {
            role: limits if isinstance(limits, Limits) else Limits.from_dict(limits)
            for role, limits in value.items()
        }

    @property
    def allowed_host_names(self) -> list[str]:
        """The names in ``allowed_hosts``."""
        return _names(self.allowed_hosts)

    @property
    def cors_origin_names(self) -> list[str]:
        """The origins in ``cors_origins``."""
        return _names(self.cors_origins)


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip().rstrip("/"))]
