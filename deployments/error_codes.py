"""The one table from PBA's errors to protocol codes, and the body of every error."""

from http import HTTPStatus
from typing import Any, NamedTuple

from grpc import StatusCode

from pba.errors import (
    BadArtifact,
    Busy,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    NotJson,
    PBAError,
    TooLarge,
    TooSlow,
    Unavailable,
    UnsupportedMediaType,
)

__all__ = ["STATUS", "ErrorCodes", "error_body", "grpc_status", "http_status"]


class ErrorCodes(NamedTuple):
    """The status of one kind of error in each protocol."""

    http: HTTPStatus
    grpc: StatusCode


STATUS: dict[type[PBAError], ErrorCodes] = {
    NotJson: ErrorCodes(HTTPStatus.BAD_REQUEST, StatusCode.INVALID_ARGUMENT),
    UnsupportedMediaType: ErrorCodes(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, StatusCode.INVALID_ARGUMENT
    ),
    TooLarge: ErrorCodes(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, StatusCode.INVALID_ARGUMENT),
    InvalidInput: ErrorCodes(HTTPStatus.UNPROCESSABLE_ENTITY, StatusCode.INVALID_ARGUMENT),
    Forbidden: ErrorCodes(HTTPStatus.FORBIDDEN, StatusCode.PERMISSION_DENIED),
    NotFound: ErrorCodes(HTTPStatus.NOT_FOUND, StatusCode.NOT_FOUND),
    Conflict: ErrorCodes(HTTPStatus.CONFLICT, StatusCode.ABORTED),
    Busy: ErrorCodes(HTTPStatus.TOO_MANY_REQUESTS, StatusCode.RESOURCE_EXHAUSTED),
    TooSlow: ErrorCodes(HTTPStatus.REQUEST_TIMEOUT, StatusCode.DEADLINE_EXCEEDED),
    Unavailable: ErrorCodes(HTTPStatus.SERVICE_UNAVAILABLE, StatusCode.UNAVAILABLE),
    BadArtifact: ErrorCodes(HTTPStatus.UNPROCESSABLE_ENTITY, StatusCode.FAILED_PRECONDITION),
    PBAError: ErrorCodes(HTTPStatus.INTERNAL_SERVER_ERROR, StatusCode.INTERNAL),
}
"""The entry of the most specific class of an error applies."""


def http_status(error: PBAError) -> HTTPStatus:
    """Return the HTTP status of ``error``."""
    return _codes(error).http


def grpc_status(error: PBAError) -> StatusCode:
    """Return the gRPC status of ``error``."""
    return _codes(error).grpc


def error_body(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """Return the body of an error that is not a `PBAError`, in the same form."""
    detail = {"code": code, "message": message}
    return {"error": detail if field is None else {**detail, "field": field}}


def _codes(error: PBAError) -> ErrorCodes:
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
