"""Forecasts of links as their samples arrive, for all who watch links in this process."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from pba.errors import PBAError
from pba.security import EVERYTHING, Scope
from pba.serving.log_follower import LogFollower
from pba.serving.pools import Pool
from pba.store import Store
from pba.store.change_log import ChangeLog, LinkChange
from pba.types import Forecast

__all__ = ["LinkForecasts", "LinkWatch", "LinkWatcher", "WatchedLinks"]

_RESUMED = 10_000
"""The most changes that are read for a caller that returns."""

_CHUNK, _AT_ONCE = 32, 3
"""How many links are forecast at a time, and in how many chunks: the first are offered soon."""

_log = logging.getLogger(__name__)


class LinkForecasts(Protocol):
    """Forecasts many links by name."""

    async def __call__(
        self, link_ids: Sequence[str], *, recorded: bool
    ) -> list[Forecast | PBAError]:
        """Return a forecast, or an error, for each of ``link_ids`` in order."""


@dataclass(frozen=True, slots=True)
class WatchedLinks:
    """The links that a caller watches, those that do not exist yet too.

    Parameters
    ----------
    names
        Links by name.
    beginnings
        All links whose names begin so.
    within
        Of those only what the caller may see.
    """

    names: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    within: Scope = EVERYTHING

    def include(self, link_id: str) -> bool:
        """Return whether the link is one of them."""
        chosen = link_id in self.names or link_id.startswith(self.beginnings)
        return chosen and self.within.allows(link_id)

    def existing(self, store: Store, count: int) -> list[str]:
        """Return those that exist, of those that are not named up to ``count``; blocks."""
        names = store.existing_links(sorted(self.names)) if self.names else set()
        if self.beginnings:
            begun = Scope(tuple(f"{beginning}*" for beginning in self.beginnings))
            names |= {link.link_id for link in store.links(None, "", count, begun)}
        return sorted(filter(self.within.allows, names))


class LinkWatcher:
    """What one caller gets of the links that it watches: the newest forecast of each.

    A caller that reads slowly misses forecasts, but never the newest one of a link.

    Parameters
    ----------
    links
        The links that it watches.
    records
        Whether its forecasts are recorded.
    after
        The number of the log of changes up to which the caller knows all forecasts, None if it
        knows none.

    Attributes
    ----------
    reached
        The same after what `next` has returned; 0 before that is known.
    """

    def __init__(self, links: WatchedLinks, records: bool, after: int | None = None) -> None:
        self.links, self.records, self.after = links, records, after
        self.reached = 0
        self._number = 0
        self._sent: dict[str, datetime] = {}
        self._waiting: dict[str, Forecast] = {}
        self._arrived = asyncio.Event()

    def skip(self, link_id: str, newest_sample_at: datetime) -> None:
        """Leave out what the caller knows: the forecast after this sample, and earlier ones."""
        self._sent[link_id] = newest_sample_at

    def offer(self, forecast: Forecast) -> None:
        """Hold ``forecast`` ready, unless the caller has one after the same sample."""
        link_id = str(forecast.link_id)
        known = self._sent.get(link_id)
        if known is None or known < forecast.newest_sample_at:
            self._sent[link_id] = forecast.newest_sample_at
            self._waiting[link_id] = forecast
            self._arrived.set()

    def reach(self, number: int) -> None:
        """Note that all changes up to ``number`` were forecast and offered."""
        self._number = number

    async def next(self, timeout_s: float) -> list[Forecast]:
        """Return what is new, or nothing if nothing has come within ``timeout_s``."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._arrived.wait()
        except TimeoutError:
            self.reached = self._number
            return []
        self._arrived.clear()
        new, self._waiting, self.reached = [*self._waiting.values()], {}, self._number
        return new


