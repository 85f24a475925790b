"""From pydantic's errors to those of `pba.errors`: rule, value received, remedy."""

from collections.abc import Callable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pba.errors import InvalidRequest, InvalidSample, NotJson, PBAError
from pba.types import LIMITS

__all__ = ["explain"]

_MAX_SHOWN = 60


def explain(error: ValidationError) -> PBAError:
    """Return the first mistake in ``error`` as an error for the caller."""
    detail = error.errors(include_url=False)[0]
    if detail["type"] == "json_invalid":
        return NotJson(f"the body is not JSON: {detail['ctx']['error']}. Send a JSON object.")
    location = detail["loc"]
    if "timestamp" in location and detail["type"] != "missing":
        location = location[: location.index("timestamp") + 1]
        return InvalidRequest(
            f"timestamp is {_shown(detail)}; it is RFC 3339 text or a number of Unix seconds.",
            _path(location),
        )
    field = _path(location) or None
    column = next((name for name in reversed(detail["loc"]) if name in LIMITS), None)
    if column and detail["type"] in ("float_type", "finite_number"):
        limit = LIMITS[str(column)]
        remedy = "Drop the sample" if column == "bandwidth_mbps" else "Leave the field out"
        return InvalidSample(
            f"{column} is {_shown(detail)}; it is {limit.rule}, as a JSON number. {remedy} where "
            "nothing was measured.",
            field,
        )
    return InvalidRequest(_RULES.get(detail["type"], _general)(detail), field)


def _general(detail: ErrorDetails) -> str:
    return f"{_path(detail['loc']) or 'the body'} is {_shown(detail)}; {detail['msg']}."


def _unknown(detail: ErrorDetails) -> str:
    return f"{detail['loc'][-1]} is not a field here. Remove it; the fields are listed at /docs."


def _missing(detail: ErrorDetails) -> str:
    return f"{detail['loc'][-1]} is missing and is required. Add it."


_RULES: dict[str, Callable[[ErrorDetails], str]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
}


def _shown(detail: ErrorDetails) -> str:
    text = repr(detail["input"])
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _path(location: tuple[int | str, ...]) -> str:
    """Return ``history[12].packet_loss`` for ``("history", 12, "packet_loss")``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")
