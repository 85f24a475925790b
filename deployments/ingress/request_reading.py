"""From a request's body to domain objects; `request_models` describes the bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from pba.errors import InvalidInput, InvalidRequest, PBAError, cut, quoted
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.serving.chunking import CHUNK
from pba.serving.lazy_queries import LazyQueries
from pba.serving.sample_reports import sample_reports
from pba.store import SampleReport
from pba.types import COLUMNS, NetworkMode, check_link_id

from .body_decoding import Body, check_count, items_of, read_document
from .item_reading import each_or_error, in_place, read_item
from .request_models import (
    BulkSamplesRequest,
    FlagsRequest,
    ForecastRequest,
    HistoryColumns,
    LinksRequest,
    PromotionRequest,
    RetrainRequest,
    RollbackRequest,
    Samples,
    SamplesRequest,
)
from .sample_arrays import SampleArray, sample_array, sample_table

__all__ = [
    "Body",
    "read_flags",
    "queries_of",
    "read_forecast_option",
    "read_link_ids",
    "read_link_samples",
    "read_promotion",
    "read_queries",
    "read_query",
    "read_retraining",
    "read_rollback",
    "read_samples",
]

_LONGEST = 1000
"""A chunk of such histories holds the loop for at most 50 ms, one of usual histories for 5 ms."""


def read_query(body: Body) -> Query:
    """Return the query in ``body``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidInput
        With the field in question.
    """
    (query,) = _queries([_request(body)])
    if isinstance(query, PBAError):
        raise query
    return query


def read_queries(body: Body, limit: int, as_of_newest: bool = False) -> Sequence[Query | PBAError]:
    """Return the query of each request, or its error in its place.

    Many requests that name no link are converted chunk by chunk, when models are ready for them.
    ``as_of_newest`` is as in `pba.forecasting.Query`.

    Raises
    ------
    InvalidRequest
        If the body as a whole is not ``{"requests": [...]}``.
    TooLarge
        For more than ``limit`` requests.
    """
    items = items_of(body, "requests", ForecastRequest, limit)
    lazy = len(items) > CHUNK and all(map(_may_wait, items))
    read = partial(queries_of, as_of_newest=as_of_newest)
    return LazyQueries(items, read) if lazy else read(items)


def read_link_samples(body: Body, link_id: str, limit: int) -> list[SampleReport]:
    """Return the report of one link; samples that break a rule are in its ``refused``.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidInput
        For the first fault of form, with the field in question.
    TooLarge
        For more than ``limit`` samples.
    """
    name = check_link_id(link_id)
    samples = read_document(body, SamplesRequest, "samples", limit).samples
    rows = _rows(samples)
    check_count(rows, "samples", limit)
    table = sample_table([sample_array(samples, "samples")])
    return sample_reports(table, [name] * len(rows)) or [_empty_report(name)]


def read_samples(body: Body, limit: int) -> list[SampleReport]:
    """Return one report per link; raises as `read_link_samples`."""
    samples = read_document(body, BulkSamplesRequest, "samples", limit).samples
    check_count(samples, "samples", limit)
    table = sample_table([sample_array(samples, "samples")])
    return sample_reports(table, [sample.link_id for sample in samples])


def read_link_ids(body: Body, limit: int) -> tuple[list[str], AllocationRequest | None]:
    """Return the links in ``body`` and the advice requested; raises as `read_link_samples`."""
    request = read_document(body, LinksRequest, "link_ids", limit)
    check_count(request.link_ids, "link_ids", limit)
    return request.link_ids, _allocation(request.allocation)


def read_forecast_option(body: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Return whether ``body``, of a handle's call, requests forecasts, and the rest of it.

    Raises
    ------
    InvalidRequest
        For a ``forecast`` that is no boolean.
    """
    rest = dict(body)
    forecast = rest.pop("forecast", False)
    if not isinstance(forecast, bool):
        raise InvalidRequest(
            f"forecast is {quoted(forecast)}; it is true or false. Correct it.", "forecast"
        )
    return forecast, rest


def read_flags(body: Body) -> FlagsRequest:
    """Return the change in ``body``; raises `InvalidRequest` with the field in question."""
    return read_document(body, FlagsRequest)


def read_promotion(body: Body) -> PromotionRequest:
    """Return the promotion in ``body``; raises `InvalidRequest` with the field in question."""
    return read_document(body, PromotionRequest)


def read_rollback(body: Body) -> RollbackRequest:
    """Return the rollback in ``body``, which may be empty; raises as `read_promotion`."""
    return read_document(body or b"{}", RollbackRequest)


def read_retraining(body: Body) -> RetrainRequest:
    """Return the retraining in ``body``; raises as `read_promotion`."""
    return read_document(body, RetrainRequest)


def _may_wait(item: Any) -> bool:
    """Return whether the event loop may convert a request later: it is short and names no link."""
    return (
        isinstance(item, ForecastRequest)
        and item.link_id is None
        and len(_rows(item.history)) <= _LONGEST
    )


def _rows(samples: Samples) -> Sequence[Any]:
    return samples.timestamp if isinstance(samples, HistoryColumns) else samples


def queries_of(items: Sequence[Any], as_of_newest: bool = False) -> list[Query | PBAError]:
    """Return the query of each of ``items``, bodies of one request, or its error in its place."""
    requests = each_or_error(items, _request)
    read = in_place(requests, _queries([one for one in requests if isinstance(one, _Request)]))
    if not as_of_newest:
        return read
    return [replace(one, as_of_newest=True) if isinstance(one, Query) else one for one in read]


class _Request(NamedTuple):
    """A forecast request whose history is not checked yet."""

    history: SampleArray
    mode: NetworkMode | None
    link_id: str | None
    allocation: AllocationRequest | None


def _request(body: Any) -> _Request:
    document = read_item(body, ForecastRequest)
    return _Request(
        sample_array(document.history, "history"),
        None if document.mode == "auto" else NetworkMode(document.mode),
        None if document.link_id is None else check_link_id(document.link_id),
        _allocation(document.allocation),
    )


def _queries(requests: Sequence[_Request]) -> list[Query | PBAError]:
    """Return the queries of ``requests``, whose samples are checked all at once."""
    table = sample_table([request.history for request in requests])
    counts = [request.history.samples for request in requests]
    histories = table.histories(counts)
    ignored = table.any_ignored(counts)
    return [
        history
        if isinstance(history, InvalidInput)
        else Query(
            history,
            request.mode,
            request.link_id,
            allocation=request.allocation,
            ignored_values=some,
        )
        for history, request, some in zip(histories, requests, ignored, strict=True)
    ]


def _allocation(fields: Mapping[str, Any] | None) -> AllocationRequest | None:
    if fields is None:
        return None
    try:
        return AllocationRequest.from_dict(fields)
    except InvalidInput as error:
        raise type(error)(error.message, error.field and cut(error.field)) from None


def _empty_report(link_id: str) -> SampleReport:
    return SampleReport(link_id, np.empty(0), np.empty((0, len(COLUMNS))))
