"""The client's side of `proto/pba.proto`, for tests."""

from datetime import UTC, datetime

from deployments.grpc import pba_pb2 as pb
from deployments.grpc.requests import MODES
from pba.types import COLUMNS, Allocation, Forecast, History, HorizonForecast, Member, NetworkMode


def request(history: History, **fields: object) -> pb.ForecastRequest:
    """Return the request for a forecast from ``history``; NaN is left out."""
    rows = zip(history.timestamps_s.tolist(), history.telemetry.tolist(), strict=True)
    samples = [
        pb.Sample(
            timestamp_s=moment,
            **{name: value for name, value in zip(COLUMNS, row, strict=True) if value == value},
        )
        for moment, row in rows
    ]
    return pb.ForecastRequest(history=samples, **fields)


def forecast(told: pb.Forecast) -> Forecast:
    """Return the forecast that ``told`` describes."""
    mode = MODES[told.mode]
    assert isinstance(mode, NetworkMode)
    return Forecast(
        link_id=told.link_id if told.HasField("link_id") else None,
        mode=mode,
        source=told.source,
        model_version=told.model_version if told.HasField("model_version") else None,
        made_at=datetime.fromtimestamp(told.made_at_s, UTC),
        valid_until=datetime.fromtimestamp(told.valid_until_s, UTC),
        step_s=told.step_s,
        horizons=tuple(_horizon(part) for part in told.horizons),
        latency_ms=told.latency_ms if told.HasField("latency_ms") else None,
        packet_loss=told.packet_loss if told.HasField("packet_loss") else None,
        jitter_ms=told.jitter_ms if told.HasField("jitter_ms") else None,
        members=tuple(
            Member(part.name, part.weight, part.bandwidth_mbps, part.confidence)
            for part in told.members
        ),
        reasons=tuple(told.reasons),
        allocation=_allocation(told.allocation) if told.HasField("allocation") else None,
    )


def _horizon(part: pb.Horizon) -> HorizonForecast:
    quantiles = tuple(item.bandwidth_mbps for item in part.quantiles)
    return HorizonForecast(part.steps, part.bandwidth_mbps, part.confidence, quantiles)


def _allocation(part: pb.Allocation) -> Allocation:
    return Allocation(**{name: getattr(part, name) for name in Allocation.__dataclass_fields__})
