"""Samples: what links report."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from pba.serving.sample_reports import all_refused
from pba.store import Receipt, SampleReport

from ...large_requests import read_request
from ..http import body_of, json_response, services_of
from ..openapi import describe_call
from ..parameters import LinkId
from ..request_models import BulkSamplesRequest, SamplesRequest
from ..request_reading import read_link_samples, read_samples
from ..response_models import ReceiptResponse, ReceiptsResponse

__all__ = ["receipts_by_link", "router"]

router = APIRouter(tags=["samples"])


@router.post(
    "/v1/links/{link_id}/samples",
    **describe_call(ReceiptResponse, SamplesRequest, statuses=(503,)),
)
async def post_link_samples(request: Request, link_id: LinkId) -> Response:
    """Store samples of a link, each for itself; the answer comes after the commit."""
    services, body = services_of(request), await body_of(request)
    with services.plane.admit("samples"):
        limit = services.settings.max_items
        reports = await read_request(read_link_samples, body, link_id, limit)
        (receipt,) = await services.plane.observe(reports)
    return json_response(receipt.as_dict())


@router.post("/v1/samples", **describe_call(ReceiptsResponse, BulkSamplesRequest, statuses=(503,)))
async def post_samples(request: Request) -> Response:
    """Store samples of many links, each for itself; the answer comes after the commit."""
    services, body = services_of(request), await body_of(request)
    with services.plane.admit("samples"):
        reports = await read_request(read_samples, body, services.settings.max_items)
        receipts = await services.plane.observe(reports)
    return json_response(receipts_by_link(reports, receipts))


def receipts_by_link(
    reports: Sequence[SampleReport], receipts: Sequence[Receipt]
) -> dict[str, Any]:
    """Return the wire form of the receipts of a bulk call, and what it refused, in order."""
    pairs = zip(reports, receipts, strict=True)
    return {
        "links": {report.link_id: receipt.as_dict() for report, receipt in pairs},
        "refused": [sample.as_dict() for sample in all_refused(receipts)],
    }