class LinkWatch:
    """Forecasts each watched link once a new sample, whoever watches it and wherever it reports.

    It follows the log of changes in the store, so it makes no difference which router has stored a
    sample. Nothing is done while nobody watches.

    Parameters
    ----------
    changes
        The log.
    forecast
        Forecasts links by name.
    existing
        Returns those of the links that exist; blocks.
    pool
        Where the store is read.
    every_s
        Seconds between two looks into the log.
    """

    def __init__(
        self,
        changes: ChangeLog,
        forecast: LinkForecasts,
        existing: Callable[[WatchedLinks], list[str]],
        pool: Pool,
        every_s: float = 0.1,
    ) -> None:
        self._changes = changes
        self._forecast, self._existing = forecast, existing
        self._pool = pool
        self._watchers: list[LinkWatcher] = []
        self._newest: dict[str, Forecast] = {}
        self._due: set[str] = set()
        self._failing = False
        self._follower: LogFollower[LinkChange] = LogFollower(
            changes.newest,
            changes.after,
            self._changed,
            lambda: bool(self._watchers),
            self._refresh_all,
            every_s,
            pool,
        )

    def stored(self) -> None:
        """Look at once: samples were stored here."""
        self._follower.look()

    def stop(self) -> None:
        """Stop following the log."""
        self._follower.stop()

    @contextlib.asynccontextmanager
    async def watch(self, watcher: LinkWatcher) -> AsyncIterator[LinkWatcher]:
        """Offer ``watcher`` the forecasts of its links: the newest of each, then those that follow.

        Raises
        ------
        StoreUnavailable
            If the store does not answer at the start.
        """
        self._watchers.append(watcher)
        try:
            await self._follower.start()
            names = await self._pool(partial(self._unknown, watcher))
            known = [self._newest[name] for name in names if name in self._newest]
            for forecast in known:
                watcher.offer(forecast)
            await self._forecast_all(set(names) - self._newest.keys())
            yield watcher
        finally:
            self._watchers.remove(watcher)
            self._forget()

    def _unknown(self, watcher: LinkWatcher) -> list[str]:
        """Return the links of which the caller may lack the newest forecast; blocks.

        They are those with a change since, or all if the log does not go back so far.
        """
        names = self._existing(watcher.links)
        if watcher.after is None:
            return names
        changes = self._changes.after(watcher.after, _RESUMED)
        follows = changes[0].number == watcher.after + 1 if changes else self._is_newest(watcher)
        if len(changes) == _RESUMED or not follows:
            return names
        changed = {name for change in changes for name in change.link_ids}
        return [name for name in names if name in changed]

    def _is_newest(self, watcher: LinkWatcher) -> bool:
        return self._changes.newest() == watcher.after

    async def _changed(self, changes: Sequence[LinkChange], number: int) -> None:
        """Forecast the watched links that have new samples, and those that could not be before."""
        self._due.update(name for change in changes for name in change.link_ids)
        names = set(filter(self._is_watched, self._due))
        try:
            await self._forecast_all(names)
        except PBAError as error:
            self._due = names
            if not self._failing:  # logged once, not at every look
                _log.warning("watched_links_not_forecast", extra={"why": str(error)})
            self._failing = True
        else:
            self._due = set()
            self._failing = False
            for watcher in self._watchers:
                watcher.reach(number)

    async def _refresh_all(self) -> None:
        """Have every watched link forecast: it is not known which of them have new samples."""
        for watcher in tuple(self._watchers):
            links = watcher.links
            self._due.update(await self._pool(partial(self._existing, links)))

    async def _forecast_all(self, names: Iterable[str]) -> None:
        """Forecast links, and offer the results to those who watch them, chunk by chunk."""
        recorded: dict[bool, list[str]] = {True: [], False: []}
        for name in sorted(names):
            recorded[any(one.records for one in self._watchers_of(name))].append(name)
        places = asyncio.Semaphore(_AT_ONCE)
        chunks = [
            self._forecast_chunk(chosen[start : start + _CHUNK], records, places)
            for records, chosen in recorded.items()
            for start in range(0, len(chosen), _CHUNK)
        ]
        if len(chunks) == 1:  # the watchers see the forecasts and what they reach together
            await chunks[0]
            return
        for outcome in await asyncio.gather(*chunks, return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _forecast_chunk(
        self, names: Sequence[str], records: bool, places: asyncio.Semaphore
    ) -> None:
        async with places:
            items = await self._forecast(names, recorded=records)
        for item in items:
            if isinstance(item, Forecast):  # a link may lack samples, or be gone
                self._offer(item)

    def _offer(self, forecast: Forecast) -> None:
        name = str(forecast.link_id)
        if watchers := self._watchers_of(name):
            self._newest[name] = forecast
        for watcher in watchers:
            watcher.offer(forecast)

    def _is_watched(self, name: str) -> bool:
        return any(watcher.links.include(name) for watcher in self._watchers)

    def _watchers_of(self, name: str) -> list[LinkWatcher]:
        return [watcher for watcher in self._watchers if watcher.links.include(name)]

    def _forget(self) -> None:
        """Forget the forecasts of links that nobody watches any more."""
        self._newest = {
            name: forecast for name, forecast in self._newest.items() if self._is_watched(name)
        }
