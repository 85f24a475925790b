"""Calls within the rights and limits of their callers: what is not allowed gets an error each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pba.errors import LimitReached, PBAError
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
    "link_forecast",
    "link_forecasts",
    "observe",
    "observe_and_forecast",
]

_Pair = tuple[Receipt, Forecast | PBAError]


async def allowed_query(plane: DataPlane, identity: Identity, query: Query) -> Query:
    """Return ``query``; raises `Forbidden` or `LimitReached` if its history may not be stored."""
    (allowed,) = await allowed_queries(plane, identity, [query])
    if isinstance(allowed, PBAError):
        raise allowed
    return allowed


async def allowed_queries(
    plane: DataPlane, identity: Identity, queries: Sequence[Query | PBAError]
) -> Sequence[Query | PBAError]:
    """Return ``queries`` with the errors of those whose history may not be stored.

    Raises
    ------
    LimitReached
        If the caller may send no more samples now.
    """
    if isinstance(queries, LazyQueries):  # they name no links
        return queries
    stored = {
        index: query
        for index, query in enumerate(queries)
        if isinstance(query, Query) and query.link_id is not None
    }
    if not stored:
        return queries
    errors: dict[int, PBAError | None] = {
        index: identity.recording_error(str(query.link_id)) for index, query in stored.items()
    }
    allowed = [query for index, query in stored.items() if errors[index] is None]
    count = sum(len(query.history) for query in allowed)
    new = await _admitted(plane, identity, [str(query.link_id) for query in allowed], count)
    items: list[Query | PBAError] = list(queries)
    for index, query in stored.items():
        items[index] = errors[index] or new.get(str(query.link_id)) or query
    return items


async def link_forecast(
    plane: DataPlane,
    identity: Identity,
    link_id: str,
    allocation: AllocationRequest | None,
    started: float,
    as_of_newest: bool = False,
) -> Forecast:
    """Do as `DataPlane.link_forecast`; raises `Forbidden` for a link that is not in scope."""
    identity.require_link(link_id)
    return await plane.link_forecast(link_id, allocation, started, as_of_newest, identity.records)


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
    """Do as `DataPlane.observe`, for the links in scope; all samples of others are refused.

    Raises
    ------
    LimitReached
        If the caller may send no more samples now.
    """
    errors = await _report_errors(plane, identity, reports)
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
    """Do as `DataPlane.observe_and_forecast`, for the links in scope; limits as in `observe`."""
    errors = await _report_errors(plane, identity, reports)
    allowed = _allowed(reports, errors)
    pairs = iter(await plane.observe_and_forecast(allowed, allocation, started, as_of_newest))
    return [
        next(pairs) if error is None else (_refused(report, error), error)
        for report, error in zip(reports, errors, strict=True)
    ]


async def _report_errors(
    plane: DataPlane, identity: Identity, reports: Sequence[SampleReport]
) -> list[PBAError | None]:
    """Return why each of ``reports`` is not stored, None if it is."""
    errors: list[PBAError | None] = [identity.link_error(report.link_id) for report in reports]
    allowed = _allowed(reports, errors)
    count = sum(len(report.timestamps_s) for report in allowed)
    new = await _admitted(plane, identity, [report.link_id for report in allowed], count)
    return [error or new.get(report.link_id) for report, error in zip(reports, errors, strict=True)]


async def _admitted(
    plane: DataPlane, identity: Identity, link_ids: Sequence[str], count: int
) -> dict[str, LimitReached]:
    """Admit ``count`` samples; return the errors of links that may not come into being."""
    plane.limits.admit_samples(identity, count)
    return {} if plane.new_links is None else await plane.new_links.errors(identity, link_ids)


def _allowed(
    reports: Sequence[SampleReport], errors: Sequence[PBAError | None]
) -> list[SampleReport]:
    return [report for report, error in zip(reports, errors, strict=True) if error is None]


def _refused(report: SampleReport, error: PBAError) -> Receipt:
    """Return the receipt of a report of which nothing is stored."""
    count = len(report.timestamps_s)
    indices = np.arange(count) if report.indices is None else report.indices
    refused = [
        RefusedSample(
            index, report.link_id, type(error)(error.message, f"samples[{index}].link_id")
        )
        for index in indices.tolist()
    ]
    everything = sorted([*report.refused, *refused], key=lambda sample: sample.index)
    return replace(Receipt(0, 0, 0, 0, None), refused=tuple(everything))
