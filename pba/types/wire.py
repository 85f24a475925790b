"""The wire form of a forecast, described once: OpenAPI, the clients and the tests follow it.

`pba.types.Forecast.as_dict` writes this form, and `Forecast.from_dict` reads it.
"""

from datetime import datetime

from pydantic import BaseModel, Field

__all__ = [
    "AllocationDocument",
    "ForecastDocument",
    "HorizonDocument",
    "IntervalDocument",
    "MemberDocument",
]


class HorizonDocument(BaseModel):
    """The forecast for one horizon."""

    steps: int = Field(description="how many steps ahead")
    bandwidth_mbps: float = Field(description="the value with the most probability within ±20 %")
    confidence: float = Field(description="the probability that the actual is within ±20 %")
    quantiles: dict[str, float] = Field(description="Mbps by level, 0.05 to 0.95")


class IntervalDocument(BaseModel):
    """The forecast of the mean rate over the next steps: what a transfer gets."""

    steps: int = Field(description="over how many of the next steps")
    mean_mbps: float = Field(description="the value with the most probability within ±20 %")
    confidence: float = Field(description="the probability that the actual is within ±20 %")
    quantiles: dict[str, float] = Field(description="Mbps by level, 0.05 to 0.95")


class MemberDocument(BaseModel):
    """One member of a forecast."""

    name: str
    weight: float = Field(description="its share of the forecast; 0 if it was left aside")
    bandwidth_mbps: float = Field(description="its point one step ahead")
    confidence: float = Field(description="its confidence one step ahead")


class AllocationDocument(BaseModel):
    """How to use the link; see docs/allocation.md."""

    policy: str
    quantile: float
    safe_rate_mbps: float
    streams: int
    buffer_bytes: int
    chunk_bytes: int
    pacing_total_mbps: float
    pacing_per_stream_mbps: float


class ForecastDocument(BaseModel):
    """A forecast for one link."""

    link_id: str | None
    mode: str = Field(description="datacenter, internet or hybrid")
    source: str = Field(description="model, ensemble, expert or heuristic")
    model_version: str | None
    made_at: datetime
    newest_sample_at: datetime = Field(description="the time of the newest sample")
    age_s: float = Field(description="seconds from the newest sample to made_at")
    valid_until: datetime = Field(description="one step after the newest sample")
    step_s: float = Field(description="typical time between samples of the window, seconds")
    bandwidth_mbps: float = Field(description="the point one step ahead")
    confidence: float = Field(description="the confidence one step ahead")
    horizons: list[HorizonDocument]
    intervals: list[IntervalDocument] = Field(
        [], description="the means over the next 5, 15 and 60 steps, as far as models predict them"
    )
    latency_ms: float | None = Field(description="round-trip time of the next step")
    packet_loss: float | None = Field(description="share of packets lost in the next step")
    jitter_ms: float | None = Field(description="jitter of the next step")
    members: list[MemberDocument]
    reasons: list[str] = Field(
        description="what limits the forecast: short_history, irregular_window, unstable_window, "
        "outlier, ignored_values, unit_suspected, stale, out_of_range, recent_misses, "
        "model_unavailable, model_late, model_busy, not_recorded"
    )
    allocation: AllocationDocument | None = Field(None, description="present if requested")
