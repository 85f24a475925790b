"""How much one caller may send: of a key, or by default of its role."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from pba.errors import InvalidInput

__all__ = ["UNLIMITED", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may use of the whole service, all routers together; None is no limit.

    Parameters
    ----------
    requests_per_s
        Calls a second. Those of one second may come at once.
    samples_per_s
        Samples a second, reported or in a history that is stored. A call over it is admitted, and
        the next waits until its time has come.
    in_flight
        Calls at a time; every router admits at least one.
    body_mb
        The largest body, in MB (1e6 bytes).
    max_links
        How many links the caller's patterns may have when it reports a new one.

    Raises
    ------
    InvalidInput
        For a limit that is not positive.
    """

    requests_per_s: float | None = None
    samples_per_s: float | None = None
    in_flight: int | None = None
    body_mb: float | None = None
    max_links: int | None = None

    def __post_init__(self) -> None:
        for name, value in self.as_dict().items():
            if not (value > 0 and math.isfinite(value)):
                raise InvalidInput(
                    f"{name} is {value}; a limit is over 0. Leave it out for no limit.", name
                )

    def or_else(self, others: Self) -> Self:
        """Return these limits, with those of ``others`` where there are none."""
        return type(self)(**{**others.as_dict(), **self.as_dict()})

    def as_dict(self) -> dict[str, Any]:
        """Return the limits that there are, by name.

        >>> Limits(requests_per_s=5.0).as_dict()
        {'requests_per_s': 5.0}
        """
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value is not None}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Limits":
        """Return the limits with the form ``document``.

        Raises
        ------
        InvalidInput
            If it has another form.
        """
        whole = ("in_flight", "max_links")
        if not document:
            return UNLIMITED
        try:
            numbers = {
                name: int(value) if name in whole else float(value)
                for name, value in document.items()
            }
            return cls(**numbers)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InvalidInput):
                raise
            raise InvalidInput(
                f"limits are {str(document)[:100]}; they are numbers called "
                f"{', '.join(field.name for field in fields(cls))}. Correct them.",
                "limits",
            ) from None


UNLIMITED = Limits()
"""No limit but those of the service."""
