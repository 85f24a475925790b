"""Requests of `proto/pba.proto` in, domain objects out. Ranges are checked in `pba.types`."""

from collections.abc import Sequence, Sized
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np
from google.protobuf.message import Message

from pba.errors import InvalidInput, InvalidMode, InvalidRequest, PBAError, TooLarge
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.serving.sample_reports import sample_reports
from pba.store import SampleReport
from pba.types import COLUMNS, Booleans, Floats, NetworkMode, SampleTable, check_link_id

from . import pba_pb2 as pb
from .message_parsing import refuse_unknown_fields

__all__ = [
    "MODES",
    "check_count",
    "mode_of",
    "query_of",
    "read_advice",
    "read_queries",
    "read_query",
    "read_reports",
]

MODES: dict[pb.Mode, NetworkMode | None] = {
    pb.MODE_UNSPECIFIED: None,
    pb.MODE_DATACENTER: NetworkMode.DATACENTER,
    pb.MODE_INTERNET: NetworkMode.INTERNET,
    pb.MODE_HYBRID: NetworkMode.HYBRID,
}
"""The mode of each number on the wire; None means that the mode is detected, or unknown."""

_WithAdvice: TypeAlias = (
    pb.ForecastRequest | pb.ObserveRequest | pb.LinkForecastRequest | pb.LinkForecastsRequest
)

_REQUIRED = ("timestamp_s", "bandwidth_mbps")
_MEASURED = (_REQUIRED[0], *COLUMNS)
_FIELDS = (*_MEASURED, "during_transfer")
_values_of = attrgetter(*_FIELDS)

_FIRST_ROWS = 1000
"""A long history is checked so far before it is read as a whole, which takes 3 µs a sample."""


def read_query(request: pb.ForecastRequest) -> Query:
    """Return the query in ``request``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidMode, InvalidInput
        With the field in question.
    """
    refuse_unknown_fields(request)
    return _forecast_query(request)


def read_queries(request: pb.ForecastBatchRequest, limit: int) -> list[Query | PBAError]:
    """Return the query of each request, or its error in its place.

    Raises
    ------
    InvalidRequest
        For fields that the proto does not have, anywhere.
    TooLarge
        For more than ``limit`` requests.
    """
    check_count(request.requests, limit, "requests")
    refuse_unknown_fields(request)
    return [_query_or_error(item) for item in request.requests]


def read_reports(request: pb.ObserveRequest, limit: int) -> list[SampleReport]:
    """Return one report per link; samples that break a rule are in its ``refused``.

    Raises
    ------
    InvalidRequest
        For a required field that is not set, and fields that the proto does not have, anywhere.
    TooLarge
        For more than ``limit`` samples.
    """
    check_count(request.samples, limit, "samples")
    refuse_unknown_fields(request)
    samples = [item.sample for item in request.samples]
    table = _table(*_rows(samples, "samples"))
    return sample_reports(table, [item.link_id for item in request.samples])


def read_advice(request: _WithAdvice) -> AllocationRequest | None:
    """Return the advice that ``request`` asks for, None if it does not.

    Raises
    ------
    InvalidInput
        With the field in question.
    """
    if not request.HasField("allocation"):
        return None
    return AllocationRequest.from_dict(_fields(request.allocation))


def check_count(items: Sized, limit: int, name: str) -> None:
    """Refuse more than ``limit`` items; raises `TooLarge`."""
    if len(items) > limit:
        raise TooLarge(
            f"{name} has {len(items)} items; one call carries at most {limit}. Split it.", name
        )


def query_of(request: pb.ForecastRequest | pb.TransferRequest) -> Query:
    """Return the query for a forecast from the history in ``request``, which names no link.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidMode
        With the field in question.
    """
    mode, table = mode_of(request.mode), _table(*_history(request))
    counts = [len(table.timestamps_s)]
    ((history,), (ignored,)) = table.histories(counts), table.any_ignored(counts)
    if isinstance(history, InvalidInput):
        raise history
    return Query(history, mode, as_of_newest=request.as_of_newest, ignored_values=ignored)


