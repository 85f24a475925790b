"""Links: their state, their past, and their deletion."""

from typing import Any

from fastapi import APIRouter, Request, Response

from pba.types import COLUMNS, History, parse_mode, rfc3339_of

from ..access_control import identity_of
from ..http import json_list, json_response, services_of
from ..openapi import describe_call
from ..parameters import From, Limit, LinkCursor, LinkId, ModeFilter, To, time_span
from ..response_models import DeletionResponse, HistoryResponse, LinkResponse, LinksResponse

__all__ = ["router"]

router = APIRouter(tags=["links"])


@router.get(
    "/v1/links",
    **describe_call("links", LinksResponse, statuses=(422, 503)),
)
async def get_links(
    request: Request, mode: ModeFilter = None, cursor: LinkCursor = "", limit: Limit = 100
) -> Response:
    """List links in the order of their names; the next page starts at the answer's cursor."""
    services, scope = services_of(request), identity_of(request.scope).scope
    only = None if mode is None else parse_mode(mode)

    def page() -> Response:  # in a thread: 10 000 links take a while to write
        links = services.store.links(only, cursor, limit, scope)
        after = links[-1].link_id if len(links) == limit else None
        return json_list("links", (link.as_dict() for link in links), cursor=after)

    return await services.plane.read_store(page)


@router.get(
    "/v1/links/{link_id}",
    **describe_call("link", LinkResponse, statuses=(404, 422, 503)),
)
async def get_link(request: Request, link_id: LinkId) -> Response:
    """Return the state of a link."""
    identity_of(request.scope).require_link(link_id)
    services = services_of(request)
    link = await services.plane.read_store(services.store.link, link_id)
    return json_response(link.as_dict())


@router.delete(
    "/v1/links/{link_id}",
    **describe_call("delete_link", DeletionResponse, statuses=(404, 422, 503)),
)
async def delete_link(request: Request, link_id: LinkId) -> Response:
    """Delete a link with its samples, forecasts, outcomes and record."""
    services, identity = services_of(request), identity_of(request.scope)
    identity.require_link(link_id)
    await services.plane.read_store(services.store.delete, link_id, identity.author())
    return json_response({"deleted": link_id})


@router.get(
    "/v1/links/{link_id}/history",
    **describe_call("link_history", HistoryResponse, statuses=(404, 422, 503)),
)
async def get_history(
    request: Request,
    link_id: LinkId,
    since: From = None,
    until: To = None,
    limit: Limit = 1000,
) -> Response:
    """Return the samples of a link, and the forecasts recorded beside them."""
    identity_of(request.scope).require_link(link_id)
    services = services_of(request)
    span = time_span(since, until)

    def past() -> Response:
        return json_response(_history(*services.store.history(link_id, *span, limit)))

    return await services.plane.read_store(past)


def _history(samples: History, forecasts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the wire form of a link's past."""
    marks = samples.during_transfer
    during = [False] * len(samples) if marks is None else marks.tolist()
    rows = zip(samples.timestamps_s.tolist(), samples.telemetry.tolist(), during, strict=True)
    return {
        "samples": [_sample(*row) for row in rows],
        "forecasts": [
            {
                "after": rfc3339_of(forecast.pop("after_s")),
                "made_at": rfc3339_of(forecast.pop("made_at_s")),
                **forecast,
            }
            for forecast in forecasts
        ],
    }


def _sample(at_s: float, values: list[float], during_transfer: bool) -> dict[str, Any]:
    """Return the wire form of a sample: None where not measured, and the mark where it is set."""
    pairs = zip(COLUMNS, values, strict=True)
    measured = {name: None if value != value else value for name, value in pairs}
    mark = {"during_transfer": True} if during_transfer else {}
    return {"timestamp": rfc3339_of(at_s), **measured, **mark}
