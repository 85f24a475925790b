"""Notifications to the Monitor: which links have new samples, one message at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from pba.errors import Busy, Unavailable

__all__ = ["LinkNotifier"]


class LinkNotifier:
    """Sends link ids; those that arrive while a message is in flight share the next one.

    A message that fails is dropped: the Monitor searches the store itself every few seconds.

    Parameters
    ----------
    send
        Sends one message; raises `Busy` or `Unavailable` if the Monitor does not take it.
    """

    def __init__(self, send: Callable[[list[str]], Awaitable[object]]) -> None:
        self._send = send
        self._link_ids: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def notify(self, link_ids: Iterable[str]) -> None:
        """Send ``link_ids`` soon, without waiting for it."""
        self._link_ids.update(link_ids)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._link_ids:
            link_ids, self._link_ids = sorted(self._link_ids), set()
            try:
                await self._send(link_ids)
            except (Busy, Unavailable):
                continue
