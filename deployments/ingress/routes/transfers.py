"""Transfers: how long they take over a link, and whether a live migration converges."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from pba.errors import PBAError
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.transfers import TransferQuery, transfer, transfers
from pba.types.transfer import TransferForecast
from pba.types.transfer_wire import TransferDocument

from ...large_requests import read_request, write_answer
from ..access_control import identity_of
from ..http import body_of, json_list, json_response, services_of
from ..openapi import describe_call
from ..parameters import AsOf, Deadline, DirtyRate, LinkId, Record, Size
from ..request_models import BulkTransferBody, TransferBody
from ..response_models import BulkTransferResponse
from ..transfer_reading import read_transfer, read_transfers

__all__ = ["router", "transfer_items"]

router = APIRouter(tags=["transfers"])


@router.post(
    "/v1/transfer", **describe_call("transfer", TransferDocument, TransferBody, statuses=(404, 503))
)
async def post_transfer(request: Request, as_of: AsOf = None) -> Response:
    """Forecast how long a transfer takes, over a stored link or from a given history."""
    plane, body = services_of(request).plane, await body_of(request)
    with plane.admit("transfer") as started:
        query = await read_request(plane, read_transfer, body, as_of is not None)
        answer = await transfer(plane, identity_of(request.scope), query, started)
    return json_response(answer.as_dict())


@router.post(
    "/v1/transfers",
    **describe_call("transfers", BulkTransferResponse, BulkTransferBody, statuses=(503,)),
)
async def post_transfers(request: Request, as_of: AsOf = None) -> Response:
    """Forecast many transfers at once, to choose a target say; each is answered in its place."""
    services = services_of(request)
    plane, body = services.plane, await body_of(request, services.settings.max_body_mb)
    with plane.admit("transfers"):
        queries = await read_request(
            plane, read_transfers, body, services.settings.max_items, as_of is not None
        )
        items = await transfers(plane, identity_of(request.scope), queries)
    return await write_answer(plane, _bulk_response, items)


@router.get(
    "/v1/links/{link_id}/transfer",
    **describe_call("link_transfer", TransferDocument, statuses=(404, 422, 503)),
)
async def get_link_transfer(
    request: Request,
    link_id: LinkId,
    size: Size,
    deadline_s: Deadline = None,
    dirty_mbps: DirtyRate = None,
    record: Record = True,
    as_of: AsOf = None,
) -> Response:
    """Forecast how long a transfer takes over a stored link."""
    plane, identity = services_of(request).plane, identity_of(request.scope)
    with plane.admit("link_transfer") as started:
        transfer_request = TransferRequest(size, deadline_s, dirty_mbps)
        query = TransferQuery(link_id, transfer_request, as_of is not None, record)
        answer = await transfer(plane, identity, query, started)
    return json_response(answer.as_dict())


def transfer_items(items: Sequence[TransferForecast | PBAError]) -> list[dict[str, Any]]:
    """Return the wire form of a bulk call's items."""
    return [
        {"error": item.body()} if isinstance(item, PBAError) else {"transfer": item.as_dict()}
        for item in items
    ]


def _bulk_response(items: Sequence[TransferForecast | PBAError]) -> Response:
    return json_list("transfers", transfer_items(items))
