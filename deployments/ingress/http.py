"""HTTP around the router: the FastAPI app, bodies in and out, errors in one shape, OpenAPI."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from pba.errors import Busy, PBAError, TooLarge, Unavailable
from pba.types import COLUMNS, History, rfc3339_of

from .. import error_codes
from . import examples
from .response_models import ErrorAnswer

__all__ = [
    "From",
    "Limit",
    "LinkId",
    "Since",
    "To",
    "api",
    "documented",
    "history",
    "json",
    "read_body",
    "span",
]

_RETRY_AFTER_S = "1"
_FOREVER_S = 253_402_300_799.0
LinkId = Annotated[str, Path(description="As it was reported.", examples=[examples.LINK_ID])]
Limit = Annotated[int, Query(ge=1, le=10_000, description="The most items of the answer.")]
Since = Annotated[datetime | float | None, Query(description="Unix s or RFC 3339.")]
From = Annotated[datetime | float | None, Query(alias="from", description="Unix s or RFC 3339.")]
To = Annotated[datetime | float | None, Query(alias="to", description="Unix s or RFC 3339.")]

_CHANGES = ((404, "nothing under that name"), (409, "not what the caller saw"))
_SUMMARY = "How much bandwidth a network link will have next, and how sure that is."


def api() -> FastAPI:
    """Return the app without its routes: title, and errors in one shape."""
    app = FastAPI(title="PBA", version="3", description=_SUMMARY, redoc_url=None)

    @app.exception_handler(PBAError)
    async def _ours(_: Request, error: PBAError) -> Response:
        headers = {"Retry-After": _RETRY_AFTER_S} if isinstance(error, Busy | Unavailable) else None
        return json({"error": error.body()}, error_codes.status(error), headers)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        code = str(error.detail).lower().replace(" ", "_")
        message = f"{error.detail}. The calls are listed at /docs."
        return json(error_codes.body(code, message), error.status_code)

    @app.exception_handler(RequestValidationError)
    async def _parameters(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        message = f"{field} is {first.get('input')!r}; {first['msg']}."
        return json(error_codes.body("invalid_request", message, field), 422)

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, error: Exception) -> Response:
        message = f"{type(error).__name__} inside the service. Its log has the request id."
        return json(error_codes.body("internal", message), 500)

    return app


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return ``value`` as a JSON answer; NaN and infinities must not be in it."""
    content = to_json(value, inf_nan_mode="null")
    return Response(content, status, headers, media_type="application/json")


def span(since: datetime | float | None, until: datetime | float | None) -> tuple[float, float]:
    """Return two moments in Unix seconds; all of time where none is given."""
    return _moment(since, 0.0), _moment(until, _FOREVER_S)


def _moment(given: datetime | float | None, default: float) -> float:
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
    return default if given is None else given


def history(samples: History, forecasts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the wire form of a link's past."""
    rows = zip(samples.timestamps_s.tolist(), samples.telemetry.tolist(), strict=True)
    measured = [
        {"timestamp": rfc3339_of(at)}
        | {
            name: None if value != value else value
            for name, value in zip(COLUMNS, row, strict=True)
        }
        for at, row in rows
    ]
    made = [
        {
            "after": rfc3339_of(one.pop("after_s")),
            "made_at": rfc3339_of(one.pop("made_at_s")),
            **one,
        }
        for one in forecasts
    ]
    return {"samples": measured, "forecasts": made}


async def read_body(request: Request, most_mb: float) -> bytes:
    """Return the body of ``request``, read no further than ``most_mb`` million bytes.

    Raises
    ------
    TooLarge
        Before a larger body is held in memory.
    """
    most = int(most_mb * 1e6)
    size = int(request.headers.get("content-length") or 0)
    chunks, held = [], 0
    if size <= most:
        async for chunk in request.stream():
            held += len(chunk)
            if held > most:
                break
            chunks.append(chunk)
    if max(size, held) > most:
        raise TooLarge(f"the body is over {most_mb:g} MB, the most one call carries. Split it.")
    return b"".join(chunks)


def documented(
    given: type[BaseModel], answer: type[BaseModel], changes: bool = False
) -> dict[str, Any]:
    """Return route options that describe body and answer in OpenAPI without parsing them twice."""
    schema = given.model_json_schema(ref_template="#/components/schemas/{model}")
    example = examples.BODIES[given.__name__]
    content = {"application/json": {"schema": _inlined(schema), "example": example}}
    failures = {
        code: {"model": ErrorAnswer, "description": text}
        for code, text in (
            (400, "not JSON"),
            (413, "too large"),
            (422, "invalid"),
            (429, "busy: wait as Retry-After says"),
            (503, "models away"),
            *(_CHANGES if changes else ()),
        )
    }
    return {
        "response_model": answer,
        "responses": failures,
        "openapi_extra": {"requestBody": {"content": content, "required": True}},
    }


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
