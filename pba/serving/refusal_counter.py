"""Refused calls are counted in memory and written off the path of requests, a batch a second.

However many callers are refused, a minute has a bounded number of rows: beyond that all others
share one.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from pba.errors import StoreUnavailable
from pba.serving.pools import DEFAULT_POOL, Pool
from pba.store.refusal_table import RefusalCount

__all__ = ["OTHER", "RefusalCounter"]

OTHER = "other"
"""The address of the row that all callers beyond the limit share."""

_MINUTE_US = 60_000_000
_log = logging.getLogger(__name__)
_Caller = tuple[int, str, str]


class RefusalCounter:
    """Counts refusals, and adds them to the store.

    Parameters
    ----------
    write
        Adds counts to those that are stored; blocks meanwhile.
    clock
        Returns the current Unix time in seconds.
    pool
        Where ``write`` runs.
    every_s
        Seconds between two writes.
    callers
        How many callers, by address and key, have a row of their own in one minute.
    """

    def __init__(
        self,
        write: Callable[[Sequence[RefusalCount]], None],
        clock: Callable[[], float],
        pool: Pool = DEFAULT_POOL,
        every_s: float = 1.0,
        callers: int = 200,
    ) -> None:
        self._write = write
        self._clock = clock
        self._pool = pool
        self._every_s = every_s
        self._callers = callers
        self._minute_us = 0
        self._known: set[tuple[str, str]] = set()
        self._counts: dict[_Caller, list[int]] = {}
        self._unavailable = False
        self._task: asyncio.Task[None] | None = None

    def count(self, address: str, key_id: str | None, forbidden: bool) -> None:
        """Count a call from ``address``: one that its key does not allow, or without a valid key.

        ``key_id`` is the key that the call names, None for none that exists.
        """
        self._add(self._caller(address, key_id or ""), int(not forbidden), int(forbidden))

    async def flush(self) -> None:
        """Write what was counted since the last time; it stays if the store is away."""
        counts, self._counts = self._counts, {}
        rows = [RefusalCount(*caller, *sums) for caller, sums in counts.items()]
        if not rows:
            return
        try:
            await self._pool(lambda: self._write(rows))
        except StoreUnavailable as error:
            if not self._unavailable:  # logged once, not at every write
                _log.warning("refusals_not_stored", extra={"why": str(error)})
            self._unavailable = True
            for caller, sums in counts.items():
                self._add(self._merged(caller), *sums)
        else:
            self._unavailable = False

    def start(self) -> None:
        """Write every so often from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop, and write what is left."""
        if self._task is not None:
            self._task.cancel()
        await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.flush()

    def _caller(self, address: str, key_id: str) -> _Caller:
        minute_us = int(self._clock() * 1e6) // _MINUTE_US * _MINUTE_US
        if minute_us != self._minute_us:
            self._minute_us, self._known = minute_us, set()
        if (address, key_id) in self._known or len(self._known) < self._callers:
            self._known.add((address, key_id))
            return self._merged((minute_us, address, key_id))
        return self._merged((minute_us, OTHER, ""))

    def _merged(self, caller: _Caller) -> _Caller:
        """Return ``caller``, or the one row for all others while too many wait for the store."""
        if caller in self._counts or len(self._counts) < 2 * self._callers:
            return caller
        return (self._minute_us, OTHER, "")

    def _add(self, caller: _Caller, unauthenticated: int, forbidden: int) -> None:
        sums = self._counts.setdefault(caller, [0, 0])
        sums[0] += unauthenticated
        sums[1] += forbidden
