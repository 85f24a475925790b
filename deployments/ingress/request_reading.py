"""From a request's body to domain objects; `request_models` describes the bodies.

A body is JSON text as bytes, or what a handle call passes: the same shapes as Python objects.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError, WrapValidator
from typing_extensions import TypedDict

from pba.errors import InvalidInput, PBAError, TooLarge
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.store import SampleReport
from pba.types import COLUMNS, Floats, History, NetworkMode, check_link_id, check_samples

from .request_models import (
    STRICT,
    BulkSamplesRequest,
    FlagsRequest,
    ForecastRequest,
    LinksRequest,
    PromotionRequest,
    RollbackRequest,
    SampleDocument,
    SamplesRequest,
)
from .validation_errors import explain

__all__ = [
    "Body",
    "read_flags",
    "read_link_ids",
    "read_link_samples",
    "read_promotion",
    "read_queries",
    "read_query",
    "read_rollback",
    "read_samples",
]

Body = bytes | Mapping[str, Any]
_Model = TypeVar("_Model")


def read_query(body: Body) -> Query:
    """Return the query in ``body``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidInput
        With the field in question.
    """
    return _query(_read(_FORECAST, body))


def read_queries(body: Body, limit: int) -> list[Query | PBAError]:
    """Return the query of each request, or its error in its place.

    Raises
    ------
    InvalidRequest
        If the body as a whole is not ``{"requests": [...]}``.
    TooLarge
        For more than ``limit`` requests.
    """
    requests = _read(_FORECASTS, body)["requests"]
    _check_count(requests, "requests", limit)
    valid = [request for request in requests if isinstance(request, ForecastRequest)]
    try:
        queries = iter(_queries(valid))
        return [one if isinstance(one, PBAError) else next(queries) for one in requests]
    except InvalidInput:  # of one request, it is not known which
        return [_query_or_error(request) for request in requests]


def read_link_samples(body: Body, link_id: str, limit: int) -> list[SampleReport]:
    """Return the report of one link.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidInput
        With the field in question.
    TooLarge
        For more than ``limit`` samples.
    """
    name = check_link_id(link_id)
    return [SampleReport(name, *_checked_samples(_read(_SAMPLES, body).samples, limit))]


def read_samples(body: Body, limit: int) -> list[SampleReport]:
    """Return one report per link; raises as `read_link_samples`."""
    samples = _read(_BULK_SAMPLES, body).samples
    times, telemetry = _checked_samples(samples, limit)
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault(sample["link_id"], []).append(row)
    for name, (first, *_) in rows.items():
        try:
            check_link_id(name)
        except InvalidInput as error:
            raise error.inside(f"samples[{first}]") from None
    return [SampleReport(name, times[at], telemetry[at]) for name, at in rows.items()]


def read_link_ids(body: Body, limit: int) -> tuple[list[str], AllocationRequest | None]:
    """Return the links in ``body`` and the advice requested; raises as `read_link_samples`."""
    request = _read(_LINKS, body)
    _check_count(request.link_ids, "link_ids", limit)
    return request.link_ids, _allocation(request.allocation)


def read_flags(body: Body) -> FlagsRequest:
    """Return the change in ``body``; raises `InvalidRequest` with the field in question."""
    return _read(_FLAGS, body)


def read_promotion(body: Body) -> PromotionRequest:
    """Return the promotion in ``body``; raises `InvalidRequest` with the field in question."""
    return _read(_PROMOTION, body)


def read_rollback(body: Body) -> RollbackRequest:
    """Return the rollback in ``body``, which may be empty; raises as `read_promotion`."""
    return _read(_ROLLBACK, body or b"{}")


def _or_error(value: Any, read: Callable[[Any], ForecastRequest]) -> ForecastRequest | PBAError:
    try:
        return read(value)
    except ValidationError as error:
        return explain(error)


class _Forecasts(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]

    requests: list[Annotated[ForecastRequest, WrapValidator(_or_error)]]


_FORECAST = TypeAdapter(ForecastRequest)
_FORECASTS = TypeAdapter(_Forecasts)
_SAMPLES = TypeAdapter(SamplesRequest)
_BULK_SAMPLES = TypeAdapter(BulkSamplesRequest)
_LINKS = TypeAdapter(LinksRequest)
_FLAGS = TypeAdapter(FlagsRequest)
_PROMOTION = TypeAdapter(PromotionRequest)
_ROLLBACK = TypeAdapter(RollbackRequest)


def _read(model: TypeAdapter[_Model], body: Body) -> _Model:
    try:
        if isinstance(body, bytes):
            return model.validate_json(body)
        return model.validate_python(body)
    except ValidationError as error:
        raise explain(error) from None


def _check_count(items: Sequence[Any], name: str, limit: int) -> None:
    if len(items) > limit:
        raise TooLarge(
            f"{name} has {len(items)} items; one call carries at most {limit}. Split it.", name
        )


def _query_or_error(request: ForecastRequest | PBAError) -> Query | PBAError:
    if isinstance(request, PBAError):
        return request
    try:
        return _query(request)
    except InvalidInput as error:
        return error


def _query(request: ForecastRequest) -> Query:
    (query,) = _queries([request])
    return query


def _queries(requests: Sequence[ForecastRequest]) -> list[Query]:
    """Return the queries of ``requests``, whose samples are converted and checked all at once."""
    names = [one.link_id if one.link_id is None else check_link_id(one.link_id) for one in requests]
    advice = [_allocation(request.allocation) for request in requests]
    samples = [sample for request in requests for sample in request.history]
    counts = [len(request.history) for request in requests]
    histories = History.parts(*_arrays(samples), counts)
    modes = [None if one.mode == "auto" else NetworkMode(one.mode) for one in requests]
    rows = zip(histories, modes, names, advice, strict=True)
    return [
        Query(history, mode, name, allocation=allocation)
        for history, mode, name, allocation in rows
    ]


def _allocation(fields: Mapping[str, Any] | None) -> AllocationRequest | None:
    return None if fields is None else AllocationRequest.from_dict(fields)


def _checked_samples(samples: Sequence[SampleDocument], limit: int) -> tuple[Floats, Floats]:
    _check_count(samples, "samples", limit)
    times, telemetry = _arrays(samples)
    check_samples(times, telemetry, "samples")
    return times, telemetry


def _arrays(samples: Sequence[SampleDocument]) -> tuple[Floats, Floats]:
    """Return times in Unix seconds, ``(sample,)``, and telemetry, ``(sample, 5)``."""
    times: list[float | datetime] = [sample["timestamp"] for sample in samples]
    if any(isinstance(time, datetime) for time in times):
        times = [_seconds(time) for time in times]
    columns = [[sample.get(name) for sample in samples] for name in COLUMNS]
    return np.array(times, dtype=float), np.array(columns, dtype=float).T.copy()


def _seconds(timestamp: float | datetime) -> float:
    if not isinstance(timestamp, datetime):
        return timestamp
    return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).timestamp()
