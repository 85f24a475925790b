"""The responses of reports, rollout and health, for OpenAPI; see `response_models`."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from .response_models import TransferSummary

__all__ = [
    "AlarmsResponse",
    "EventsResponse",
    "FlagsResponse",
    "IdentityResponse",
    "IndexResponse",
    "MetricsResponse",
    "RolloutResponse",
    "SeriesResponse",
    "StatusResponse",
]


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
    """The same, of intervals too, with latency."""

    intervals: dict[str, AccuracySummary] = Field(
        {}, description="of the mean over so many steps, by their number"
    )
    latency_ms: LatencySummary | None


class VersionMetrics(AccuracySummary):
    """The same for one model version."""

    mode: str
    source: str
    version: str
    arm: str
    served: bool


class ScoringBacklog(BaseModel):
    """How far the Monitors are behind."""

    due: int = Field(description="links with samples that no Monitor has looked at")
    oldest_due_s: float | None = Field(description="how long one of them has waited; null for none")


class TransferMetrics(TransferSummary):
    """Transfers over all links, and by mode."""

    open: int = Field(description="recorded and not scored yet")
    modes: dict[str, TransferSummary]


class MetricsResponse(BaseModel):
    """Accuracy and latency, overall, by mode and by model version."""

    links: int = Field(description="over 20 000 as of the last count, at most a minute before")
    mode_switches: int = Field(description="as links")
    scoring: ScoringBacklog | None = Field(None, description="absent from 3.0.0")
    transfers: TransferMetrics | None = Field(None, description="absent from 3.0.0")
    overall: MetricsPart
    modes: dict[str, MetricsPart]
    versions: list[VersionMetrics]


class ConfidenceBins(BaseModel):
    """Sums over forecasts by their confidence in tenths, the lowest first; they may be added up."""

    scored: list[int]
    hits: list[int]
    confidence_sum: list[float]


class SeriesPoint(AccuracySummary):
    """The same of the forecasts that were computed within a point in time."""

    at: datetime = Field(description="its start")
    latency_ms: LatencySummary | None = Field(
        None, description="one step ahead, where nothing but modes is kept apart"
    )
    bins: ConfidenceBins | None = Field(None, description="where they are asked for")


class SeriesDocument(BaseModel):
    """The points of one series, those without a scored forecast left out."""

    mode: str | None = None
    version: str | None = None
    arm: str | None = None
    source: str | None = None
    group: str | None = Field(
        None, description="a name up to its last colon; null for all links that are in no other"
    )
    points: list[SeriesPoint]


class SeriesResponse(BaseModel):
    """Accuracy and latency over time; what is kept apart is a field of each series."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    step_s: int
    horizon: int
    series: list[SeriesDocument]


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
    evidence: float = Field(description="of the sequential test, after the last closed block")
    # Absent from 3.0.0 are the next five.
    decides_at: float | None = Field(
        None, description="the evidence that decides, shared between the tests"
    )
    blocks: int | None = Field(
        None, description="closed blocks with pairs since the flags' last change"
    )
    blocks_needed: int | None = Field(None, description="no verdict before so many")
    block_s: float | None = Field(
        None, description="how long a block is; null before the first begins"
    )
    links: int | None = Field(None, description="links with pairs, as of the last closed block")
    verdict: str = Field(
        description="better, worse or undecided: of v3, since the flags' last change"
    )


class RolloutResponse(BaseModel):
    """The comparison of the arms since a moment."""

    since: datetime
    versions: dict[str, list[str]]
    overall: ArmComparison
    modes: dict[str, ArmComparison]


class StatusResponse(BaseModel):
    """That the process is up, or the service ready."""

    status: str


class IndexResponse(BaseModel):
    """What answers here, and where its calls are listed."""

    service: str
    version: str
    docs: str = Field(description="path of the page that lists the calls")
    openapi: str = Field(description="path of their description as OpenAPI")
    ready: str = Field(description="path of the call that says whether the service is ready")


class IdentityResponse(BaseModel):
    """The caller, by its key; null where the service has no keys."""

    name: str | None
    key_id: str | None
    role: str
    links: list[str] = Field(description="Names of links; one with * at its end is a beginning.")
