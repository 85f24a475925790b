"""Health: whether the process is up, and whether the service is ready."""

from fastapi import APIRouter, Request, Response

from pba.errors import Unavailable

from ..http import json_response, services_of
from ..openapi import describe_call
from ..report_models import StatusResponse

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/livez", **describe_call(StatusResponse))
async def livez() -> Response:
    """Return that the process is up."""
    return json_response({"status": "alive"})


@router.get("/readyz", **describe_call(StatusResponse, statuses=(503,)))
async def readyz(request: Request) -> Response:
    """Return whether the models are loaded and the store answers; 503 otherwise."""
    problems = await services_of(request).status.problems()
    if problems:
        raise Unavailable(f"not ready: {problems}. Look at the logs of the deployments named.")
    return json_response({"status": "ready"})
