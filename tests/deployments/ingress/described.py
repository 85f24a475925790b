"""Whether responses are as the OpenAPI description says."""

from typing import Any

import httpx
from fastapi.routing import APIRoute
from pydantic import BaseModel

from deployments.ingress.inference_errors import is_inference
from deployments.ingress.inference_models import InferenceErrorResponse
from deployments.ingress.openapi import EVENT_STREAM
from deployments.ingress.response_models import ErrorResponse
from deployments.ingress.routes import ROUTERS

ROUTES: dict[tuple[str, str], APIRoute] = {
    (method, route.path): route
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
}
"""Every route by method and path."""


def assert_described(route: APIRoute, status: int, body: Any) -> None:
    """Check that ``route`` documents ``status``, and that its model has all keys of ``body``.

    A stream has no model: its body is None.
    """
    if status == 200 and is_stream(route):
        assert body is None
    elif status == 200:
        _assert_has_keys(route.response_model, body)
    else:
        assert status in route.responses, f"{route.path} does not document {status}"
        _assert_has_keys(error_model(route.path), body)


def error_model(path: str) -> type[BaseModel]:
    """Return the model of the errors of a path."""
    return InferenceErrorResponse if is_inference(path) else ErrorResponse


def is_stream(route: APIRoute) -> bool:
    """Return whether a route answers with server-sent events."""
    return EVENT_STREAM in route.responses.get(200, {}).get("content", {})


def body_of(response: httpx.Response) -> Any:
    """Return the JSON of a response, None for a stream."""
    is_json = response.headers["content-type"].startswith("application/json")
    return response.json() if is_json else None


def route_of(response: httpx.Response) -> APIRoute:
    """Return the route that answered."""
    path, method = response.request.url.path, response.request.method
    routes = (route for (name, _), route in ROUTES.items() if name == method)
    return next(route for route in routes if route.path_regex.match(path))


def _assert_has_keys(model: type[BaseModel], body: Any) -> None:
    described = model.model_validate(body).model_dump(by_alias=True, exclude_unset=True)
    assert _keys(described) == _keys(body), model.__name__


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _keys(item) for key, item in value.items()}
    return [_keys(item) for item in value] if isinstance(value, list | tuple) else None
