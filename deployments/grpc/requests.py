"""Requests of `proto/pba.proto` in, domain objects out. Ranges are checked in `pba.types`."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from google.protobuf.message import Message

from pba.errors import InvalidInput, InvalidMode, InvalidRequest, InvalidSample, PBAError, TooLarge
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.planning import Query
from pba.types import COLUMNS, LIMITS, History, NetworkMode, check_link_id

from . import pba_pb2 as pb

__all__ = ["MODES", "read_observations", "read_queries", "read_query"]

MODES: dict[pb.Mode, NetworkMode | None] = {
    pb.MODE_UNSPECIFIED: None,
    pb.MODE_DATACENTER: NetworkMode.DATACENTER,
    pb.MODE_INTERNET: NetworkMode.INTERNET,
    pb.MODE_HYBRID: NetworkMode.HYBRID,
}
"""The mode of each number on the wire; None means that it is detected, or not known."""


def read_query(request: pb.ForecastRequest) -> Query:
    """Return the query that ``request`` asks.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidMode, InvalidInput
        With the field that is to blame.
    """
    _refuse_unknown(request)
    return _query(request)


def read_queries(request: pb.ForecastBatchRequest, most: int) -> list[Query | PBAError]:
    """Return the query of each request, or what is wrong with it in its place.

    Raises
    ------
    InvalidRequest
        For fields that the proto does not have, anywhere.
    TooLarge
        For more than ``most`` requests.
    """
    _refuse_more(request.requests, most, "requests")
    _refuse_unknown(request)
    return [_query_or_error(item) for item in request.requests]


def read_observations(request: pb.ObserveRequest, most: int) -> dict[str, Any]:
    """Return the samples of ``request`` as `Router.observe` takes them, which checks the values.

    Raises
    ------
    InvalidRequest
        For fields that the proto does not have, anywhere.
    TooLarge
        For more than ``most`` samples.
    """
    _refuse_more(request.samples, most, "samples")
    _refuse_unknown(request)
    return {"samples": [_observation(item) for item in request.samples]}


def _refuse_more(items: Any, most: int, name: str) -> None:
    if len(items) > most:
        raise TooLarge(
            f"{name} has {len(items)} items; one call carries at most {most}. Split it.", name
        )


def _refuse_unknown(request: Message) -> None:
    """Refuse fields of a newer or another proto; as over HTTP, nothing is silently ignored."""
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
    return Query(_history(request.history), mode, link_id, allocation=_allocation(request))


def _allocation(request: pb.ForecastRequest) -> AllocationRequest | None:
    if not request.HasField("allocation"):
        return None
    return AllocationRequest.from_dict(_given(request.allocation))


def _mode(number: pb.Mode) -> NetworkMode | None:
    if number not in MODES:
        known = ", ".join(pb.Mode.keys())
        raise InvalidMode(f"mode is {number}; it is one of {known}.", "mode")
    return MODES[number]


def _history(samples: Iterable[pb.Sample]) -> History:
    rows = [_row(place, _given(sample)) for place, sample in enumerate(samples)]
    table = np.array(rows, dtype=float).reshape(-1, 1 + len(COLUMNS))
    return History(table[:, 0], table[:, 1:])


def _row(place: int, given: dict[str, float]) -> list[float]:
    """Return time and `COLUMNS`, NaN where nothing was given; a NaN that was given is refused."""
    for name in ("timestamp_s", "bandwidth_mbps"):
        if name not in given:
            raise InvalidRequest(
                f"{name} is missing and is required. Add it.", f"history[{place}].{name}"
            )
    for name in COLUMNS:
        if math.isnan(given.get(name, 0.0)):
            raise _not_a_number(name, f"history[{place}].{name}")
    return [given["timestamp_s"], *(given.get(name, math.nan) for name in COLUMNS)]


def _given(message: Message) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


def _not_a_number(name: str, field: str) -> InvalidSample:
    remedy = "Drop the sample" if name == "bandwidth_mbps" else "Leave the field out"
    return InvalidSample(
        f"{name} is nan; it is {LIMITS[name].rule}. {remedy} where nothing was measured.", field
    )


def _observation(item: pb.LinkSample) -> dict[str, Any]:
    given = _given(item.sample)
    moment = {"timestamp": given.pop("timestamp_s")} if "timestamp_s" in given else {}
    return {"link_id": item.link_id} | moment | given
