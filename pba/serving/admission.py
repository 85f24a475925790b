"""How many requests are worked on at once; one more is refused at once instead of waiting long."""

import contextlib
from collections.abc import Iterator

from pba.errors import Busy

__all__ = ["Admission"]


class Admission:
    """Admits up to ``most`` requests at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0

    @contextlib.contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a place for as long as the context lasts.

        Raises
        ------
        Busy
            If all places are taken.
        """
        if self._inside >= self._most:
            raise Busy(
                f"{self._inside} requests are being answered, the most at a time. Try again as "
                "Retry-After says, or send many forecasts in one bulk call."
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
