"""Whether the database has the current schema: checked before the first call, and after doubts."""

import threading
import time
from collections.abc import Callable

from pba.errors import StoreUnavailable

__all__ = ["SchemaCheck"]

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0


class SchemaCheck:
    """Runs ``check`` until it succeeds, with pauses that grow while it fails.

    During a pause, and while another thread checks again, calls fail at once with the last cause:
    a database that is away holds up nobody.

    Parameters
    ----------
    check
        Upgrades the schema where necessary; raises `StoreUnavailable`.
    clock
        Seconds of a clock that never goes back.
    """

    def __init__(
        self, check: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._check = check
        self._clock = clock
        self._lock = threading.Lock()
        self._passed = False
        self._failure: str | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._retry_s = 0.0

    def ensure(self) -> None:
        """Return once the schema is current; raises `StoreUnavailable` while it is not."""
        if self._passed:
            return
        self._refuse_in_pause()
        if not self._lock.acquire(blocking=self._failure is None):
            raise StoreUnavailable(str(self._failure))
        try:
            if not self._passed:
                self._refuse_in_pause()
                self._attempt()
        finally:
            self._lock.release()

    def invalidate(self) -> None:
        """Have the next call check again: tables or privileges may have changed."""
        self._passed = False

    def _refuse_in_pause(self) -> None:
        if self._failure is not None and self._clock() < self._retry_s:
            raise StoreUnavailable(self._failure)

    def _attempt(self) -> None:
        try:
            self._check()
        except StoreUnavailable as error:
            self._failure = str(error)
            self._retry_s = self._clock() + self._pause_s
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            raise
        self._passed, self._failure, self._pause_s = True, None, _FIRST_PAUSE_S
