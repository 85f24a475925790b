"""The response bodies in JSON, for OpenAPI. Tests hold every answer against these models."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from pba.types.wire import ForecastDocument

__all__ = [
    "AlarmsResponse",
    "BulkForecastResponse",
    "DeletionResponse",
    "ErrorResponse",
    "EventsResponse",
    "FlagsResponse",
    "ForecastDocument",
    "HistoryResponse",
    "LinkResponse",
    "LinksResponse",
    "MetricsResponse",
    "ModelsResponse",
    "PointerResponse",
    "ReceiptResponse",
    "ReceiptsResponse",
    "RolloutResponse",
    "StatusResponse",
    "VersionsResponse",
]


class ErrorDetail(BaseModel):
    """The mistake, where it is, and the remedy."""

    code: str
    message: str
    field: str | None = None


class ErrorResponse(BaseModel):
    """The body of every error."""

    error: ErrorDetail


class BulkForecastItem(BaseModel):
    """A forecast, or the error of its request."""

    forecast: ForecastDocument | None = None
    error: ErrorDetail | None = None


class BulkForecastResponse(BaseModel):
    """One item per request, in order."""

    forecasts: list[BulkForecastItem]


class ReceiptResponse(BaseModel):
    """The result of storing a link's samples."""

    accepted: int = Field(description="samples stored now")
    duplicates: int = Field(description="samples at a time that has a stored sample, which stays")
    late: int = Field(description="accepted samples older than the newest stored one")
    expired: int = Field(description="samples older than the retention, not stored")
    mode: str


class ReceiptsResponse(BaseModel):
    """The result of storing samples, by link."""

    links: dict[str, ReceiptResponse]


class LinkResponse(BaseModel):
    """The state of a link."""

    link_id: str
    mode: str | None
    mode_since: datetime | None
    mode_switches: int
    last_sample: datetime
    hits: int = Field(description="scored forecasts one step ahead that were in band")
    misses: int = Field(description="scored forecasts one step ahead that were not")
    accuracy_20: float | None
    leader: str = Field(description="the expert with the largest weight")
    weights: dict[str, float] = Field(description="the weight of each expert")


class LinksResponse(BaseModel):
    """A page of links in the order of their names."""

    links: list[LinkResponse]
    cursor: str | None = Field(description="where the next page starts; null on the last page")


class DeletionResponse(BaseModel):
    """The link that was deleted."""

    deleted: str


class StoredSample(BaseModel):
    """One stored sample; null where a value was not measured."""

    timestamp: datetime
    bandwidth_mbps: float
    latency_ms: float | None
    packet_loss: float | None
    jitter_ms: float | None
    throughput_mbps: float | None


class PastForecast(BaseModel):
    """One recorded forecast, with its actuals as far as they have arrived."""

    after: datetime = Field(description="the newest sample that the forecast rests on")
    made_at: datetime
    mode: str
    source: str
    model_version: str | None
    arm: str
    served: bool = Field(description="false for a forecast of the other arm in shadow mode")
    step_s: float
    took_ms: float
    prediction: dict[str, Any] = Field(
        alias="said", description="points, confidences and quantiles by horizon"
    )
    actual_mbps: dict[str, float] = Field(description="by steps ahead")


class HistoryResponse(BaseModel):
    """The samples and forecasts of a link in a span of time."""

    samples: list[StoredSample]
    forecasts: list[PastForecast]


class LatencySummary(BaseModel):
    """Milliseconds per forecast."""

    avg: float
    p95: float
    max: float


class AccuracySummary(BaseModel):
    """How scored forecasts one step ahead turned out."""

    scored: int
    accuracy_20: float | None
    confidence: float | None
    missed_over: float | None
    missed_under: float | None
    coverage_50: float | None
    coverage_90: float | None
    bias_mbps: float | None
    mae_mbps: float | None


