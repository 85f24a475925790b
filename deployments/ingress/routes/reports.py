"""Reports over all links: metrics, drift alarms, events."""

from fastapi import APIRouter, Request, Response

from pba.monitoring.drift_watch import open_alarms

from ..access_control import identity_of
from ..http import json_response, services_of
from ..openapi import describe_call
from ..parameters import EventKind, EventNumber, Limit, LinkFilter
from ..report_models import AlarmsResponse, EventsResponse, MetricsResponse

__all__ = ["router"]

router = APIRouter(tags=["reports"])


@router.get("/v1/metrics", **describe_call("metrics", MetricsResponse))
async def get_metrics(request: Request) -> Response:
    """Return accuracy and latency of forecasts, overall, by mode and by model version."""
    services = services_of(request)
    return json_response(await services.plane.read_store(services.store.summary))


@router.get("/v1/drift", **describe_call("drift", AlarmsResponse))
async def get_drift(request: Request) -> Response:
    """Return the open drift alarms of modes and links: what changed, when, how sure that is."""
    services, scope = services_of(request), identity_of(request.scope).scope
    alarms = await services.plane.read_store(open_alarms, services.store, scope)
    return json_response({"alarms": alarms})


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
    services, identity = services_of(request), identity_of(request.scope)
    if link_id is not None:
        identity.require_link(link_id)
    events = await services.plane.read_store(
        services.store.events, kind, link_id, cursor, limit, identity.scope
    )
    after = events[-1].number if len(events) == limit else None
    return json_response({"events": [event.as_dict() for event in events], "cursor": after})
