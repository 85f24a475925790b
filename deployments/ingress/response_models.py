"""What JSON answers hold, as OpenAPI tells it."""

from pydantic import BaseModel, Field

__all__ = [
    "BulkAnswer",
    "ErrorAnswer",
    "FlagsAnswer",
    "ForecastAnswer",
    "PointerAnswer",
    "ReceiptAnswer",
    "ReceiptsAnswer",
]


class HorizonAnswer(BaseModel):
    """What is expected some steps ahead."""

    steps: int
    bandwidth_mbps: float = Field(description="the value most likely within ±20 % of the actual")
    confidence: float = Field(description="the probability that it is")
    quantiles: dict[str, float] = Field(description="Mbps by level, 0.05 to 0.95")


class MemberAnswer(BaseModel):
    """One voice of a forecast."""

    name: str
    weight: float
    bandwidth_mbps: float
    confidence: float


class AllocationAnswer(BaseModel):
    """What to do with the link, see docs/allocation.md."""

    policy: str
    quantile: float
    safe_rate_mbps: float
    streams: int
    buffer_bytes: int
    chunk_bytes: int
    pacing_total_mbps: float
    pacing_per_stream_mbps: float


class ForecastAnswer(BaseModel):
    """A forecast for one link."""

    link_id: str | None
    mode: str
    source: str = Field(description="model, ensemble, expert or heuristic")
    model_version: str | None
    made_at: str
    valid_until: str
    step_s: float = Field(description="median spacing of the window, seconds")
    bandwidth_mbps: float
    confidence: float
    horizons: list[HorizonAnswer]
    latency_ms: float | None
    packet_loss: float | None
    jitter_ms: float | None
    members: list[MemberAnswer]
    reasons: list[str] = Field(
        description="what to know about it: short_history, irregular_window, unstable_window, "
        "out_of_range, recent_misses, model_unavailable, model_late, not_recorded"
    )
    allocation: AllocationAnswer | None = Field(None, description="there where it was asked for")


class ErrorDetail(BaseModel):
    """What is wrong, where, and what to do."""

    code: str
    message: str
    field: str | None = None


class ErrorAnswer(BaseModel):
    """The body of every error."""

    error: ErrorDetail


class ReceiptAnswer(BaseModel):
    """What became of a link's samples."""

    accepted: int = Field(description="samples stored now")
    duplicates: int = Field(description="samples at a time that had one already, which stays")
    late: int = Field(description="accepted samples older than the newest known")
    expired: int = Field(description="samples older than the retention, not stored")
    mode: str


class ReceiptsAnswer(BaseModel):
    """What became of the samples of each link."""

    links: dict[str, ReceiptAnswer]


class FlagsAnswer(BaseModel):
    """The flags as they stand."""

    version: int
    flags: dict[str, bool | int]
    changed_at: str | None
    changed_by: str | None


class PointerAnswer(BaseModel):
    """Which version is champion since when, and why."""

    number: int = Field(description="its place among the model's champions, from 1 on")
    version: str = Field(description="a published version, or shipped")
    action: str = Field(description="promoted or rolled_back")
    back: int | None = Field(description="the number that a rollback returns to")
    at: str
    who: str
    why: str


class ItemAnswer(BaseModel):
    """A forecast, or what is wrong with its request."""

    forecast: ForecastAnswer | None = None
    error: ErrorDetail | None = None


class BulkAnswer(BaseModel):
    """One item a request, in order."""

    forecasts: list[ItemAnswer]
