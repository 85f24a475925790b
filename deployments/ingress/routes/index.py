"""The root: what answers here, and where its calls are listed."""

from fastapi import APIRouter, Request, Response

from pba.security.calls import PUBLIC

from ..http import json_response
from ..openapi import describe_call
from ..report_models import IndexResponse

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/", **describe_call(PUBLIC, IndexResponse))
async def get_index(request: Request) -> Response:
    """Return what answers here, and where its calls are listed."""
    root_path = request.scope.get("root_path", "")
    paths = {"docs": "/docs", "openapi": "/openapi.json", "ready": "/readyz"}
    links = {name: root_path + path for name, path in paths.items()}
    return json_response({"service": request.app.title, "version": request.app.version, **links})
