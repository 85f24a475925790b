"""Telling the Monitor which links have something new: one message at a time, none lost for long."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

__all__ = ["LinkNotifier"]


class LinkNotifier:
    """Passes links on, those that come while a message is under way in the next one together.

    A message that fails is dropped: the Monitor looks for itself every few seconds.
    """

    def __init__(self, tell: Callable[[list[str]], Awaitable[object]]) -> None:
        self._tell = tell
        self._links: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    def add(self, links: Iterable[str]) -> None:
        """Pass ``links`` on soon."""
        self._links.update(links)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._links:
            links, self._links = sorted(self._links), set()
            try:
                await self._tell(links)
            except (RayError, RayServeException):
                continue
