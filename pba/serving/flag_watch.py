"""The flags as one process sees them: fixed, or read from the store every so often."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pba.errors import StoreUnavailable
from pba.rollout import Flags
from pba.serving.pools import DEFAULT_POOL, Pool
from pba.store import FlagState

__all__ = ["FixedFlags", "FlagSource", "FlagWatch"]

_log = logging.getLogger(__name__)


class FlagSource(Protocol):
    """Anything that knows the flags."""

    @property
    def current(self) -> Flags:
        """The flags now."""


@dataclass(frozen=True, slots=True)
class FixedFlags:
    """Flags that never change."""

    current: Flags = field(default_factory=Flags)


class FlagWatch:
    """Reads the flags every ``every_s``; the last ones stay valid while the store is unavailable.

    Parameters
    ----------
    read
        Reads the flags; blocks meanwhile.
    default
        The flags until they are read for the first time.
    every_s
        Seconds between two reads.
    patience_s
        How long `start` waits for the first read. A database that hangs must not keep a replica
        from its start.
    pool
        Where ``read`` runs.

    Attributes
    ----------
    current
        The flags.
    """

    def __init__(
        self,
        read: Callable[[], FlagState],
        default: Flags,
        every_s: float,
        patience_s: float = 15.0,
        pool: Pool = DEFAULT_POOL,
    ) -> None:
        self._read = read
        self.current = default
        self._every_s = every_s
        self._patience_s = patience_s
        self._pool = pool
        self._unavailable = False
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a change of the flags would be noticed."""
        return self._task is not None and not self._task.done()

    async def refresh(self) -> None:
        """Read the flags now."""
        try:
            self.current = (await self._pool(self._read)).flags
        except StoreUnavailable as error:
            if not self._unavailable:  # logged once, not at every read
                _log.warning("flags_not_read", extra={"why": str(error)})
            self._unavailable = True
        else:
            self._unavailable = False

    async def start(self) -> None:
        """Read the flags now and from now on; the first read may end later if it takes long."""
        first = asyncio.create_task(self.refresh())
        done, _ = await asyncio.wait({first}, timeout=self._patience_s)
        if done:
            first.result()  # raises what the read has raised
        else:
            _log.warning("flags_not_read", extra={"why": f"no answer in {self._patience_s:g} s"})
        self._task = asyncio.create_task(self._watch(first))

    def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self, first: asyncio.Task[None]) -> None:
        await first
        while True:
            await asyncio.sleep(self._every_s)
            await self.refresh()
