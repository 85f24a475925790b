"""How many routers there are now, as the store knows: they share the limits of callers."""

import asyncio
import logging

from pba.errors import StoreUnavailable
from pba.serving.pools import DEFAULT_POOL, Pool
from pba.store.router_table import RouterTable

__all__ = ["LiveRouters"]

_log = logging.getLogger(__name__)


class LiveRouters:
    """Notes every few seconds that this router runs, and counts those that do.

    While the store is away the last count holds.

    Parameters
    ----------
    table
        The routers in the store; its calls block.
    router_id
        This one's, different from all others.
    pool
        Where the calls run.
    every_s
        Seconds between two notes; a router counts until it has been silent for three of them.
    """

    def __init__(
        self, table: RouterTable, router_id: str, pool: Pool = DEFAULT_POOL, every_s: float = 4.0
    ) -> None:
        self._table = table
        self._router_id = router_id
        self._pool = pool
        self._every_s = every_s
        self._count = 1
        self._unavailable = False
        self._task: asyncio.Task[None] | None = None

    def __call__(self) -> int:
        """Return how many routers there are, this one among them."""
        return self._count

    @property
    def running(self) -> bool:
        """Whether a change of their number would be noticed."""
        return self._task is not None and not self._task.done()

    async def refresh(self) -> None:
        """Note that this router runs, and count."""
        try:
            count = await self._pool(
                lambda: self._table.mark_running(self._router_id, 3 * self._every_s)
            )
        except StoreUnavailable as error:
            if not self._unavailable:  # logged once, not at every try
                _log.warning("routers_not_counted", extra={"why": str(error)})
            self._unavailable = True
        else:
            self._unavailable = False
            self._count = max(1, count)

    def start(self) -> None:
        """Note and count now and from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop, and leave the limits to the others at once."""
        if self._task is not None:
            self._task.cancel()
        try:
            await self._pool(lambda: self._table.remove(self._router_id))
        except StoreUnavailable as error:
            _log.info("router_not_removed", extra={"why": str(error)})

    async def _run(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(self._every_s)
