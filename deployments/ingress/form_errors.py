"""From msgspec's errors to those of `pba.errors`: rule, what was received, remedy.

A fault of form (JSON, types, names of fields) ends the reading of a body at the first one. Faults
of values are found later, sample by sample (`pba.types.SampleTable`).
"""

import re
from typing import get_args

import msgspec

from pba.errors import InvalidRequest, InvalidSample, NotJson, PBAError, cut
from pba.types import LIMITS

from .request_models import Mode

__all__ = ["form_error", "not_json"]

_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_TYPE = re.compile(r"Expected `(.*)`, got `(.*)`")
_WORDS = {
    "array": "an array",
    "bool": "a boolean",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "text",
}
_TIME_RULE = "it is RFC 3339 text or a number of Unix seconds"


def form_error(error: msgspec.ValidationError) -> PBAError:
    """Return the fault that ``error`` stands for, as an error for the caller."""
    rule, _, path = str(error).rpartition(" - at `$")
    if not rule:
        rule, path = str(error), ""
    field = path.removesuffix("`").removesuffix("[...]").removeprefix(".")
    if unknown := _UNKNOWN.fullmatch(rule):
        name = cut(unknown[1])
        message = f"{name} is not a field here. Remove it; the fields are listed at /docs."
        return InvalidRequest(message, _inside(field, name))
    if missing := _MISSING.fullmatch(rule):
        message = f"{missing[1]} is missing and is required. Add it."
        return InvalidRequest(message, _inside(field, missing[1]))
    return _value_error(rule, field)


def not_json(cause: Exception) -> NotJson:
    """Return the error of a body that is not JSON."""
    return NotJson(f"the body is not JSON: {cut(str(cause))}. Send a JSON object.")


def _value_error(rule: str, field: str) -> PBAError:
    """Return the error of a value of the wrong type, or of a text or number that is not allowed."""
    name = re.sub(r"\[\d+\]$", "", field).rpartition(".")[2]
    expected, received = _expected_and_received(rule)
    if name == "timestamp":
        return InvalidRequest(f"timestamp is {received}; {_TIME_RULE}.", field)
    if name in LIMITS:
        remedy = "Drop the sample" if name == "bandwidth_mbps" else "Leave the field out"
        return InvalidSample(
            f"{name} is {received}; it is {LIMITS[name].rule}, as a JSON number. {remedy} where "
            "nothing was measured.",
            field,
        )
    return InvalidRequest(f"{field or 'the body'} is {received}; {expected}.", field or None)


def _expected_and_received(rule: str) -> tuple[str, str]:
    """Return rule and value of a message of msgspec, in words.

    >>> _expected_and_received("Expected `object | array`, got `int`")
    ('it is an object or an array', 'an integer')
    """
    if match := _TYPE.fullmatch(rule):
        kinds = [_WORDS.get(kind, kind) for kind in match[1].split(" | ")]
        return f"it is {' or '.join(kinds)}", _WORDS.get(match[2], match[2])
    if rule.startswith("Invalid enum value "):
        value = cut(rule.removeprefix("Invalid enum value "))
        return f"it is {', '.join(get_args(Mode))}", value  # the only text with a list of values
    if rule == "Number out of range":
        return "it is a smaller one", "a number beyond 1.8e308"
    return f"the rule is: {cut(rule)}", "not as it should be"


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
