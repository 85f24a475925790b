"""The flags as a replica sees them, and v1 kept awake for as long as they may send it a request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from pba.errors import StoreUnavailable
from pba.rollout import Flags
from pba.store import FlagState

__all__ = ["FlagWatch", "keep_awake"]

_log = logging.getLogger("ray.serve")
_AGAIN_S = 1.0


class FlagWatch:
    """Looks at the flags every ``every_s``; what was seen last holds while the store is away.

    Parameters
    ----------
    read
        Reads the flags, and blocks meanwhile.
    default
        What holds until they were read for the first time.
    """

    def __init__(self, read: Callable[[], FlagState], default: Flags, every_s: float) -> None:
        self._read = read
        self._flags = default
        self._every_s = every_s
        self._away = False
        self._watching: asyncio.Task[None] | None = None

    def __call__(self) -> Flags:
        """Return the flags."""
        return self._flags

    async def look(self) -> None:
        """Read them now."""
        try:
            self._flags = (await asyncio.to_thread(self._read)).flags
        except StoreUnavailable as error:
            if not self._away:  # once, and not every half second
                _log.warning("flags_not_read", extra={"why": str(error)})
            self._away = True
        else:
            self._away = False

    async def start(self) -> None:
        """Read them, and go on doing so."""
        await self.look()
        self._watching = asyncio.create_task(self._watch())

    @property
    def watching(self) -> bool:
        """Whether a change would be noticed."""
        return self._watching is not None and not self._watching.done()

    def stop(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()


async def keep_awake(flags: Callable[[], Flags], stay: Callable[[], Awaitable[object]]) -> None:
    """Hold a call to v1 open for as long as it is wanted, so that it does not scale to zero.

    Parameters
    ----------
    stay
        Calls v1, which answers after some seconds.
    """
    while True:
        try:
            await (stay() if flags().wants_v1 else asyncio.sleep(_AGAIN_S))
        except (RayError, RayServeException) as error:
            _log.warning("v1_not_awake", extra={"why": str(error)})
            await asyncio.sleep(_AGAIN_S)
