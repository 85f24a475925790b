"""The client's side of `proto/pba.proto`, for tests."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import Message

from deployments.grpc import pba_pb2 as pb
from deployments.grpc.requests import MODES
from pba.types import (
    COLUMNS,
    Allocation,
    Forecast,
    History,
    HorizonForecast,
    IntervalForecast,
    Member,
    NetworkMode,
)

_RETRY = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED", "RESOURCE_EXHAUSTED"],
}
_METHODS = [{"name": [{"service": "pba.v1.Predictor"}], "retryPolicy": _RETRY}]
RETRYING = [("grpc.service_config", json.dumps({"methodConfig": _METHODS}))]
"""The options of a channel that tries again, as docs/grpc.md recommends."""


class Method(NamedTuple):
    """A method of a service, and the types of its messages."""

    path: str
    request: Any
    response: Any


def _methods(streaming: bool) -> dict[str, Method]:
    return {
        method.name: Method(
            f"/{service.full_name}/{method.name}",
            method.input_type._concrete_class,
            method.output_type._concrete_class,
        )
        for service in pb.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if method.server_streaming == streaming and not method.client_streaming
    }


METHODS, STREAMS = _methods(streaming=False), _methods(streaming=True)
"""Every method of one request by its name: those with one response, and those with many."""


def call(channel: grpc.aio.Channel, name: str, message: Message, **options: Any) -> Any:
    """Call a method by its name."""
    method = METHODS[name]
    write, read = method.request.SerializeToString, method.response.FromString
    return channel.unary_unary(method.path, write, read)(message, **options)


def request(history: History, **fields: object) -> pb.ForecastRequest:
    """Return the request for a forecast from ``history``; NaN is left out."""
    rows = zip(history.timestamps_s.tolist(), history.telemetry.tolist(), strict=True)
    samples = [
        pb.Sample(
            timestamp_s=time_s,
            **{name: value for name, value in zip(COLUMNS, row, strict=True) if value == value},
        )
        for time_s, row in rows
    ]
    return pb.ForecastRequest(history=samples, **fields)


def item_errors(response: Any) -> list[pb.ErrorDetail]:
    """Return the errors of the items of a bulk call."""
    lists = [
        getattr(response, field.name)
        for field in response.DESCRIPTOR.fields
        if field.is_repeated and "error" in getattr(field.message_type, "fields_by_name", ())
    ]
    return [item.error for items in lists for item in items if item.HasField("error")]


def forecast(message: pb.Forecast) -> Forecast:
    """Return the forecast that ``message`` describes."""
    mode = MODES[message.mode]
    assert isinstance(mode, NetworkMode)
    return Forecast(
        link_id=message.link_id if message.HasField("link_id") else None,
        mode=mode,
        source=message.source,
        model_version=message.model_version if message.HasField("model_version") else None,
        made_at=datetime.fromtimestamp(message.made_at_s, UTC),
        newest_sample_at=datetime.fromtimestamp(message.newest_sample_at_s, UTC),
        age_s=message.age_s,
        valid_until=datetime.fromtimestamp(message.valid_until_s, UTC),
        step_s=message.step_s,
        horizons=tuple(_horizon(part) for part in message.horizons),
        latency_ms=message.latency_ms if message.HasField("latency_ms") else None,
        packet_loss=message.packet_loss if message.HasField("packet_loss") else None,
        jitter_ms=message.jitter_ms if message.HasField("jitter_ms") else None,
        members=tuple(
            Member(part.name, part.weight, part.bandwidth_mbps, part.confidence)
            for part in message.members
        ),
        reasons=tuple(message.reasons),
        allocation=_allocation(message.allocation) if message.HasField("allocation") else None,
        intervals=tuple(_interval(part) for part in message.intervals),
    )


def _horizon(part: pb.Horizon) -> HorizonForecast:
    quantiles = tuple(item.bandwidth_mbps for item in part.quantiles)
    return HorizonForecast(part.steps, part.bandwidth_mbps, part.confidence, quantiles)


def _interval(part: pb.Interval) -> IntervalForecast:
    quantiles = tuple(item.bandwidth_mbps for item in part.quantiles)
    return IntervalForecast(part.steps, part.mean_mbps, part.confidence, quantiles)


def _allocation(part: pb.Allocation) -> Allocation:
    return Allocation(**{name: getattr(part, name) for name in Allocation.__dataclass_fields__})
