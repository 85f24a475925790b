"""The memory that request bodies may take in one router."""

from collections.abc import Callable

from pba.errors import Busy

from ..large_requests import LARGE_BYTES

__all__ = ["BodyShare", "ByteBudget"]

_STEPS = 16
"""A body of unknown size takes so many parts of the budget one after the other.

Fewer bodies begin than if each took what it needs byte by byte, and those that do come to an end.
"""


class ByteBudget:
    """The bytes that large bodies may take together.

    Parameters
    ----------
    limit
        How many bytes there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.step = max(1, limit // _STEPS)
        self.taken = 0

    def take(self, count: int) -> None:
        """Take ``count`` bytes; raises `Busy` if so many are not left."""
        if self.taken + count > self._limit:
            raise Busy(
                f"large bodies take {self.taken / 1e6:.0f} of the {self._limit / 1e6:g} MB that "
                "one router has for them. Try again as Retry-After says, or send less at a time."
            )
        self.taken += count

    def give_back(self, count: int) -> None:
        """Give back bytes that were taken."""
        self.taken -= count


class BodyShare:
    """What one body takes of a `ByteBudget`: nothing while it is small.

    Small bodies are bounded by how many are read at a time, so that large ones cannot crowd them
    out.

    Parameters
    ----------
    budget
        What is shared.
    at_end
        Has a function called when the body is needed no more.
    """

    def __init__(self, budget: ByteBudget, at_end: Callable[[Callable[[], None]], None]) -> None:
        self._budget = budget
        self._at_end = at_end
        self._taken = 0

    def state(self, size: int) -> None:
        """Take what a body of ``size`` bytes needs; raises `Busy`."""
        if size > LARGE_BYTES:
            self._take(size)

    def grow(self, size: int) -> None:
        """Take what a body needs that has ``size`` bytes by now; raises `Busy`."""
        if size > max(LARGE_BYTES, self._taken):
            self._take(max(size - self._taken, self._budget.step))

    def _take(self, count: int) -> None:
        self._budget.take(count)
        if not self._taken:
            self._at_end(self._give_back)
        self._taken += count

    def _give_back(self) -> None:
        self._budget.give_back(self._taken)
