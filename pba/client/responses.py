"""What responses mean: a value, an error of the service, or an answer that is not the service's.

Between a client and the service there may be a proxy, a login page or the wrong server. Whatever
they send becomes a `PBAError` with the status and the beginning of the text.
"""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

import httpx

from pba.client.masking import masked, without_secrets
from pba.errors import Busy, PBAError, StoreUnavailable, Unavailable, from_body
from pba.types import Forecast
from pba.types.transfer import TransferForecast

__all__ = [
    "EVENTS",
    "FLAGS",
    "HISTORY",
    "LINK",
    "LINKS",
    "METRICS",
    "ROLLOUT",
    "alarms",
    "anything",
    "documents_under",
    "foreign",
    "forecasts",
    "read",
    "receipt",
    "receipts",
    "series",
    "transfers",
    "unreachable",
]

T = TypeVar("T")

_EXCERPT = 200
_SEARCHED = 2000
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
        error = _error_of(response.json())
    except _UNREADABLE as cause:
        raise foreign(response) from cause
    raise error


def unreachable(error: httpx.RequestError) -> Unavailable:
    """Return the error for a request that got no answer, or one that HTTP cannot read."""
    remedy = "Start the service with `pba serve`, or check the address and what lies in between."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        remedy = "Name the authority that signed its certificate, as ca or SSL_CERT_FILE."
    if "CERTIFICATE_REQUIRED" in str(error):
        remedy = "It answers only callers with a certificate. Name yours and its key, as cert."
    return Unavailable(
        f"{_address(error.request.url)} does not answer: "
        f"{without_secrets(repr(error), error.request)}. {remedy}"
    )


def documents_under(key: str) -> Callable[[Any], dict[str, Any]]:
    """Return a parser of the JSON object below ``key``."""
    return lambda value: _document(_document(value)[key])


def series(value: Any) -> list[dict[str, Any]]:
    """Return the list of ``series``, each with its points."""
    items = _document(value)["series"]
    return [_document(item, ("points",)) for item in items]


def anything(_: Any) -> None:
    """Accept any JSON and return nothing."""


def _document(value: Any, keys: Collection[str] = ()) -> dict[str, Any]:
    """Return ``value``, which is a JSON object with ``keys``."""
    if not isinstance(value, dict):
        raise TypeError(f"a JSON object was expected, not {type(value).__name__}")
    if not value.keys() >= set(keys):
        raise LookupError(f"a JSON object with {', '.join(keys)} was expected")
    return value


def _parser(*keys: str) -> Callable[[Any], dict[str, Any]]:
    return lambda value: _document(value, keys)


FLAGS = _parser("version", "flags")
LINK = _parser("link_id")
METRICS = _parser("overall", "modes")
ROLLOUT = _parser("since", "versions", "overall", "modes")
LINKS = _parser("links", "cursor")
HISTORY = _parser("samples", "forecasts")
EVENTS = _parser("events", "cursor")
"""The last seven: parsers of a JSON object, by some of its keys, which no other service has."""


def alarms(value: Any) -> list[dict[str, Any]]:
    """Return the open drift alarms."""
    return [_document(alarm, ("opened_s",)) for alarm in _document(value)["alarms"]]


def forecasts(value: Any) -> list[Forecast | PBAError]:
    """Return the forecast or the error of each item, in order."""
    return [_item(item) for item in value["forecasts"]]


def transfers(value: Any) -> list[TransferForecast | PBAError]:
    """Return the answer or the error of each item, in order."""
    parse, items = TransferForecast.from_dict, value["transfers"]
    return [parse(one["transfer"]) if "transfer" in one else _error(one["error"]) for one in items]


def receipt(value: Any) -> dict[str, Any]:
    """Return the receipt of one link; its ``forecast``, or the ``error`` in its place, are read."""
    document = _document(value, ("accepted",))
    names = document.keys() & {"forecast", "error"}
    return document | {name: _item({name: document[name]}) for name in names}


def receipts(value: Any) -> dict[str, dict[str, Any]]:
    """Return the receipt of each link."""
    links = _document(_document(value)["links"])
    return {link_id: receipt(document) for link_id, document in links.items()}


def _item(item: Any) -> Forecast | PBAError:
    return Forecast.from_dict(item["forecast"]) if "forecast" in item else _error(item["error"])


def _error_of(document: Any) -> PBAError:
    """Return the error in ``document``, with the forecasts that the service sent beside it."""
    error = _error(document["error"])
    if isinstance(error, StoreUnavailable) and "forecasts" in document:
        forecasts = _document(document["forecasts"])
        error.forecasts = {link_id: _item(item) for link_id, item in forecasts.items()}
    return error


def _error(body: Any) -> PBAError:
    code, message, field = body["code"], body["message"], body.get("field")
    if not (isinstance(code, str) and isinstance(message, str) and isinstance(field, str | None)):
        raise TypeError("code, message and field of an error are strings")
    return from_body(body)


def foreign(response: httpx.Response) -> PBAError:
    """Return the error for an answer that is not the service's."""
    kind = Busy if response.status_code == 429 else Unavailable
    target = masked(response.headers.get("location", "").partition("?")[0])
    redirect = f" (a redirect to {target[:_EXCERPT]})" if target else ""
    text = without_secrets(response.text[:_SEARCHED], response.request)
    return kind(
        f"{_address(response.url)} answered {response.status_code}{redirect}, but not as PBA does: "
        f"{text[:_EXCERPT]!r}. Check the address and what lies in between."
    )


def _address(url: httpx.URL) -> str:
    """Return scheme, host and port; a path may name links, and a URL may carry a password."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
