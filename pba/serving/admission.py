"""How many requests of one kind a router works on at a time."""

import contextlib
from collections.abc import Iterator

from pba.errors import Busy

__all__ = ["Admission"]


class Admission:
    """Admits up to ``limit`` requests at a time; one more is refused at once, not queued.

    Parameters
    ----------
    limit
        How many are admitted.
    kind
        What they are called in the refusal.

    Attributes
    ----------
    in_flight
        How many are admitted now.
    admitted
        How many have been so far.
    """

    def __init__(self, limit: int, kind: str = "requests") -> None:
        self._limit = limit
        self._kind = kind
        self.in_flight = 0
        self.admitted = 0

    @contextlib.contextmanager
    def admit(self) -> Iterator[None]:
        """Admit one request for as long as the context lasts.

        Raises
        ------
        Busy
            If as many as the limit are in flight.
        """
        if self.in_flight >= self._limit:
            raise Busy(
                f"{self.in_flight} {self._kind} are in flight, the limit of one router. Try again "
                "as Retry-After says, or send many forecasts in one bulk call."
            )
        self.in_flight += 1
        self.admitted += 1
        try:
            yield
        finally:
            self.in_flight -= 1
