"""The rollout: flags, and how the arms compare."""

from fastapi import APIRouter, Request, Response

from ..access_control import identity_of
from ..http import body_of, json_response, operations_of
from ..openapi import describe_call
from ..parameters import Since
from ..report_models import FlagsResponse, RolloutResponse
from ..request_models import FlagsRequest

__all__ = ["router"]

router = APIRouter(tags=["rollout"])


@router.get("/v1/flags", **describe_call("flags", FlagsResponse))
async def get_flags(request: Request) -> Response:
    """Return the flags, their version, and who changed them last."""
    return await operations_of(request).flags(identity_of(request.scope), json_response)


@router.put(
    "/v1/flags",
    **describe_call("set_flags", FlagsResponse, FlagsRequest, statuses=(409, 503)),
)
async def put_flags(request: Request) -> Response:
    """Change flags, unless somebody else has changed them since the caller read them."""
    identity, body = identity_of(request.scope), await body_of(request)
    return await operations_of(request).set_flags(identity, json_response, body)


@router.get(
    "/v1/rollout",
    **describe_call("rollout", RolloutResponse, statuses=(422, 503)),
)
async def get_rollout(request: Request, since: Since = None) -> Response:
    """Compare v3 with v1 on the moments for which both have a forecast."""
    identity = identity_of(request.scope)
    return await operations_of(request).rollout(identity, json_response, since)
