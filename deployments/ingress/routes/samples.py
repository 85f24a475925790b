"""Samples: what links report, and the forecasts that a report may request."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from pba.forecasting.allocation import AllocationRequest
from pba.security.identity import Identity
from pba.serving import scoped_calls
from pba.serving.data_plane import DataPlane
from pba.serving.sample_reports import all_refused
from pba.store import SampleReport

from ...large_requests import read_request
from ..access_control import identity_of
from ..http import body_of, item_of, json_response, services_of
from ..openapi import describe_call
from ..parameters import Advice, AsOf, LinkId, WithForecast
from ..request_models import BulkSamplesRequest, SamplesRequest
from ..request_reading import read_link_samples, read_samples
from ..response_models import NotStoredResponse, ReceiptResponse, ReceiptsResponse

__all__ = ["observe", "router"]

router = APIRouter(tags=["samples"])


@router.post(
    "/v1/links/{link_id}/samples",
    **describe_call(
        "link_samples",
        ReceiptResponse,
        SamplesRequest,
        statuses=(503,),
        unavailable=NotStoredResponse,
    ),
)
async def post_link_samples(
    request: Request,
    link_id: LinkId,
    forecast: WithForecast = False,
    allocation: Advice = False,
    as_of: AsOf = None,
) -> Response:
    """Store samples of a link, each for itself; the answer comes after the commit."""
    services, identity = services_of(request), identity_of(request.scope)
    identity.require_link(link_id)
    body = await body_of(request)
    with services.plane.admit("samples") as started:
        limit = services.settings.max_items
        reports = await read_request(services.plane, read_link_samples, body, link_id, limit)
        receipts = await observe(
            services.plane, identity, reports, started, forecast, allocation, as_of is not None
        )
    (receipt,) = receipts["links"].values()
    return json_response(receipt)


@router.post(
    "/v1/samples",
    **describe_call(
        "samples",
        ReceiptsResponse,
        BulkSamplesRequest,
        statuses=(503,),
        unavailable=NotStoredResponse,
    ),
)
async def post_samples(
    request: Request,
    forecast: WithForecast = False,
    allocation: Advice = False,
    as_of: AsOf = None,
) -> Response:
    """Store samples of many links, each for itself; the answer comes after the commit."""
    services, identity = services_of(request), identity_of(request.scope)
    body = await body_of(request)
    with services.plane.admit("samples") as started:
        reports = await read_request(
            services.plane, read_samples, body, services.settings.max_items
        )
        receipts = await observe(
            services.plane, identity, reports, started, forecast, allocation, as_of is not None
        )
    return json_response(receipts)


async def observe(
    plane: DataPlane,
    identity: Identity,
    reports: Sequence[SampleReport],
    started: float,
    forecast: bool = False,
    allocation: bool = False,
    as_of_newest: bool = False,
) -> dict[str, Any]:
    """Store ``reports``; return the wire form of the receipts by link, and what was refused.

    Links that are not in the scope of ``identity`` are refused, each for itself.

    With ``forecast``, each receipt carries its link's forecast or the error in its place; the other
    options are for that.
    """
    if forecast:
        advice = AllocationRequest() if allocation else None
        pairs = await scoped_calls.observe_and_forecast(
            plane, identity, reports, advice, started, as_of_newest
        )
        receipts = [receipt for receipt, _ in pairs]
        documents = [receipt.as_dict() | item_of(item) for receipt, item in pairs]
    else:
        receipts = await scoped_calls.observe(plane, identity, reports)
        documents = [receipt.as_dict() for receipt in receipts]
    names = [report.link_id for report in reports]
    return {
        "links": dict(zip(names, documents, strict=True)),
        "refused": [sample.as_dict() for sample in all_refused(receipts)],
    }
