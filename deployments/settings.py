"""The settings of the service, from `PBA_` variables or the `args` of serve_config.yaml.

No other module but `tls_settings` reads the environment.
"""

import os
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from pba.errors import InvalidInput
from pba.rollout import Flags
from pba.serving.chunking import AT_ONCE
from pba.store.url import has_password

from .access_settings import AccessSettings
from .tls_settings import TlsSettings
from .token_settings import TokenSettings
from .variables import Variables, nearest_name, variable_warnings

__all__ = ["Settings", "haproxy_host", "read_settings", "settings_warnings"]


class Settings(AccessSettings, TokenSettings, TlsSettings):
    """Settings of the service; `args` in serve_config.yaml win over the environment."""

    model_config = SettingsConfigDict(env_prefix="PBA_", extra="forbid", frozen=True)

    model_deadline_ms: float = Field(
        1000.0,
        gt=0,
        description="How long the router waits for one model call of up to 32 windows before it "
        "answers without that model.",
    )
    gap_intervals: float = Field(
        10.0,
        gt=1,
        description="A gap longer than this many typical intervals starts a new window.",
    )
    max_items: int = Field(10_000, gt=0, description="The most items in one bulk call.")
    chunks_at_once: int = Field(
        AT_ONCE,
        gt=0,
        description="How many chunks of one bulk call are in flight. Three times the processes "
        "that compute them, the router and the replicas of a model, keeps them all busy.",
    )
    max_body_mb: float = Field(
        128.0,
        gt=0,
        description="The largest request body in MB (1e6 bytes). Calls other than "
        "`/v1/forecasts` and `/v1/transfers` take at most 16 MB.",
    )
    large_bodies_mb: float = Field(
        256.0,
        validate_default=True,
        description="What bodies over 0.25 MB may take together in one router replica, in MB, from "
        "their arrival to their answer; one more gets 429.",
    )
    max_readers: int = Field(
        1024,
        gt=0,
        description="Bodies that one router replica reads at a time; one more gets 429.",
    )
    store_url: str = Field(
        "sqlite:///data/pba.db",
        repr=False,  # it may hold a password
        description="The telemetry store: sqlite:///FILE (a relative file is below the project) or "
        "postgresql://USER:PASSWORD@HOST/DATABASE (postgres:// means the same).",
    )
    registry: str = Field(
        "data/registry",
        description="The model registry: a folder (a relative one is below the project) or any "
        "fsspec URL that every replica reaches; see docs/registry.md.",
    )
    follow_every_s: float = Field(
        1.0,
        gt=0,
        description="How often each model replica polls the registry for a new champion.",
    )
    retention_days: float = Field(
        30.0,
        gt=0,
        description="How long samples are kept, counted from the link's newest one, and events. "
        "A link that reports nothing for so long is deleted.",
    )
    forecast_retention_days: float = Field(
        7.0,
        gt=0,
        description="How long forecasts and their outcomes are kept, counted from the link's "
        "newest sample; at most as long as samples.",
    )
    max_ahead_s: float = Field(
        300.0, ge=0, description="How far a sample's time may be ahead of the clock here."
    )
    record_deadline_ms: float = Field(
        1000.0,
        gt=0,
        description="How long a forecast from a given history of a named link waits for the store "
        "before it is answered with `not_recorded` (in a bulk call, per 20 000 samples); also how "
        "long `/readyz` waits for the store.",
    )
    store_deadline_ms: float = Field(
        15_000.0,
        gt=0,
        description="How long other calls wait for the store before they get 503.",
    )
    max_writes_waiting: int = Field(
        1000, gt=0, description="Writes that may wait for the store; one more gets 429."
    )
    score_every_s: float = Field(
        0.5, gt=0, description="How often the Monitor looks for links with new samples to score."
    )
    score_wait_s: float = Field(
        3600.0,
        gt=0,
        description="A forecast that has not been scored so long after it was computed is not "
        "scored any more; at least twice its longest horizon and gap.",
    )
    tidy_every_s: float = Field(
        600.0, gt=0, description="How often the Monitor deletes what is older than the retention."
    )
    retrain_on_drift: bool = Field(
        False,
        description="Whether the Monitor submits a retraining on a drift alarm; see "
        "docs/retraining.md.",
    )
    retrain_every_h: float = Field(
        24.0, gt=0, description="The fewest hours between two such retrainings of one mode."
    )
    retrain_address: str = Field(
        "http://127.0.0.1:8265",
        description="Where Ray accepts jobs: the dashboard of the training cluster.",
    )
    retrain_token: str = Field(
        "",
        description="The file with Ray's token of that cluster. Empty where it is the one that "
        "serves: then its own token is sent.",
    )
    retrain_python: str = Field(
        "python",
        description="The Python of retraining jobs, which has TensorFlow; serving has none.",
    )
    retrain_args: str = Field(
        "", description="More arguments for `python -m train retrain`, such as --traces DIR."
    )
    retrain_working_dir: str = Field(
        "",
        description="The `working_dir` of such a job; empty if `train` is installed there.",
    )
    max_in_flight: int = Field(
        256,
        gt=0,
        description="Requests in flight in one router replica; one more gets 429.",
    )
    max_streams: int = Field(
        256, gt=0, description="Streams that one router replica sends at a time; one more gets 429."
    )
    stream_s: float = Field(
        240.0,
        gt=0,
        le=300,
        description="How long a stream lasts before its client has to open it again.",
    )
    v1: bool = Field(True, description="Whether v1, the control arm of rollouts, is deployed.")
    flags: dict[str, Any] = Field(
        {},
        description="The flags until they are changed for the first time, by name; see "
        "docs/rollout.md.",
    )
    flags_every_s: float = Field(
        0.5, gt=0, description="How often a router replica reads the flags and the keys."
    )
    verdict_block_s: float = Field(
        1800.0,
        ge=1,
        description="The length of a block of the rollout's test, longer than any advantage that "
        "comes and goes; a change counts from the next change of the flags on.",
    )
    step_every_s: float = Field(
        60.0, gt=0, description="How often the Monitor checks whether a rollout step is due."
    )
    grpc_host: str = Field(
        "127.0.0.1",
        description="The address on which router replicas answer gRPC, IPv4 or IPv6; 0.0.0.0 or :: "
        "opens it to the network.",
    )
    grpc_message_mb: float = Field(
        32.0,
        gt=0,
        description="The largest gRPC message in MB; so many are received at a time as fit "
        "`large_bodies_mb`. A bulk call of 10 000 internet histories has 29 MB.",
    )
    grpc_port: int = Field(9000, ge=0, le=65535, description="The port of gRPC; 0 disables gRPC.")
    metrics_port: int = Field(
        9464,
        ge=0,
        le=65535,
        description="The loopback port on which `make serve` has its metrics for Prometheus; a "
        "free one if it is taken, or 0. Elsewhere `ray start --metrics-export-port` decides.",
    )

    @property
    def identifies_without_keys(self) -> bool:
        """Whether callers may say who they are by something else than a key."""
        return bool(self.oidc_issuer or self.tls_identities)

    @field_validator("flags")
    @classmethod
    def _check_flags(cls, flags: dict[str, Any]) -> dict[str, Any]:
        Flags().changed(flags)
        return flags

    @field_validator("large_bodies_mb")
    @classmethod
    def _check_large_bodies(cls, large_bodies_mb: float, others: ValidationInfo) -> float:
        largest_mb = others.data.get("max_body_mb", 0.0)
        if large_bodies_mb < largest_mb:
            raise ValueError(f"max_body_mb is {largest_mb:g}, and one such body must fit")
        return large_bodies_mb

    @field_validator("grpc_host")
    @classmethod
    def _without_brackets(cls, host: str) -> str:
        return host.strip().removeprefix("[").removesuffix("]")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, the strongest first; called by pydantic."""
        return init_settings, Variables(settings_cls)


def haproxy_host() -> str | None:
    """Return the address on which `local_profile` has HAProxy answer, None without it."""
    bind = os.environ.get("PBA_HAPROXY_BIND")
    return bind.split()[0].rpartition(":")[0] if bind else None


def settings_warnings(args: Mapping[str, Any]) -> list[str]:
    """Return a warning for each `PBA_` variable that sets nothing, and for a password in ``args``.

    ``args`` are as for `read_settings`.
    """
    warnings = variable_warnings(os.environ, Settings.model_fields)
    if has_password(str(args.get("store_url", ""))):
        warnings.append(
            "store_url in args has a password, and Ray logs args and shows them in serve status. "
            "Set PBA_STORE_URL in its place."
        )
    return warnings


def read_settings(args: Mapping[str, Any]) -> Settings:
    """Return the settings.

    Parameters
    ----------
    args
        The `args` of serve_config.yaml; they win over the environment.

    Raises
    ------
    InvalidInput
        For values that break a rule, all of them in one message.
    """
    try:
        return Settings(**args)
    except ValidationError as error:
        raise InvalidInput("\n".join(map(_problem, error.errors()))) from None
    except SettingsError as error:  # a variable that is not JSON where an object is needed
        raise InvalidInput(f"{error}. Write JSON, such as {{}}.") from None


def _problem(error: ErrorDetails) -> str:
    """Return what is wrong with one setting; the value of an unknown one may be a secret."""
    if not error["loc"]:  # a rule on several settings
        return f"{error['msg'].removeprefix('Value error, ')}."
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return f"{name} is no setting. {nearest_name(name, Settings.model_fields)}"
    value = repr(error["input"])[:100]
    return f"{name} (PBA_{name.upper()}) is {value}; {error['msg']}."
