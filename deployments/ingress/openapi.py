"""Route options that describe a call in OpenAPI: request body, response model, every status."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response
from pydantic import BaseModel

from pba.security.calls import CALLS, PUBLIC

from .examples import BODIES
from .response_models import ErrorResponse

__all__ = ["EVENT_STREAM", "call_of", "describe_call", "describe_stream"]

EVENT_STREAM = "text/event-stream"
"""The media type of server-sent events."""

_STATUSES = {
    400: "The body is not JSON.",
    401: "The call has no valid key, and the service needs one.",
    403: "The key has another role or is for other links, or a browser sends it for another site.",
    404: "There is nothing of that name.",
    409: "Somebody else changed it since the caller read it.",
    413: "The body, or the number of its items, is too large.",
    415: "The body is no application/json, or has an encoding other than gzip.",
    422: "A value breaks a rule; the error says which, and what to do.",
    429: "The service is overloaded; try again as Retry-After says.",
    500: "An error inside the service.",
    503: "The store, the registry or a model is unavailable; try again as Retry-After says.",
}
_ALWAYS = (
    403,
    429,
    500,
)  # 403 by `request_guard`; Serve answers 429 for a router whose queue is full
_INTERNAL, _UNAVAILABLE = 500, 503
_JSON = "application/json"
_BODY_STATUSES = (400, 413, 415, 422)
_KEY_STATUSES = (401, 503)
_CALL = "x-pba-call"
_EVENT = {
    "type": "object",
    "description": "One event of the stream; data is JSON as text.",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}


def describe_call(
    call: str,
    response: type[BaseModel],
    request: type[msgspec.Struct] | None = None,
    statuses: Iterable[HTTPStatus | int] = (),
    unavailable: type[BaseModel] | None = None,
    error: type[BaseModel] = ErrorResponse,
) -> dict[str, Any]:
    """Return the options of a route.

    Bodies are described and not parsed by FastAPI: `request_reading` reads them, once.

    Parameters
    ----------
    call
        The name in `pba.security.calls.CALLS`, which says who may call; or `PUBLIC`.
    response
        The model of a successful response.
    request
        The model of the request body, None without a body.
    statuses
        The statuses of errors beside 403, 429, 500, with a body 400, 413, 415 and 422, and, where
        a key is needed, 401 and 503.
    unavailable
        The model of a response with status 503, where it is another than ``error``.
    error
        The model of the response to an error.
    """
    if call != PUBLIC and call not in CALLS:
        raise ValueError(f"call is {call!r}; who may make it is said in pba/security/calls.py.")
    codes = {*_ALWAYS, *map(int, statuses), *(_BODY_STATUSES if request else ())}
    codes |= set() if call == PUBLIC else set(_KEY_STATUSES)
    options: dict[str, Any] = {
        "response_model": response,
        "responses": {code: _described(code, error) for code in sorted(codes)},
        "openapi_extra": {_CALL: call},
    }
    if unavailable is not None:
        options["responses"][_UNAVAILABLE] = {
            "description": _STATUSES[_UNAVAILABLE],
            "model": unavailable,
        }
    if request is not None:
        schema = _inlined(msgspec.json.schema(request))
        content = {_JSON: {"schema": schema, "example": BODIES[request.__name__]}}
        options["openapi_extra"]["requestBody"] = {"content": content, "required": True}
    return options


def describe_stream(call: str, items: str) -> dict[str, Any]:
    """Return the options of a route that answers with a stream of server-sent events.

    Parameters
    ----------
    call
        As for `describe_call`.
    items
        What the stream sends.
    """
    options = describe_call(call, ErrorResponse, statuses=(404, 422, 503))
    content = {EVENT_STREAM: {"schema": _EVENT}}
    options["responses"][200] = {"description": items, "content": content}
    del options["response_model"]
    return {**options, "response_class": Response}


def _described(code: int, error: type[BaseModel]) -> dict[str, Any]:
    """Return the description of an error.

    The one of `_INTERNAL`, which each route has, brings in the model, and the others refer to it:
    FastAPI makes a validator of each model that it is given, ten a route.
    """
    schema = {"$ref": f"#/components/schemas/{error.__name__}"}
    body = {"model": error} if code == _INTERNAL else {"content": {_JSON: {"schema": schema}}}
    return {"description": _STATUSES[code], **body}


def call_of(route: Any) -> str | None:
    """Return the name of the call that a route is described with, None for any other route."""
    extra: dict[str, Any] = getattr(route, "openapi_extra", None) or {}
    return extra.get(_CALL)


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Return ``schema`` with its definitions in place of references to them."""
    definitions = schema.get("$defs", {})

    def replace(part: Any) -> Any:
        if isinstance(part, list):
            return [replace(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return replace(definitions[part["$ref"].rsplit("/", 1)[-1]])
        return {key: replace(value) for key, value in part.items() if key != "$defs"}

    inlined: dict[str, Any] = replace(schema)
    return inlined
