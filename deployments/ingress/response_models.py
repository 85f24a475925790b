"""The responses about forecasts, samples and links, for OpenAPI; `report_models` has the others.

Tests hold every answer against these models.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from pba.types.transfer_wire import TransferDocument
from pba.types.wire import ForecastDocument

__all__ = [
    "BulkForecastResponse",
    "BulkTransferResponse",
    "DeletionResponse",
    "ErrorResponse",
    "ForecastDocument",
    "HistoryResponse",
    "LinkResponse",
    "LinksResponse",
    "NotStoredResponse",
    "ReceiptResponse",
    "ReceiptsResponse",
    "TransferSummary",
]


class ErrorDetail(BaseModel):
    """The mistake, where it is, and the remedy."""

    code: str
    message: str
    field: str | None = None


class ErrorResponse(BaseModel):
    """The body of every error."""

    error: ErrorDetail


class ForecastItem(BaseModel):
    """A forecast, or the error of its request."""

    forecast: ForecastDocument | None = None
    error: ErrorDetail | None = None


class NotStoredResponse(ErrorResponse):
    """The error of a call that reports and requests forecasts, while the store is away."""

    forecasts: dict[str, ForecastItem] | None = Field(
        None, description="with forecast=true: by link, from what the request itself holds"
    )


class BulkForecastResponse(BaseModel):
    """One item per request, in order."""

    forecasts: list[ForecastItem]


class TransferItem(BaseModel):
    """A transfer's forecast, or the error of its request."""

    transfer: TransferDocument | None = None
    error: ErrorDetail | None = None


class BulkTransferResponse(BaseModel):
    """One item per request, in order."""

    transfers: list[TransferItem]


class RefusedResponse(BaseModel):
    """A sample that is not stored; it costs no other."""

    index: int = Field(description="its place in the request")
    link_id: str
    error: ErrorDetail


class ReceiptResponse(BaseModel):
    """The result of storing a link's samples."""

    accepted: int = Field(description="samples stored now")
    duplicates: int = Field(description="samples at a time that has a stored sample, which stays")
    late: int = Field(description="accepted samples older than the newest stored one")
    expired: int = Field(description="samples older than the retention, not stored")
    ignored: int = Field(
        description="values out of range, except bandwidth and time, which count as missing"
    )
    refused: list[RefusedResponse] = Field(description="samples that break a rule, not stored")
    mode: str | None = Field(description="null if no sample of the link was valid")
    reasons: list[str] = Field(
        description="what may be wrong with the samples: unit_suspected, zone_suspected"
    )
    forecast: ForecastDocument | None = Field(None, description="with forecast=true")
    error: ErrorDetail | None = Field(None, description="why there is none, with forecast=true")


class ReceiptsResponse(BaseModel):
    """The result of storing samples, by link."""

    links: dict[str, ReceiptResponse]
    refused: list[RefusedResponse] = Field(description="those of all links, in order")


class TransferSummary(BaseModel):
    """How durations of transfers compare with what was forecast, see docs/transfers.md."""

    scored: int
    censored: int = Field(description="of those scored: not ended by the deadline, or for long")
    unscored: int = Field(description="a gap came first, another transfer, or no sample")
    coverage_80: float | None = Field(description="share inside the 80 % interval")
    faster: float | None = Field(description="share below it")
    slower: float | None = Field(description="share above it")


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
    drift: float | None = Field(
        None, description="the size of its open drift alarm; absent from 3.0.0"
    )
    leader: str = Field(description="the expert with the largest weight")
    weights: dict[str, float] = Field(description="the weight of each expert")
    transfers: TransferSummary | None = Field(None, description="absent from 3.0.0")


class LinksResponse(BaseModel):
    """A page of links, in the order that was requested."""

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
    during_transfer: bool = Field(False, description="there where it is true")


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
        alias="said", description="points, confidences and quantiles by horizon, then by interval"
    )
    actual_mbps: dict[str, float] = Field(description="by steps ahead")
    actual_mean_mbps: dict[str, float] = Field({}, description="of intervals, by their steps")


class HistoryResponse(BaseModel):
    """The samples and forecasts of a link in a span of time."""

    samples: list[StoredSample]
    forecasts: list[PastForecast]
