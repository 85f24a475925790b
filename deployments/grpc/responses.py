"""Domain objects in, answers of `proto/pba.proto` out."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pba.errors import PBAError
from pba.types import QUANTILES, Forecast, HorizonForecast, Member, NetworkMode

from . import pba_pb2 as pb
from .requests import MODES

__all__ = ["batch", "detail", "forecast", "observed"]

_NUMBERS = {mode: number for number, mode in MODES.items()}
_SAMPLE = re.compile(r"^(samples\[\d+\])\.(?!link_id$)")


def forecast(made: Forecast) -> pb.Forecast:
    """Return ``made`` as a message."""
    return pb.Forecast(
        link_id=made.link_id,
        mode=_NUMBERS[made.mode],
        source=made.source,
        model_version=made.model_version,
        made_at_s=made.made_at.timestamp(),
        valid_until_s=made.valid_until.timestamp(),
        step_s=made.step_s,
        bandwidth_mbps=made.bandwidth_mbps,
        confidence=made.confidence,
        horizons=[_horizon(part) for part in made.horizons],
        latency_ms=made.latency_ms,
        packet_loss=made.packet_loss,
        jitter_ms=made.jitter_ms,
        members=[_member(part) for part in made.members],
        reasons=made.reasons,
        allocation=None if made.allocation is None else made.allocation.as_dict(),
    )


def batch(made: Sequence[Forecast | PBAError]) -> pb.ForecastBatchResponse:
    """Return a forecast, or what is wrong, for each of ``made``, in order."""
    return pb.ForecastBatchResponse(forecasts=[_item(item) for item in made])


def detail(error: PBAError) -> pb.ErrorDetail:
    """Return what a caller is told of ``error``, its field as the proto names it.

    >>> from pba.errors import InvalidSample
    >>> detail(InvalidSample("late", "samples[3].timestamp")).field
    'samples[3].sample.timestamp_s'
    """
    told = error.body()
    if "field" in told:
        named = _SAMPLE.sub(r"\1.sample.", told["field"])
        told["field"] = re.sub(r"\.timestamp$", ".timestamp_s", named)
    return pb.ErrorDetail(**told)


def observed(told: Mapping[str, Any]) -> pb.ObserveResponse:
    """Return what became of each link's samples, from what `Router.observe` returns."""
    links = {link_id: _link(counts) for link_id, counts in told["links"].items()}
    return pb.ObserveResponse(links=links)


def _item(made: Forecast | PBAError) -> pb.ForecastItem:
    if isinstance(made, PBAError):
        return pb.ForecastItem(error=detail(made))
    return pb.ForecastItem(forecast=forecast(made))


def _horizon(part: HorizonForecast) -> pb.Horizon:
    pairs = zip(QUANTILES, part.quantiles_mbps, strict=True)
    return pb.Horizon(
        steps=part.steps,
        bandwidth_mbps=part.bandwidth_mbps,
        confidence=part.confidence,
        quantiles=[pb.Quantile(level=level, bandwidth_mbps=mbps) for level, mbps in pairs],
    )


def _member(part: Member) -> pb.Member:
    return pb.Member(**part.as_dict())


def _link(counts: Mapping[str, Any]) -> pb.LinkObserved:
    return pb.LinkObserved(**{**counts, "mode": _NUMBERS[NetworkMode(counts["mode"])]})
