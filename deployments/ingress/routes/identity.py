"""The caller: who it is for the service, and what it may do."""

from fastapi import APIRouter, Request, Response

from ..access_control import identity_of
from ..http import json_response, operations_of
from ..openapi import describe_call
from ..report_models import IdentityResponse

__all__ = ["router"]

router = APIRouter(tags=["access"])


@router.get("/v1/whoami", **describe_call("whoami", IdentityResponse))
async def get_whoami(request: Request) -> Response:
    """Return the name, role and links of the caller's key; without keys everybody is admin."""
    return await operations_of(request).whoami(identity_of(request.scope), json_response)
