"""Reports over all links: metrics, drift alarms, events."""

from fastapi import APIRouter, Request, Response

from ..access_control import identity_of
from ..http import json_response, operations_of
from ..openapi import describe_call
from ..parameters import (
    EventKind,
    EventNumber,
    From,
    Horizon,
    Limit,
    LinkFilter,
    SeriesBins,
    SeriesKeys,
    SeriesStep,
    To,
)
from ..report_models import AlarmsResponse, EventsResponse, MetricsResponse, SeriesResponse

__all__ = ["router"]

router = APIRouter(tags=["reports"])


@router.get("/v1/metrics", **describe_call("metrics", MetricsResponse))
async def get_metrics(request: Request) -> Response:
    """Return accuracy and latency of forecasts, overall, by mode and by model version."""
    return await operations_of(request).metrics(identity_of(request.scope), json_response)


@router.get(
    "/v1/metrics/series", **describe_call("metric_series", SeriesResponse, statuses=(422, 503))
)
async def get_series(
    request: Request,
    from_s: From = None,
    to_s: To = None,
    step_s: SeriesStep = None,
    by: SeriesKeys = None,
    horizon: Horizon = "1",
    bins: SeriesBins = False,
) -> Response:
    """Return accuracy and latency over time, by mode, version, arm, source or group."""
    operations, identity = operations_of(request), identity_of(request.scope)
    return await operations.metric_series(
        identity, json_response, from_s, to_s, step_s, by, horizon, bins
    )


@router.get("/v1/drift", **describe_call("drift", AlarmsResponse))
async def get_drift(request: Request) -> Response:
    """Return the open drift alarms of modes and links: what changed, when, how sure that is."""
    return await operations_of(request).drift(identity_of(request.scope), json_response)


@router.get(
    "/v1/events",
    **describe_call("events", EventsResponse, statuses=(422, 503)),
)
async def get_events(
    request: Request,
    kind: EventKind = None,
    link_id: LinkFilter = None,
    cursor: EventNumber = None,
    limit: Limit = 100,
) -> Response:
    """List events, the newest first; the next page starts at the answer's cursor."""
    operations, identity = operations_of(request), identity_of(request.scope)
    return await operations.events(identity, json_response, kind, link_id, cursor, limit)
