"""Route options that describe a call in OpenAPI: request body, response model, every status."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import BaseModel

from .examples import BODIES
from .response_models import ErrorResponse

__all__ = ["describe_call"]

_STATUSES = {
    400: "The body is not JSON.",
    403: "A browser sends it for a page of another site.",
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
_BODY_STATUSES = (400, 413, 415, 422)


def describe_call(
    response: type[BaseModel],
    request: type[msgspec.Struct] | None = None,
    statuses: Iterable[HTTPStatus | int] = (),
    unavailable: type[BaseModel] = ErrorResponse,
) -> dict[str, Any]:
    """Return the options of a route.

    Bodies are described and not parsed by FastAPI: `request_reading` reads them, once.

    Parameters
    ----------
    response
        The model of a successful response.
    request
        The model of the request body, None without a body.
    statuses
        The statuses of errors beside 403, 429, 500 and, with a body, 400, 413, 415 and 422.
    unavailable
        The model of a response with status 503.
    """
    codes = {*_ALWAYS, *map(int, statuses), *(_BODY_STATUSES if request else ())}
    options: dict[str, Any] = {
        "response_model": response,
        "responses": {
            code: {
                "model": unavailable if code == HTTPStatus.SERVICE_UNAVAILABLE else ErrorResponse,
                "description": _STATUSES[code],
            }
            for code in sorted(codes)
        },
    }
    if request is not None:
        schema = _inlined(msgspec.json.schema(request))
        content = {"application/json": {"schema": schema, "example": BODIES[request.__name__]}}
        options["openapi_extra"] = {"requestBody": {"content": content, "required": True}}
    return options


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