class MetricsPart(AccuracySummary):
    """The same, with latency."""

    latency_ms: LatencySummary | None


class VersionMetrics(AccuracySummary):
    """The same for one model version."""

    mode: str
    source: str
    version: str
    arm: str
    served: bool


class MetricsResponse(BaseModel):
    """Accuracy and latency, overall, by mode and by model version."""

    links: int
    mode_switches: int
    overall: MetricsPart
    modes: dict[str, MetricsPart]
    versions: list[VersionMetrics]


class DriftChange(BaseModel):
    """A change of one stream's mean."""

    what: str
    before: float
    after: float
    since_s: float
    flagged_s: float
    confidence: float


class DriftAlarm(BaseModel):
    """An open alarm of a link or of a mode."""

    link_id: str | None
    mode: str | None
    stage: str
    opened_s: float
    since_s: float
    ended_s: float | None
    changes: list[DriftChange]


class AlarmsResponse(BaseModel):
    """The open drift alarms, those of modes first."""

    alarms: list[DriftAlarm]


class EventItem(BaseModel):
    """One event."""

    number: int
    at: datetime
    kind: str
    link_id: str | None
    body: dict[str, Any]


class EventsResponse(BaseModel):
    """A page of events, the newest first."""

    events: list[EventItem]
    cursor: int | None = Field(description="where the next page starts; null on the last page")


class ServingModel(BaseModel):
    """The model that serves a mode, or why it cannot be described."""

    mode: str | None = None
    version: str | None = None
    sha256: str | None = None
    window: int | None = None
    horizons: list[int] | None = None
    metrics: dict[str, Any] | None = None
    champion: int | None = Field(None, description="number of the champion pointer it follows")
    refused: str | None = Field(None, description="why the newest champion is not served")
    registry_away: str | None = Field(None, description="why the registry cannot be read")
    asleep: bool | None = Field(None, description="v1 only: it has no replica now")
    error: str | None = Field(None, description="why it does not answer")


class ModelsResponse(BaseModel):
    """What serves each mode, and v1."""

    models: dict[str, ServingModel]


class PointerResponse(BaseModel):
    """Which version is the champion since when, and why."""

    number: int = Field(description="its place among the model's champions; 0 for none yet")
    version: str = Field(description="a published version, or shipped")
    action: str = Field(description="promoted or rolled_back; none for number 0; or unreadable")
    back: int | None = Field(description="the number that a rollback returns to")
    at: datetime | None
    who: str
    why: str


class PublishedVersion(BaseModel):
    """A published version, or why it is refused."""

    version: str
    at: datetime | None = None
    who: str | None = None
    refused: str | None = None


class VersionsResponse(BaseModel):
    """A model's versions, its champion and its former champions."""

    model: str
    champion: PointerResponse
    versions: list[PublishedVersion]
    history: list[PointerResponse]


class FlagsResponse(BaseModel):
    """The flags now."""

    version: int
    flags: dict[str, bool | int]
    changed_at: datetime | None
    changed_by: str | None


class ArmSummary(BaseModel):
    """The means of one arm over the pairs."""

    accuracy_20: float | None
    mae_mbps: float | None
    bias_mbps: float | None
    latency_ms: float | None


class ArmComparison(BaseModel):
    """Both arms on the same moments."""

    pairs: int
    v3_only: int = Field(description="pairs in which only v3 was in band")
    v1_only: int = Field(description="pairs in which only v1 was in band")
    v1: ArmSummary
    v3: ArmSummary
    evidence: float = Field(description="the Bayes factor of the sequential test")
    verdict: str = Field(description="better, worse or undecided: of v3")


class RolloutResponse(BaseModel):
    """The comparison of the arms since a moment."""

    since: datetime
    versions: dict[str, list[str]]
    overall: ArmComparison
    modes: dict[str, ArmComparison]


class StatusResponse(BaseModel):
    """That the process is up, or the service ready."""

    status: str
