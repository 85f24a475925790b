"""Calls with many items for callers who may not see every link: items outside get an error each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pba.errors import Forbidden, PBAError
from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest
from pba.security.identity import Identity
from pba.serving.data_plane import DataPlane
from pba.serving.lazy_queries import LazyQueries
from pba.store import Receipt, RefusedSample, SampleReport
from pba.types import Forecast

__all__ = [
    "allowed_queries",
    "allowed_query",
    "link_forecasts",
    "observe",
    "observe_and_forecast",
]

_Pair = tuple[Receipt, Forecast | PBAError]


def allowed_query(identity: Identity, query: Query) -> Query:
    """Return ``query``; raises `Forbidden` if its history may not be stored."""
    error = None if query.link_id is None else identity.recording_error(query.link_id)
    if error is not None:
        raise error
    return query


def allowed_queries(
    identity: Identity, queries: Sequence[Query | PBAError]
) -> Sequence[Query | PBAError]:
    """Return ``queries`` with the errors of those whose history may not be stored."""
    if isinstance(queries, LazyQueries) or _is_unlimited(identity):  # the first name no links
        return queries
    return [
        query
        if isinstance(query, PBAError) or query.link_id is None
        else identity.recording_error(query.link_id) or query
        for query in queries
    ]


async def link_forecasts(
    plane: DataPlane,
    identity: Identity,
    link_ids: Sequence[str],
    allocation: AllocationRequest | None,
    as_of_newest: bool = False,
) -> list[Forecast | PBAError]:
    """Do as `DataPlane.link_forecasts`, for the links in scope."""
    errors = [identity.link_error(name) for name in link_ids]
    names = [name for name, error in zip(link_ids, errors, strict=True) if error is None]
    items = iter(await plane.link_forecasts(names, allocation, as_of_newest, identity.records))
    return [next(items) if error is None else error for error in errors]


async def observe(
    plane: DataPlane, identity: Identity, reports: Sequence[SampleReport]
) -> list[Receipt]:
    """Do as `DataPlane.observe`, for the links in scope; all samples of others are refused."""
    errors = [identity.link_error(report.link_id) for report in reports]
    receipts = iter(await plane.observe(_allowed(reports, errors)))
    return [
        next(receipts) if error is None else _refused(report, error)
        for report, error in zip(reports, errors, strict=True)
    ]


async def observe_and_forecast(
    plane: DataPlane,
    identity: Identity,
    reports: Sequence[SampleReport],
    allocation: AllocationRequest | None,
    started: float,
    as_of_newest: bool = False,
) -> list[_Pair]:
    """Do as `DataPlane.observe_and_forecast`, for the links in scope."""
    errors = [identity.link_error(report.link_id) for report in reports]
    allowed = _allowed(reports, errors)
    pairs = iter(await plane.observe_and_forecast(allowed, allocation, started, as_of_newest))
    return [
        next(pairs) if error is None else (_refused(report, error), error)
        for report, error in zip(reports, errors, strict=True)
    ]


def _is_unlimited(identity: Identity) -> bool:
    return identity.records and identity.scope.everything


def _allowed(
    reports: Sequence[SampleReport], errors: Sequence[Forbidden | None]
) -> list[SampleReport]:
    return [report for report, error in zip(reports, errors, strict=True) if error is None]


def _refused(report: SampleReport, error: Forbidden) -> Receipt:
    """Return the receipt of a report of which nothing is stored."""
    count = len(report.timestamps_s)
    indices = np.arange(count) if report.indices is None else report.indices
    refused = [
        RefusedSample(index, report.link_id, Forbidden(error.message, f"samples[{index}].link_id"))
        for index in indices.tolist()
    ]
    everything = sorted([*report.refused, *refused], key=lambda sample: sample.index)
    return replace(Receipt(0, 0, 0, 0, None), refused=tuple(everything))
