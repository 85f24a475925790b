"""Events as they happen, for all who watch them in this process."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from functools import partial

from pba.errors import Busy
from pba.security import Scope
from pba.serving.log_follower import LogFollower
from pba.serving.pools import Pool
from pba.store import Store
from pba.types import Event

__all__ = ["EventWatch", "EventWatcher"]

_MOST_WAITING = 10_000


class EventWatcher:
    """What one caller gets of the events: all that it may see and wants, in their order.

    Parameters
    ----------
    scope
        Of a scope that is not everything only events of its links.
    kind, link_id
        Only of this kind, and of this link.
    after
        The number of the last event that the caller knows; None for what happens from now on.
    """

    def __init__(
        self, scope: Scope, kind: str | None, link_id: str | None, after: int | None
    ) -> None:
        self._scope, self._kind, self._link_id = scope, kind, link_id
        self.after = after
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._behind = False

    def offer(self, event: Event) -> None:
        """Hold ``event`` ready, if it is for the caller.

        A caller that leaves too many waiting gets no more.
        """
        if self._wants(event) and not self._behind:
            self._behind = len(self._waiting) >= _MOST_WAITING
            self._waiting.append(event)
            self._arrived.set()

    def insert(self, events: Sequence[Event]) -> None:
        """Put those of ``events`` that have not come yet in their places before what waits."""
        known = {event.number for event in self._waiting}
        missing = [one for one in events if self._wants(one) and one.number not in known]
        self._waiting = deque(sorted([*missing, *self._waiting], key=lambda one: one.number or 0))
        if self._waiting:
            self._arrived.set()

    async def next(self, timeout_s: float) -> list[Event]:
        """Return what is new, or nothing if nothing has come within ``timeout_s``.

        Raises
        ------
        Busy
            If the caller has left too many waiting, and has received these.
        """
        if self._behind and not self._waiting:
            raise Busy(
                "the caller reads slower than events happen, and does not get all. Open the stream "
                "again with the id of the last event in Last-Event-ID."
            )
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        new = [*self._waiting]
        self._waiting.clear()
        return new

    def _wants(self, event: Event) -> bool:
        if self._kind is not None and event.kind != self._kind:
            return False
        if self._link_id is not None and event.link_id != self._link_id:
            return False
        return self._scope.everything or (
            event.link_id is not None and self._scope.allows(event.link_id)
        )


class EventWatch:
    """Hands events to who watches them, whichever process has stored them.

    Parameters
    ----------
    store
        Has the events.
    pool
        Where it is read.
    every_s
        Seconds between two looks.
    """

    def __init__(self, store: Store, pool: Pool, every_s: float = 0.1) -> None:
        self._store, self._pool = store, pool
        self._watchers: list[EventWatcher] = []
        self._follower: LogFollower[Event] = LogFollower(
            store.newest_event,
            store.events_after,
            self._offer,
            lambda: bool(self._watchers),
            every_s=every_s,
            pool=pool,
        )

    def stop(self) -> None:
        """Stop following the log."""
        self._follower.stop()

    @contextlib.asynccontextmanager
    async def watch(self, watcher: EventWatcher) -> AsyncIterator[EventWatcher]:
        """Offer ``watcher`` the events after those that it knows, and then those that follow.

        Raises
        ------
        StoreUnavailable
            If the store does not answer at the start.
        """
        self._watchers.append(watcher)
        try:
            await self._follower.start()
            if watcher.after is not None:
                watcher.insert(await self._pool(partial(self._missed, watcher.after)))
            yield watcher
        finally:
            self._watchers.remove(watcher)

    def _missed(self, number: int) -> list[Event]:
        """Return the events above ``number``, at most as many as may wait."""
        return self._store.events_after(number, _MOST_WAITING)

    async def _offer(self, events: Sequence[Event], _: int) -> None:
        for watcher in self._watchers:
            for event in events:
                watcher.offer(event)
