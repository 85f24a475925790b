"""HTTP without routes: the FastAPI application, bodies in and out, and errors in one form."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from pba.errors import Busy, PBAError, TooLarge, Unavailable

from ..error_codes import error_body, http_status
from .services import Services

__all__ = [
    "body_of",
    "create_app",
    "json_response",
    "pba_error_response",
    "read_body",
    "services_of",
    "unexpected_error_response",
]

_RETRY_AFTER = {"Retry-After": "1"}
_SUMMARY = "How much bandwidth a network link will have next, and how sure that is."


def create_app(routers: Sequence[APIRouter] = ()) -> FastAPI:
    """Return an application with the routes of ``routers``, whose errors all have one form."""
    app = FastAPI(title="PBA", version="3", description=_SUMMARY, redoc_url=None)
    app.add_exception_handler(PBAError, _pba_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _invalid_parameter)
    app.add_exception_handler(Exception, _unexpected_error)
    for router in routers:
        app.include_router(router)
    return app


async def _pba_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PBAError)
    return pba_error_response(error)


def pba_error_response(error: PBAError) -> Response:
    """Return the response to a request that ended with ``error``."""
    headers = _RETRY_AFTER if isinstance(error, Busy | Unavailable) else None
    return json_response({"error": error.body()}, http_status(error), headers)


async def _http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = str(error.detail).lower().replace(" ", "_")
    message = f"{error.detail}. The calls are listed at /docs."
    return json_response(error_body(code, message), error.status_code)


async def _invalid_parameter(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    message = f"{field} is {first.get('input')!r}; {first['msg']}."
    return json_response(error_body("invalid_request", message, field), 422)


async def _unexpected_error(_: Request, error: Exception) -> Response:
    return unexpected_error_response(error)


def unexpected_error_response(error: Exception) -> Response:
    """Return the response to a request that ended with an ``error`` of another kind."""
    message = f"{type(error).__name__} inside the service. Its log has the request id."
    return json_response(error_body("internal", message), 500)


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return ``value`` as a JSON response; NaN and infinities become null."""
    content = to_json(value, inf_nan_mode="null")
    return Response(content, status, headers, media_type="application/json")


async def read_body(request: Request, limit_mb: float) -> bytes:
    """Return the body of ``request``, of at most ``limit_mb`` million bytes.

    Raises
    ------
    TooLarge
        Before a larger body is in memory.
    """
    limit = int(limit_mb * 1e6)
    size = int(request.headers.get("content-length") or 0)
    chunks, received = [], 0
    if size <= limit:
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit:
                break
            chunks.append(chunk)
    if max(size, received) > limit:
        raise TooLarge(f"the body is over {limit_mb:g} MB, the most one call carries. Split it.")
    return b"".join(chunks)


def services_of(request: Request) -> Services:
    """Return the services of the replica that answers ``request``."""
    services: Services = request.app.state.services
    return services


async def body_of(request: Request) -> bytes:
    """Return the body of ``request``; raises `TooLarge` for one over ``PBA_MAX_BODY_MB``."""
    return await read_body(request, services_of(request).settings.max_body_mb)
