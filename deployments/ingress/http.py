"""HTTP without routes: the FastAPI application, bodies in and out, and errors in one form."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, params
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.routing import Match

from pba.errors import Busy, PBAError, StoreUnavailable, Unauthenticated, Unavailable, cut
from pba.types import Forecast

from ..error_codes import error_body, http_status
from .operations import Operations
from .parameter_reading import parameter_error
from .services import Services

__all__ = [
    "BODY_LIMIT_MB",
    "body_of",
    "create_app",
    "http_exception",
    "item_of",
    "json_list",
    "json_response",
    "operations_of",
    "pba_error_response",
    "services_of",
    "unexpected_error_response",
]

BODY_LIMIT_MB = "pba.body_limit_mb"
"""Where the scope of a request has the largest body of its caller."""

_SEND_A_KEY = {"WWW-Authenticate": "Bearer"}
_METHODS = ("GET", "POST", "PUT", "DELETE")
_SUMMARY = "How much bandwidth a network link will have next, and how sure that is."


def create_app(
    routers: Sequence[APIRouter] = (), dependencies: Sequence[params.Depends] = ()
) -> FastAPI:
    """Return an application with the routes of ``routers``, whose errors all have one form.

    Each route runs ``dependencies`` first.
    A path with a slash too many is not redirected: behind a proxy the address would be wrong.
    """
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs/assets",
        title="PBA",
        version="3",
        description=_SUMMARY,
        redirect_slashes=False,
    )
    app.add_exception_handler(PBAError, _pba_error)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(RequestValidationError, _invalid_parameter)
    app.add_exception_handler(Exception, _unexpected_error)
    for router in routers:
        app.include_router(router, dependencies=dependencies)
    return app


async def _pba_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PBAError)
    return pba_error_response(error)


def pba_error_response(error: PBAError) -> Response:
    """Return the response to a request that ended with ``error``."""
    headers = _SEND_A_KEY if isinstance(error, Unauthenticated) else None
    if isinstance(error, Busy | Unavailable):
        headers = {"Retry-After": str(math.ceil(error.retry_after_s))}
    body: dict[str, Any] = {"error": error.body()}
    if isinstance(error, StoreUnavailable) and error.forecasts:
        body["forecasts"] = {link_id: item_of(item) for link_id, item in error.forecasts.items()}
    return json_response(body, http_status(error), headers)


def item_of(item: Forecast | PBAError) -> dict[str, Any]:
    """Return the wire form of a forecast, or of the error in its place."""
    return {"error": item.body()} if isinstance(item, PBAError) else {"forecast": item.as_dict()}


async def http_exception(request: Request, error: Exception) -> Response:
    """Return the response to a request that no route answers."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _other_method(request)
    code = str(error.detail).lower().replace(" ", "_")
    message = f"{cut(request.url.path)}: {error.detail}. The calls are listed at /docs."
    return json_response(error_body(code, message), error.status_code, error.headers)


def _other_method(request: Request) -> Response:
    """Return the response to a method that the path does not have; ``Allow`` has those it has."""
    methods = [method for method in _METHODS if _has_method(request, method)]
    if "GET" in methods:
        methods.insert(0, "HEAD")
    allow = ", ".join([*methods, "OPTIONS"])
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allow})
    message = (
        f"the method is {cut(request.method)}; this path has {allow}. The calls are "
        "listed at /docs."
    )
    return json_response(error_body("method_not_allowed", message), 405, {"Allow": allow})


def _has_method(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


async def _invalid_parameter(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])
    return pba_error_response(parameter_error(name, first))


async def _unexpected_error(_: Request, error: Exception) -> Response:
    return unexpected_error_response(error)


def unexpected_error_response(error: Exception) -> Response:
    """Return the response to a request that ended with an ``error`` of another kind."""
    message = f"{type(error).__name__} inside the service. Its log has the request id."
    return json_response(error_body("internal", message), 500)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return ``value`` as a JSON response; NaN and infinities become null."""
    content = to_json(value, inf_nan_mode="null")
    return Response(content, status, headers, media_type="application/json")


def json_list(name: str, items: Iterable[Any], **others: Any) -> Response:
    """Return the list ``name`` of ``items``, and ``others`` after it, as a JSON response.

    Each item is written for itself, so that a thread lets others have their turn between.
    """
    parts = b",".join(to_json(item, inf_nan_mode="null") for item in items)
    rest = b"".join(
        b',"%s":%s' % (other.encode(), to_json(value)) for other, value in others.items()
    )
    content = b'{"%s":[%s]%s}' % (name.encode(), parts, rest)
    return Response(content, media_type="application/json")


def services_of(request: Request) -> Services:
    """Return the services of the replica that answers ``request``."""
    services: Services = request.app.state.services
    return services


def operations_of(request: Request) -> Operations:
    """Return what operators see and change, on the replica that answers ``request``."""
    return services_of(request).operations


async def body_of(request: Request, limit_mb: float = 16.0) -> bytes | bytearray:
    """Return the body of ``request``, of at most ``limit_mb`` million bytes, and as its caller may.

    As `request_body.BodyReader.read`. Only calls that are read in pieces take more than the
    default: what is decoded at once holds the interpreter's lock.
    """
    limit_mb = min(limit_mb, request.scope.get(BODY_LIMIT_MB, limit_mb))
    return await services_of(request).bodies.read(request, limit_mb)
