"""What responses mean: a value, an error of the service, or an answer that is not the service's.

Between a client and the service there may be a proxy, a login page or the wrong server. Whatever
they send becomes a `PBAError` with the status and the beginning of the text.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from pba.errors import Busy, PBAError, Unavailable, from_body
from pba.types import Forecast

__all__ = ["anything", "document", "documents_under", "forecasts", "read", "unreachable"]

T = TypeVar("T")

_EXCERPT = 200
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read(response: httpx.Response, parse: Callable[[Any], T]) -> T:
    """Return ``parse`` of the JSON that a successful response carries.

    Raises
    ------
    PBAError
        The error that the service sent. `Busy` for 429 and `Unavailable` for all else where the
        answer is not the service's: not JSON, or JSON of another shape.
    """
    try:
        if response.is_success:
            return parse(response.json())
        error = _error(response.json()["error"])
    except _UNREADABLE as cause:
        raise _foreign(response) from cause
    raise error


def unreachable(error: httpx.RequestError) -> Unavailable:
    """Return the error for a request that got no answer, or one that HTTP cannot read."""
    return Unavailable(
        f"{_address(error.request.url)} does not answer: {error!r}. Start the service with "
        "`make serve`, or check the address and what lies in between."
    )


def document(value: Any) -> dict[str, Any]:
    """Return ``value``, which is a JSON object."""
    if not isinstance(value, dict):
        raise TypeError(f"a JSON object was expected, not {type(value).__name__}")
    return value


def documents_under(key: str) -> Callable[[Any], dict[str, Any]]:
    """Return a parser of the JSON object below ``key``."""
    return lambda value: document(document(value)[key])


def anything(_: Any) -> None:
    """Accept any JSON and return nothing."""


def forecasts(value: Any) -> list[Forecast | PBAError]:
    """Return the forecast or the error of each item, in order."""
    return [
        Forecast.from_dict(item["forecast"]) if "forecast" in item else _error(item["error"])
        for item in value["forecasts"]
    ]


def _error(body: Any) -> PBAError:
    code, message, field = body["code"], body["message"], body.get("field")
    if not (isinstance(code, str) and isinstance(message, str) and isinstance(field, str | None)):
        raise TypeError("code, message and field of an error are strings")
    return from_body(body)


def _foreign(response: httpx.Response) -> PBAError:
    kind = Busy if response.status_code == 429 else Unavailable
    target = response.headers.get("location")
    redirect = f" (a redirect to {target[:_EXCERPT]})" if target else ""
    return kind(
        f"{_address(response.url)} answered {response.status_code}{redirect}, but not as PBA does: "
        f"{response.text[:_EXCERPT]!r}. Check the address and what lies in between."
    )


def _address(url: httpx.URL) -> str:
    """Return scheme, host and port; a path may name links, and a URL may carry a password."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
