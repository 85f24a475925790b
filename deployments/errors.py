"""The one table from PBA's errors to protocol codes, and the body that every error has."""

from http import HTTPStatus
from typing import Any

from pba.errors import (
    BadArtifact,
    Busy,
    InvalidInput,
    NotFound,
    NotJson,
    PBAError,
    TooLarge,
    Unavailable,
)

__all__ = ["STATUS", "body", "status"]

STATUS: dict[type[PBAError], HTTPStatus] = {
    NotJson: HTTPStatus.BAD_REQUEST,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Busy: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    BadArtifact: HTTPStatus.SERVICE_UNAVAILABLE,
    PBAError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The most specific class that an error is of decides."""


def status(error: PBAError) -> HTTPStatus:
    """Return the HTTP status of ``error``."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def body(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """Return the body that every error has."""
    told = {"code": code, "message": message}
    return {"error": told if field is None else {**told, "field": field}}
