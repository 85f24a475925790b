"""Links: their state, their past, and their deletion."""

from fastapi import APIRouter, Request, Response

from ..access_control import identity_of
from ..http import json_list, json_response, operations_of
from ..openapi import describe_call
from ..operations import Document
from ..parameters import (
    From,
    Limit,
    LinkCursor,
    LinkId,
    LinkOrder,
    LinkSearch,
    ModeFilter,
    To,
)
from ..response_models import DeletionResponse, HistoryResponse, LinkResponse, LinksResponse

__all__ = ["router"]

router = APIRouter(tags=["links"])


@router.get(
    "/v1/links",
    **describe_call("links", LinksResponse, statuses=(422, 503)),
)
async def get_links(
    request: Request,
    mode: ModeFilter = None,
    cursor: LinkCursor = "",
    limit: Limit = 100,
    search: LinkSearch = "",
    sort: LinkOrder = "name",
) -> Response:
    """List links in the order of their names; the next page starts at the answer's cursor."""
    identity = identity_of(request.scope)
    return await operations_of(request).links(identity, _page, mode, cursor, limit, search, sort)


@router.get(
    "/v1/links/{link_id}",
    **describe_call("link", LinkResponse, statuses=(404, 422, 503)),
)
async def get_link(request: Request, link_id: LinkId) -> Response:
    """Return the state of a link."""
    return await operations_of(request).link(identity_of(request.scope), json_response, link_id)


@router.delete(
    "/v1/links/{link_id}",
    **describe_call("delete_link", DeletionResponse, statuses=(404, 422, 503)),
)
async def delete_link(request: Request, link_id: LinkId) -> Response:
    """Delete a link with its samples, forecasts, outcomes and record."""
    identity = identity_of(request.scope)
    return await operations_of(request).delete_link(identity, json_response, link_id)


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
    operations, identity = operations_of(request), identity_of(request.scope)
    return await operations.link_history(identity, json_response, link_id, since, until, limit)


def _page(document: Document) -> Response:
    return json_list("links", document["links"], cursor=document["cursor"])
