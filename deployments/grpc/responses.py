"""Domain objects in, responses of `proto/pba.proto` out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from pba.errors import PBAError
from pba.serving.sample_reports import all_refused
from pba.store import Receipt, RefusedSample, SampleReport
from pba.types import (
    QUANTILES,
    Forecast,
    HorizonForecast,
    IntervalForecast,
    Member,
    NetworkMode,
)

from . import pba_pb2 as pb
from .requests import MODES

__all__ = ["MODE_NUMBERS", "batch", "error_detail", "excerpt", "forecast", "link_batch", "receipts"]

MODE_NUMBERS: Mapping[NetworkMode | None, pb.Mode] = {
    mode: number for number, mode in MODES.items()
}
"""The number on the wire of each mode, and of none."""

_SAMPLE_FIELD = re.compile(r"^(samples\[\d+\])\.(?!link_id$)")


def forecast(source: Forecast) -> pb.Forecast:
    """Return ``source`` as a message."""
    return pb.Forecast(
        link_id=source.link_id,
        mode=MODE_NUMBERS[source.mode],
        source=source.source,
        model_version=source.model_version,
        made_at_s=source.made_at.timestamp(),
        newest_sample_at_s=source.newest_sample_at.timestamp(),
        age_s=source.age_s,
        valid_until_s=source.valid_until.timestamp(),
        step_s=source.step_s,
        bandwidth_mbps=source.bandwidth_mbps,
        confidence=source.confidence,
        horizons=[_horizon(horizon) for horizon in source.horizons],
        intervals=[_interval(interval) for interval in source.intervals],
        latency_ms=source.latency_ms,
        packet_loss=source.packet_loss,
        jitter_ms=source.jitter_ms,
        members=[_member(member) for member in source.members],
        reasons=source.reasons,
        allocation=None if source.allocation is None else source.allocation.as_dict(),
    )


def batch(items: Sequence[Forecast | PBAError]) -> pb.ForecastBatchResponse:
    """Return a forecast, or an error, for each of ``items``, in order."""
    return pb.ForecastBatchResponse(forecasts=[_item(item) for item in items])


def link_batch(items: Sequence[Forecast | PBAError]) -> pb.LinkForecastsResponse:
    """Return a forecast, or an error, for each link of ``items``, in order."""
    return pb.LinkForecastsResponse(forecasts=[_item(item) for item in items])


def error_detail(error: PBAError) -> pb.ErrorDetail:
    """Return ``error`` as a message, its field as the proto names it.

    >>> from pba.errors import InvalidSample
    >>> error_detail(InvalidSample("late", "samples[3].timestamp")).field
    'samples[3].sample.timestamp_s'
    """
    body = error.body()
    if "field" in body:
        field = _SAMPLE_FIELD.sub(r"\1.sample.", body["field"])
        body["field"] = re.sub(r"\.timestamp$", ".timestamp_s", field)
    return pb.ErrorDetail(**body)


def receipts(
    reports: Sequence[SampleReport],
    results: Sequence[Receipt],
    items: Sequence[Forecast | PBAError] | None = None,
) -> pb.ObserveResponse:
    """Return the receipt of each link's report, with its forecast or error if there are ``items``.

    Parameters
    ----------
    items
        In the order of the reports.
    """
    forecasts: Iterable[Forecast | PBAError | None] = items or repeat(None, len(reports))
    rows = zip(reports, results, forecasts, strict=True)
    return pb.ObserveResponse(
        links={report.link_id: _receipt(receipt, item) for report, receipt, item in rows},
        refused=map(_refused, all_refused(results)),
    )


def excerpt(items: Iterable[Forecast | PBAError], limit: int) -> pb.ForecastBatchResponse:
    """Return as many of ``items``, in order, as fit into ``limit`` bytes."""
    response = pb.ForecastBatchResponse()
    for item in items:
        response.forecasts.append(_item(item))
        if response.ByteSize() > limit:
            del response.forecasts[-1]
            break
    return response


def _item(item: Forecast | PBAError) -> pb.ForecastItem:
    if isinstance(item, PBAError):
        return pb.ForecastItem(error=error_detail(item))
    return pb.ForecastItem(forecast=forecast(item))


def _horizon(source: HorizonForecast) -> pb.Horizon:
    return pb.Horizon(
        steps=source.steps,
        bandwidth_mbps=source.bandwidth_mbps,
        confidence=source.confidence,
        quantiles=_quantiles(source),
    )


def _interval(source: IntervalForecast) -> pb.Interval:
    return pb.Interval(
        steps=source.steps,
        mean_mbps=source.mean_mbps,
        confidence=source.confidence,
        quantiles=_quantiles(source),
    )


def _quantiles(source: HorizonForecast | IntervalForecast) -> list[pb.Quantile]:
    pairs = zip(QUANTILES, source.quantiles_mbps, strict=True)
    return [pb.Quantile(level=level, bandwidth_mbps=mbps) for level, mbps in pairs]


def _member(source: Member) -> pb.Member:
    return pb.Member(**source.as_dict())


def _receipt(receipt: Receipt, item: Forecast | PBAError | None) -> pb.LinkObserved:
    return pb.LinkObserved(
        accepted=receipt.accepted,
        duplicates=receipt.duplicates,
        late=receipt.late,
        expired=receipt.expired,
        mode=MODE_NUMBERS[receipt.mode],
        ignored=receipt.ignored,
        refused=map(_refused, receipt.refused),
        reasons=receipt.reasons,
        forecast=forecast(item) if isinstance(item, Forecast) else None,
        error=error_detail(item) if isinstance(item, PBAError) else None,
    )


def _refused(source: RefusedSample) -> pb.RefusedSample:
    return pb.RefusedSample(
        index=source.index, link_id=source.link_id, error=error_detail(source.error)
    )
