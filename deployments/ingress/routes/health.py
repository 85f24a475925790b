"""Health: whether the process is up, and whether the service is ready."""

from fastapi import APIRouter, Request, Response

from pba.errors import Unavailable
from pba.security.calls import PUBLIC

from ..access_control import known_identity
from ..http import json_response, services_of
from ..openapi import describe_call
from ..report_models import StatusResponse

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/livez", **describe_call(PUBLIC, StatusResponse))
async def livez() -> Response:
    """Return that the process is up."""
    return json_response({"status": "alive"})


@router.get("/readyz", **describe_call(PUBLIC, StatusResponse, statuses=(503,)))
async def readyz(request: Request) -> Response:
    """Return whether the models are loaded and the store answers; 503 otherwise.

    Callers without a key, where keys are needed, do not get the causes.
    """
    problems = await services_of(request).problems()
    if problems and known_identity(request.scope) is None:
        raise Unavailable("not ready. Send a key to see why, or look at the logs.")
    if problems:
        raise Unavailable(f"not ready: {problems}. Look at the logs of the deployments named.")
    return json_response({"status": "ready"})
