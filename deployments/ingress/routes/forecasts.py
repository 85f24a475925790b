"""Forecasts: from given histories, and from what links have stored."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response

from pba.errors import PBAError
from pba.forecasting.allocation import AllocationRequest
from pba.serving import scoped_calls
from pba.types import Forecast

from ...large_requests import read_request, write_answer
from ..access_control import identity_of
from ..http import body_of, item_of, json_list, json_response, services_of
from ..openapi import describe_call
from ..parameters import AsOf, LinkId
from ..request_models import BulkForecastRequest, ForecastRequest, LinksRequest
from ..request_reading import read_link_ids, read_queries, read_query
from ..response_models import BulkForecastResponse, ForecastDocument

__all__ = ["bulk_items", "router"]

router = APIRouter(tags=["forecasts"])


@router.post("/v1/forecast", **describe_call("forecast", ForecastDocument, ForecastRequest))
async def post_forecast(request: Request, as_of: AsOf = None) -> Response:
    """Forecast from a given history."""
    plane, body = services_of(request).plane, await body_of(request)
    with plane.admit("forecast") as started:
        query = await read_request(plane, read_query, body)
        query = await scoped_calls.allowed_query(plane, identity_of(request.scope), query)
        if as_of is not None:
            query = replace(query, as_of_newest=True)
        forecast = await plane.forecast(query, started)
    return json_response(forecast.as_dict())


@router.post(
    "/v1/forecasts",
    **describe_call("forecasts", BulkForecastResponse, BulkForecastRequest),
)
async def post_forecasts(request: Request, as_of: AsOf = None) -> Response:
    """Forecast from many histories at once; each is answered in its place."""
    services = services_of(request)
    body = await body_of(request, services.settings.max_body_mb)
    with services.plane.admit("forecasts"):
        queries = await read_request(
            services.plane, read_queries, body, services.settings.max_items, as_of is not None
        )
        queries = await scoped_calls.allowed_queries(
            services.plane, identity_of(request.scope), queries
        )
        items = await services.plane.forecasts(queries)
    return await write_answer(services.plane, _bulk_response, items)


@router.get(
    "/v1/links/{link_id}/forecast",
    **describe_call("link_forecast", ForecastDocument, statuses=(404, 422, 503)),
)
async def get_link_forecast(
    request: Request, link_id: LinkId, allocation: bool = False, as_of: AsOf = None
) -> Response:
    """Forecast from a link's stored history; with the default advice if requested."""
    plane, identity = services_of(request).plane, identity_of(request.scope)
    with plane.admit("link_forecast") as started:
        advice = AllocationRequest() if allocation else None
        forecast = await scoped_calls.link_forecast(
            plane, identity, link_id, advice, started, as_of is not None
        )
    return json_response(forecast.as_dict())


@router.post(
    "/v1/links/forecasts",
    **describe_call("link_forecasts", BulkForecastResponse, LinksRequest),
)
async def post_link_forecasts(request: Request, as_of: AsOf = None) -> Response:
    """Forecast for many links from their stored histories; each is answered in its place."""
    services, body = services_of(request), await body_of(request)
    plane, identity = services.plane, identity_of(request.scope)
    with plane.admit("link_forecasts"):
        limit = services.settings.max_items
        link_ids, advice = await read_request(plane, read_link_ids, body, limit)
        items = await scoped_calls.link_forecasts(
            plane, identity, link_ids, advice, as_of is not None
        )
    return await write_answer(plane, _bulk_response, items)


def _bulk_response(items: Sequence[Forecast | PBAError]) -> Response:
    return json_list("forecasts", map(item_of, items))


def bulk_items(items: Sequence[Forecast | PBAError]) -> list[dict[str, Any]]:
    """Return the wire form of a bulk call's items."""
    return [item_of(item) for item in items]
