"""Every error that PBA raises on purpose. No HTTP codes here: `deployments/error_codes.py` maps them.

::

    PBAError
    ├── InvalidInput (ValueError)        the caller can mend it
    │   ├── InvalidRequest               a body, field or type is wrong
    │   │   └── NotJson                  a body that is not JSON at all
    │   ├── InvalidSample                a value of one sample is out of its range
    │   ├── InvalidHistory               samples that do not make a history together
    │   ├── InvalidMode                  a mode that does not exist
    │   ├── InvalidTrace                 a trace file that cannot be read
    │   ├── NotEnoughData                too few samples to train or to predict
    │   └── TooLarge                     more items or bytes than one call may carry
    ├── NotFound (LookupError)           nothing under that name
    ├── Conflict                         what was to be changed is not what the caller saw
    ├── NotTrained (RuntimeError)        a predictor that has no model yet
    ├── Busy                             more requests than can be queued: try again later
    ├── Unavailable                      models or service away
    │   ├── StoreUnavailable             the telemetry store does not answer
    │   └── RegistryUnavailable          the model registry does not answer
    └── BadArtifact                      a model file that must not be served
"""

from collections.abc import Iterator, Mapping

__all__ = [
    "BadArtifact",
    "Busy",
    "Conflict",
    "InvalidHistory",
    "InvalidInput",
    "InvalidMode",
    "InvalidRequest",
    "InvalidSample",
    "InvalidTrace",
    "NotEnoughData",
    "NotFound",
    "NotJson",
    "NotTrained",
    "PBAError",
    "RegistryUnavailable",
    "StoreUnavailable",
    "TooLarge",
    "Unavailable",
    "from_body",
]


class PBAError(Exception):
    """The root of the tree.

    Parameters
    ----------
    message
        The rule, the value received and the remedy.
    field
        Where in the request, as ``history[12].packet_loss``; None where no field is to blame.
    """

    code = "internal"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message, field)  # both, so that it survives the way between processes
        self.message = message
        self.field = field

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message

    def body(self) -> dict[str, str]:
        """Return what a caller is told: ``code``, ``message`` and, where known, ``field``."""
        told = {"code": self.code, "message": self.message}
        return told if self.field is None else {**told, "field": self.field}

    def inside(self, prefix: str) -> "PBAError":
        """Return the same error with its field placed below ``prefix``."""
        return type(self)(self.message, f"{prefix}.{self.field}" if self.field else prefix)


class InvalidInput(PBAError, ValueError):
    """The caller sent something that breaks a rule and can mend it."""

    code = "invalid_input"


class InvalidRequest(InvalidInput):
    """A body, field or type is wrong."""

    code = "invalid_request"


class NotJson(InvalidRequest):
    """A body that is not JSON at all."""

    code = "not_json"


class InvalidSample(InvalidInput):
    """A value of one sample is out of its range."""

    code = "invalid_sample"


class InvalidHistory(InvalidInput):
    """Samples that do not make a history together."""

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


class NotFound(PBAError, LookupError):
    """Nothing is known under that name."""

    code = "not_found"


class Conflict(PBAError):
    """What was to be changed is no longer, or never was, what the caller took it to be."""

    code = "conflict"


class NotTrained(PBAError, RuntimeError):
    """A predictor that has no model yet."""

    code = "not_trained"


class Busy(PBAError):
    """More requests than can be queued; try again later."""

    code = "busy"


class Unavailable(PBAError):
    """Models or service away."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The telemetry store does not answer; what needs no store still works."""

    code = "store_unavailable"


class RegistryUnavailable(Unavailable):
    """The model registry does not answer; what serves goes on serving."""

    code = "registry_unavailable"


class BadArtifact(PBAError):
    """A model file that must not be served."""

    code = "bad_artifact"


def from_body(told: Mapping[str, str]) -> PBAError:
    """Return the error that ``told``, the `PBAError.body` of one, describes.

    >>> from_body({"code": "busy", "message": "later", "field": "x"})
    Busy('later', 'x')
    """
    kinds = {kind.code: kind for kind in _below(PBAError)}
    return kinds.get(told["code"], PBAError)(told["message"], told.get("field"))


def _below(kind: type[PBAError]) -> Iterator[type[PBAError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
