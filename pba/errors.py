"""The errors that PBA raises. HTTP and gRPC codes are in `deployments/error_codes.py`.

::

    PBAError
    ├── InvalidInput (ValueError)        the input breaks a rule; the caller can correct it
    │   ├── InvalidRequest               a body, field or type is wrong
    │   │   ├── NotJson                  a body that is not JSON
    │   │   └── UnsupportedMediaType     a body of a type or an encoding that is not read
    │   ├── InvalidSample                a value of one sample is out of range
    │   ├── InvalidHistory               samples that do not form a history
    │   ├── InvalidMode                  a mode that does not exist
    │   ├── InvalidTrace                 a trace file that cannot be read
    │   ├── NotEnoughData                too few samples to train or to predict
    │   └── TooLarge                     more items or bytes than one call may carry
    ├── Unauthenticated                  the caller sends no valid key
    ├── Forbidden                        the caller may not do that
    ├── NotFound (LookupError)           no object has that name
    ├── Conflict                         the object was changed since the caller read it
    ├── NotTrained (RuntimeError)        a predictor without a model
    ├── Busy                             the queue is full: try again later
    │   └── LimitReached                 the caller has sent as much as it may
    ├── TooSlow                          a request arrives too slowly
    ├── Unavailable                      models or the service do not respond
    │   ├── StoreUnavailable             the telemetry store does not respond, or refuses
    │   │   └── RowsRefused              the telemetry store refuses some rows
    │   ├── RegistryUnavailable          the model registry does not respond
    │   ├── KeysUnavailable              nobody can know which keys are valid
    │   └── AuthenticationNotConfigured  an address that others reach, and no keys
    └── BadArtifact                      a model file that must not be served
"""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "AuthenticationNotConfigured",
    "BadArtifact",
    "Busy",
    "Conflict",
    "Forbidden",
    "InvalidHistory",
    "InvalidInput",
    "InvalidMode",
    "InvalidRequest",
    "InvalidSample",
    "InvalidTrace",
    "KeysUnavailable",
    "LimitReached",
    "NotEnoughData",
    "NotFound",
    "NotJson",
    "NotTrained",
    "PBAError",
    "RegistryUnavailable",
    "RowsRefused",
    "StoreUnavailable",
    "TooLarge",
    "TooSlow",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMediaType",
    "cut",
    "from_body",
    "quoted",
]

_MAX_SHOWN = 100


def cut(text: str) -> str:
    """Return the beginning of ``text``, the most that a message repeats of what it received.

    >>> len(cut("k" * 1_000_000))
    101
    """
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def quoted(value: object) -> str:
    r"""Return ``value`` as Python writes it, cut.

    >>> quoted("a\nb"), quoted([0] * 1000)[:7], len(quoted("k" * 1_000_000))
    ("'a\\nb'", '[0, 0, ', 103)
    """
    return repr(cut(value)) if isinstance(value, str) else cut(repr(value))


class PBAError(Exception):
    """The root of the tree.

    Parameters
    ----------
    message
        The rule, the value received and the remedy.
    field
        Where in the request, as ``history[12].packet_loss``; None if no single field is wrong.
    """

    code = "internal"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message, field)  # both, so that unpickling works
        self.message = message
        self.field = field

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message

    def body(self) -> dict[str, str]:
        """Return the wire form: ``code``, ``message`` and, where known, ``field``."""
        body = {"code": self.code, "message": self.message}
        return body if self.field is None else {**body, "field": self.field}

    def inside(self, prefix: str) -> "PBAError":
        """Return the same error with ``prefix`` before its field."""
        return type(self)(self.message, f"{prefix}.{self.field}" if self.field else prefix)


class InvalidInput(PBAError, ValueError):
    """The input breaks a rule; the caller can correct it."""

    code = "invalid_input"


class InvalidRequest(InvalidInput):
    """A body, field or type is wrong."""

    code = "invalid_request"


class NotJson(InvalidRequest):
    """A body that is not JSON."""

    code = "not_json"


class UnsupportedMediaType(InvalidRequest):
    """A body of a type or an encoding that is not read."""

    code = "unsupported_media_type"


class InvalidSample(InvalidInput):
    """A value of one sample is out of range."""

    code = "invalid_sample"


class InvalidHistory(InvalidInput):
    """Samples that do not form a history."""

    code = "invalid_history"


class InvalidMode(InvalidInput):
    """A mode that does not exist."""

    code = "invalid_mode"


class InvalidTrace(InvalidInput):
    """A trace file that cannot be read."""

    code = "invalid_trace"


class NotEnoughData(InvalidInput):
    """Too few samples to train or to predict."""

    code = "not_enough_data"


class TooLarge(InvalidInput):
    """More items or bytes than one call may carry."""

    code = "too_large"


class Unauthenticated(PBAError):
    """The caller sends no valid key."""

    code = "unauthenticated"


class Forbidden(PBAError):
    """The caller may not do that."""

    code = "forbidden"


class NotFound(PBAError, LookupError):
    """No object has that name."""

    code = "not_found"


class Conflict(PBAError):
    """The object to change is not, or no longer, in the state that the caller assumed."""

    code = "conflict"


class NotTrained(PBAError, RuntimeError):
    """A predictor without a model."""

    code = "not_trained"


class Busy(PBAError):
    """The queue is full; trying again may help in ``retry_after_s`` seconds."""

    code = "busy"
    retry_after_s: float = 1.0


class LimitReached(Busy):
    """The caller has sent as much as it may for now."""

    code = "limit_reached"


class TooSlow(PBAError):
    """A request arrives too slowly."""

    code = "timeout"


class Unavailable(PBAError):
    """Models or the service do not respond; try again in ``retry_after_s`` seconds."""

    code = "unavailable"
    retry_after_s: float = 1.0


class StoreUnavailable(Unavailable):
    """The telemetry store does not respond, or refuses; calls that need no store still work.

    Attributes
    ----------
    forecasts
        Of a call that reports and requests forecasts: by link, the forecast from what the call
        itself holds, or its error. Empty for all other calls.
    """

    code = "store_unavailable"
    # A gRPC channel tries five times at most: together longer than a database takes to restart.
    retry_after_s = 3.0

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message, field)
        self.forecasts: Mapping[str, Any] = {}


class RowsRefused(StoreUnavailable):
    """The telemetry store refuses the rows of one write; it may take others."""

    code = "rows_refused"


class RegistryUnavailable(Unavailable):
    """The model registry does not respond; loaded models stay in service."""

    code = "registry_unavailable"


class KeysUnavailable(Unavailable):
    """Nobody can know which keys are valid: neither the store nor a recent copy can be read."""

    code = "keys_unavailable"


class AuthenticationNotConfigured(Unavailable):
    """The service is reached on an address that others reach too, and has no keys."""

    code = "authentication_not_configured"


class BadArtifact(PBAError):
    """A model file that must not be served."""

    code = "bad_artifact"


def from_body(body: Mapping[str, str]) -> PBAError:
    """Return the error whose `PBAError.body` is ``body``; a `PBAError` for an unknown code.

    >>> from_body({"code": "busy", "message": "later", "field": "x"})
    Busy('later', 'x')
    """
    classes = {error.code: error for error in _subclasses(PBAError)}
    return classes.get(body["code"], PBAError)(body["message"], body.get("field"))


def _subclasses(error: type[PBAError]) -> Iterator[type[PBAError]]:
    for child in error.__subclasses__():
        yield child
        yield from _subclasses(child)