def mode_of(number: pb.Mode) -> NetworkMode | None:
    """Return the mode of a number on the wire; raises `InvalidMode`."""
    if number not in MODES:
        known = ", ".join(pb.Mode.keys())
        raise InvalidMode(f"mode is {number}; it is one of {known}.", "mode")
    return MODES[number]


def _query_or_error(request: pb.ForecastRequest) -> Query | PBAError:
    try:
        return _forecast_query(request)
    except InvalidInput as error:
        return error


def _forecast_query(request: pb.ForecastRequest) -> Query:
    mode_of(request.mode)  # of several faults the first in the message is named
    link_id = check_link_id(request.link_id) if request.HasField("link_id") else None
    return replace(query_of(request), link_id=link_id, allocation=read_advice(request))


def _history(
    request: pb.ForecastRequest | pb.TransferRequest,
) -> tuple[Floats, Booleans | None]:
    """Return the samples, ``(sample, 6)``, and which of them are marked ``during_transfer``."""
    if not request.HasField("columns"):
        if len(request.history) > _FIRST_ROWS:
            _refuse_faulty(request.history[:_FIRST_ROWS])
        return _rows(request.history, "history")
    if request.history:
        raise InvalidRequest(
            "history and columns are both set; a request has one of them. Leave one out.", "columns"
        )
    return _columns(request.columns)


def _refuse_faulty(samples: Sequence[pb.Sample]) -> None:
    """Raise the error of a history that begins with ``samples``, before the rest is looked at."""
    rows, _ = _rows(samples, "history")
    (history,) = _table(rows).histories([len(rows)])
    if isinstance(history, InvalidInput):
        raise history


def _table(values: Floats, marks: Booleans | None = None) -> SampleTable:
    """Return the samples in ``values``: Unix seconds and `COLUMNS`, ``(sample, 6)``."""
    return SampleTable.of(values[:, 0].copy(), values[:, 1:].copy(), during_transfer=marks)


def _columns(columns: pb.HistoryColumns) -> tuple[Floats, Booleans | None]:
    """Return ``(sample, 6)``, NaN in a column that is empty, and the marks."""
    times_s: Sequence[float] = columns.timestamp_s
    values = np.full((len(times_s), 1 + len(COLUMNS)), np.nan)
    values[:, 0] = times_s
    for place, name in enumerate(COLUMNS, start=1):
        column = getattr(columns, name)
        if column or name == "bandwidth_mbps":
            _check_length(column, name, len(times_s), "NaN where nothing was measured")
            values[:, place] = column
    marks: Sequence[bool] = columns.during_transfer
    if not marks:
        return values, None
    _check_length(marks, "during_transfer", len(times_s), "false where no transfer ran")
    return values, np.array(marks)


def _check_length(column: Sequence[Any], name: str, count: int, remedy: str) -> None:
    if len(column) != count:
        raise InvalidRequest(
            f"{name} has {len(column)} values and timestamp_s {count}; columns have one length. "
            f"Send {remedy}.",
            f"columns.{name}",
        )


def _rows(samples: Sequence[pb.Sample], name: str) -> tuple[Floats, Booleans | None]:
    """Return ``(sample, 6)``, NaN where a field is not set, and the marks if there are any."""
    rows = np.array(list(map(_values_of, samples)), dtype=float).reshape(-1, len(_FIELDS))
    values, marks = rows[:, : len(_MEASURED)], rows[:, -1] != 0.0
    for index, place in np.argwhere(values == 0.0).tolist():  # so reads a field that is not set
        field = _MEASURED[place]
        if not samples[index].HasField(field):
            if field in _REQUIRED:
                raise _missing(field, f"{name}[{index}]")
            values[index, place] = np.nan
    return values, marks if marks.any() else None


def _missing(name: str, place: str) -> InvalidRequest:
    # Callers of `Observe` know the message with the name that JSON has.
    label = "timestamp" if name == "timestamp_s" and place.startswith("samples") else name
    return InvalidRequest(f"{label} is missing and is required. Add it.", f"{place}.{name}")


def _fields(message: Message) -> dict[str, Any]:
    """Return the fields that are set in ``message``."""
    return {field.name: value for field, value in message.ListFields()}
