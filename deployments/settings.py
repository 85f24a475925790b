"""What an operator may set, from `PBA_` variables or the `args` of serve_config.yaml.

The one place that reads the environment.
"""

from typing import Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pba.rollout import Flags

__all__ = ["Settings"]


class Settings(BaseSettings):
    """Settings of the service; `args` in serve_config.yaml win over the environment."""

    model_config = SettingsConfigDict(env_prefix="PBA_", extra="forbid", frozen=True)

    model_deadline_ms: float = Field(
        1000.0,
        gt=0,
        description="How long the router waits for one model call of up to 128 windows before it "
        "answers without that model.",
    )
    gap_intervals: float = Field(
        10.0,
        gt=1,
        description="A pause longer than this many typical intervals starts a link's window anew.",
    )
    max_items: int = Field(10_000, gt=0, description="The most requests in one bulk call.")
    max_body_mb: float = Field(
        128.0, gt=0, description="The largest request body in MB (1e6 bytes)."
    )
    store_url: str = Field(
        "sqlite:///data/pba.db",
        description="The telemetry store: sqlite:///FILE, relative ones below the project, or "
        "postgresql://USER@HOST/DATABASE.",
    )
    registry: str = Field(
        "data/registry",
        description="The model registry: a folder, relative ones below the project, or any fsspec "
        "URL that every replica reaches (docs/registry.md).",
    )
    follow_every_s: float = Field(
        1.0,
        gt=0,
        description="How often each model replica looks whether the registry has another champion.",
    )
    retention_days: float = Field(
        30.0,
        gt=0,
        description="Samples, forecasts and outcomes older than a link's newest sample by this go.",
    )
    max_ahead_s: float = Field(
        300.0, ge=0, description="How far a sample's time may be ahead of the clock here."
    )
    record_deadline_ms: float = Field(
        1000.0,
        gt=0,
        description="How long a forecast from a given history of a named link waits to be stored "
        "before it is answered with `not_recorded` (in a bulk call, per 20 000 samples), and "
        "`/readyz` for the store.",
    )
    store_deadline_ms: float = Field(
        15_000.0,
        gt=0,
        description="How long other calls wait for a store that does not answer before they get "
        "503.",
    )
    max_writes_waiting: int = Field(
        1000, gt=0, description="Writes that may wait for the store; one more gets 429."
    )
    score_every_s: float = Field(
        5.0,
        gt=0,
        description="How often the Monitor looks for forecasts to score that nobody told it of.",
    )
    tidy_every_s: float = Field(
        600.0, gt=0, description="How often the Monitor deletes what is older than the retention."
    )
    retrain_on_drift: bool = Field(
        False,
        description="Whether a drift alarm has the Monitor submit a retraining "
        "(docs/retraining.md).",
    )
    retrain_every_h: float = Field(
        24.0, gt=0, description="Hours between two such retrainings of one mode, at least."
    )
    retrain_address: str = Field(
        "http://127.0.0.1:8265",
        description="Where Ray takes jobs: the dashboard of the cluster that trains.",
    )
    retrain_python: str = Field(
        "python",
        description="The Python that retrains, with TensorFlow; nothing that serves has it.",
    )
    retrain_args: str = Field(
        "", description="More of the command line of `python -m train retrain`, as --traces DIR."
    )
    retrain_working_dir: str = Field(
        "",
        description="The `working_dir` of such a job; empty where `train` is installed there.",
    )
    max_in_flight: int = Field(
        256,
        gt=0,
        description="Requests that one router replica answers at a time; one more gets 429.",
    )
    v1: bool = Field(True, description="Whether v1, the control arm of rollouts, is deployed.")
    flags: dict[str, Any] = Field(
        {},
        description="Flags that hold until they are changed for the first time, by name as in "
        "docs/rollout.md.",
    )
    flags_every_s: float = Field(
        0.5, gt=0, description="How often a router replica looks whether flags were changed."
    )
    step_every_s: float = Field(
        60.0, gt=0, description="How often the Monitor looks whether a rollout is to move on."
    )
    grpc_host: str = Field(
        "127.0.0.1",
        description="The address on which router replicas answer gRPC; 0.0.0.0 opens it to the "
        "network.",
    )
    grpc_port: int = Field(9000, ge=0, le=65535, description="The port beside it; 0 means no gRPC.")

    @field_validator("flags")
    @classmethod
    def _known_flags(cls, given: dict[str, Any]) -> dict[str, Any]:
        Flags().changed(given)
        return given
