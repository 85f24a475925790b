"""Requests of `proto/pba.proto` in, domain objects out. Ranges are checked in `pba.types`."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from google.protobuf.message import Message

from pba.errors import (
    InvalidInput,
    InvalidMode,
    InvalidRequest,
    InvalidSample,
    PBAError,
    TooLarge,
)
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.store import SampleReport
from pba.types import (
    COLUMNS,
    LIMITS,
    Floats,
    History,
    NetworkMode,
    check_link_id,
    check_samples,
)

from . import pba_pb2 as pb

__all__ = ["MODES", "read_queries", "read_query", "read_reports"]

MODES: dict[pb.Mode, NetworkMode | None] = {
    pb.MODE_UNSPECIFIED: None,
    pb.MODE_DATACENTER: NetworkMode.DATACENTER,
    pb.MODE_INTERNET: NetworkMode.INTERNET,
    pb.MODE_HYBRID: NetworkMode.HYBRID,
}
"""The mode of each number on the wire; None means that the mode is detected, or unknown."""


def read_query(request: pb.ForecastRequest) -> Query:
    """Return the query in ``request``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidMode, InvalidInput
        With the field in question.
    """
    _refuse_unknown_fields(request)
    return _query(request)


def read_queries(request: pb.ForecastBatchRequest, limit: int) -> list[Query | PBAError]:
    """Return the query of each request, or its error in its place.

    Raises
    ------
    InvalidRequest
        For fields that the proto does not have, anywhere.
    TooLarge
        For more than ``limit`` requests.
    """
    _check_count(request.requests, limit, "requests")
    _refuse_unknown_fields(request)
    return [_query_or_error(item) for item in request.requests]


def read_reports(request: pb.ObserveRequest, limit: int) -> list[SampleReport]:
    """Return one report per link.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidInput
        With the field in question, or for fields that the proto does not have, anywhere.
    TooLarge
        For more than ``limit`` samples.
    """
    _check_count(request.samples, limit, "samples")
    _refuse_unknown_fields(request)
    times_s, telemetry = _table((item.sample for item in request.samples), "samples")
    check_samples(times_s, telemetry, "samples")
    rows: dict[str, list[int]] = {}
    for row, item in enumerate(request.samples):
        rows.setdefault(item.link_id, []).append(row)
    for link_id, (first, *_) in rows.items():
        try:
            check_link_id(link_id)
        except InvalidInput as error:
            raise error.inside(f"samples[{first}]") from None
    return [SampleReport(link_id, times_s[at], telemetry[at]) for link_id, at in rows.items()]


def _check_count(items: Any, limit: int, name: str) -> None:
    if len(items) > limit:
        raise TooLarge(
            f"{name} has {len(items)} items; one call carries at most {limit}. Split it.", name
        )


def _refuse_unknown_fields(request: Message) -> None:
    """Refuse fields of a newer or another proto: as over HTTP, nothing is silently ignored."""
    size = request.ByteSize()
    request.DiscardUnknownFields()  # type: ignore[no-untyped-call, unused-ignore]
    unknown = size - request.ByteSize()
    if unknown:
        raise InvalidRequest(
            f"{unknown} bytes of the request are of fields that are not in this service's "
            "pba.proto. Generate the client from that file; reflection gives it too."
        )


def _query_or_error(request: pb.ForecastRequest) -> Query | PBAError:
    try:
        return _query(request)
    except InvalidInput as error:
        return error


def _query(request: pb.ForecastRequest) -> Query:
    mode = _mode(request.mode)
    link_id = check_link_id(request.link_id) if request.HasField("link_id") else None
    history = History(*_table(request.history, "history"))
    return Query(history, mode, link_id, allocation=_allocation(request))


def _allocation(request: pb.ForecastRequest) -> AllocationRequest | None:
    if not request.HasField("allocation"):
        return None
    return AllocationRequest.from_dict(_fields(request.allocation))


def _mode(number: pb.Mode) -> NetworkMode | None:
    if number not in MODES:
        known = ", ".join(pb.Mode.keys())
        raise InvalidMode(f"mode is {number}; it is one of {known}.", "mode")
    return MODES[number]


def _table(samples: Iterable[pb.Sample], name: str) -> tuple[Floats, Floats]:
    """Return times in Unix seconds, ``(sample,)``, and telemetry, ``(sample, 5)``."""
    rows = [_row(_fields(sample), f"{name}[{index}]") for index, sample in enumerate(samples)]
    table = np.array(rows, dtype=float).reshape(-1, 1 + len(COLUMNS))
    return table[:, 0], table[:, 1:]


def _row(fields: dict[str, float], place: str) -> list[float]:
    """Return time and `COLUMNS`, NaN where a field is absent; a NaN in the message is refused."""
    for name in ("timestamp_s", "bandwidth_mbps"):
        if name not in fields:
            raise _missing(name, place)
    for name in COLUMNS:
        if math.isnan(fields.get(name, 0.0)):
            raise _not_a_number(name, f"{place}.{name}")
    return [fields["timestamp_s"], *(fields.get(name, math.nan) for name in COLUMNS)]


def _missing(name: str, place: str) -> InvalidRequest:
    # Callers of `Observe` know the message with the name that JSON has.
    label = "timestamp" if name == "timestamp_s" and place.startswith("samples") else name
    return InvalidRequest(f"{label} is missing and is required. Add it.", f"{place}.{name}")


def _fields(message: Message) -> dict[str, Any]:
    """Return the fields that are set in ``message``."""
    return {field.name: value for field, value in message.ListFields()}


def _not_a_number(name: str, field: str) -> InvalidSample:
    remedy = "Drop the sample" if name == "bandwidth_mbps" else "Leave the field out"
    return InvalidSample(
        f"{name} is nan; it is {LIMITS[name].rule}. {remedy} where nothing was measured.", field
    )
