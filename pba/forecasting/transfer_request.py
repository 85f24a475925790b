"""A question about a transfer: how much, until when, and what is written meanwhile."""

from dataclasses import dataclass
from math import isfinite

from pba.errors import InvalidRequest, quoted
from pba.types import LIMITS

__all__ = ["TransferRequest"]

_MOST_BYTES = 10**18
_LONGEST_S = 1e9


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """A transfer to forecast, checked at construction.

    Parameters
    ----------
    bytes
        Its size, 1 to 10**18; of a live migration the memory.
    deadline_s
        How long it may take, above 0 and up to 1e9; None without a deadline.
    dirty_mbps
        At what rate a machine that is migrated writes to memory that was copied, 0 to 1e7; None
        for any other transfer.

    Raises
    ------
    InvalidRequest
        For the first value that breaks a rule, with its field.

    Examples
    --------
    >>> TransferRequest(10**9).bytes
    1000000000
    >>> TransferRequest(0)
    Traceback (most recent call last):
    ...
    pba.errors.InvalidRequest: bytes is 0; it is a whole number from 1 to 10**18. Send the size.
    """

    bytes: int
    deadline_s: float | None = None
    dirty_mbps: float | None = None

    def __post_init__(self) -> None:
        if type(self.bytes) is not int or not 1 <= self.bytes <= _MOST_BYTES:
            rule = "it is a whole number from 1 to 10**18. Send the size."
            raise InvalidRequest(f"bytes is {quoted(self.bytes)}; {rule}", "bytes")
        if self.deadline_s is not None and not 0 < _number(self.deadline_s) <= _LONGEST_S:
            rule = "it is a number of seconds above 0, at most 1e9. Leave it out for no deadline."
            raise InvalidRequest(f"deadline_s is {quoted(self.deadline_s)}; {rule}", "deadline_s")
        highest = LIMITS["bandwidth_mbps"].highest
        if self.dirty_mbps is not None and not 0 <= _number(self.dirty_mbps) <= highest:
            rule = "it is a rate from 0 to 1e7 Mbps. Leave it out where nothing is written."
            raise InvalidRequest(f"dirty_mbps is {quoted(self.dirty_mbps)}; {rule}", "dirty_mbps")


def _number(value: object) -> float:
    """Return ``value``, or -1 for what is no finite number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and isfinite(value) else -1.0  # type: ignore[arg-type]
