"""Scoring as it goes: which links to look at, and what is told of what was found."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from pba.drift import Alarm, DriftDetector, Scored
from pba.errors import StoreUnavailable
from pba.scoring import Outcome
from pba.store import Event, Store

__all__ = ["DRIFT", "DriftWatch", "Scorer"]

DRIFT = "drift"
"""The kind of the events that tell of alarms."""

_AT_ONCE = 100
_REBUILT_FROM = 400
_MOST_LINKS = 5000


class DriftWatch:
    """Watches the outcomes one step ahead of every link, and puts alarms among the events.

    A link's detector is rebuilt from the store when the link is first seen, or seen again after
    5000 others, so nothing that was told is told twice and nothing new is missed.

    Parameters
    ----------
    store
        Holds outcomes and events.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._detectors: OrderedDict[str, DriftDetector] = OrderedDict()
        self._seen_us: dict[str, int] = {}

    def watch(self, link_id: str, outcomes: Sequence[Outcome]) -> list[Event]:
        """Take in a link's new outcomes, which are stored already; return what is news."""
        new = [one for one in outcomes if one.at == 0 and one.pending.served]
        if not new:
            return []
        if link_id in self._detectors:
            self._detectors.move_to_end(link_id)
            rows = [(one.at_us, one.actual_mbps, one.forecast_mbps, one.hit) for one in new]
        else:
            self._begin(link_id)
            rows = self._store.recent_outcomes(link_id, _REBUILT_FROM)
        alarms = [alarm for row in rows if (alarm := self._feed(link_id, *row))]
        told = [
            Event(DRIFT, alarm.ended_s or alarm.flagged_s, link_id, alarm.as_dict())
            for alarm in alarms
        ]
        if told:
            self._store.add_events(told)
        return told

    def forget(self, link_ids: Iterable[str]) -> None:
        """Have the detectors of ``link_ids``, which may have missed something, rebuilt."""
        for link_id in link_ids:
            self._detectors.pop(link_id, None)
            self._seen_us.pop(link_id, None)

    def _begin(self, link_id: str) -> None:
        last = self._store.events(DRIFT, link_id, count=1)
        held = Alarm.from_dict(last[0].body) if last else None
        self._detectors[link_id] = DriftDetector(held)
        self._seen_us[link_id] = -1
        if len(self._detectors) > _MOST_LINKS:
            forgotten, _ = self._detectors.popitem(last=False)
            del self._seen_us[forgotten]

    def _feed(
        self, link_id: str, at_us: int, actual_mbps: float, forecast_mbps: float, hit: bool
    ) -> Alarm | None:
        if at_us <= self._seen_us[link_id]:  # another version's forecast of the same moment
            return None
        self._seen_us[link_id] = at_us
        scored = Scored(at_us / 1e6, actual_mbps, forecast_mbps, hit)
        return self._detectors[link_id].update(scored)


class Scorer:
    """Scores forecasts as their actuals arrive.

    It keeps nothing that it would miss: what is not scored is found in the store, and what is
    scored there is not scored again. One should run at a time, because of several each would wait
    for the others, but no harm comes of more.

    Parameters
    ----------
    store
        Holds samples and forecasts.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._drift = DriftWatch(store)
        self._heard: set[str] = set()
        self._news = threading.Event()
        self._lock = threading.Lock()

    def hear(self, link_ids: Iterable[str]) -> None:
        """Note that ``link_ids`` have new samples."""
        with self._lock:
            self._heard.update(link_ids)
        self._news.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until something is heard, at most ``timeout_s``; return whether it was."""
        return self._news.wait(timeout_s)

    def look(self) -> list[Outcome]:
        """Look through all links that may have something to score."""
        return self._score(self._store.open_links())

    def score(self) -> list[Outcome]:
        """Score what can be scored on the links heard of since; return the new outcomes."""
        with self._lock:
            links, self._heard = sorted(self._heard), set()
            self._news.clear()
        return self._score(links)

    def _score(self, links: Sequence[str]) -> list[Outcome]:
        found: list[Outcome] = []
        for start in range(0, len(links), _AT_ONCE):
            part = links[start : start + _AT_ONCE]
            try:
                settled = self._store.settle(part)
                self._watch(settled)
            except StoreUnavailable:
                self._drift.forget(part)
                raise
            found += [outcome for outcomes in settled.values() for outcome in outcomes]
        return found

    def _watch(self, settled: Mapping[str, Sequence[Outcome]]) -> None:
        for link_id, outcomes in settled.items():
            self._drift.watch(link_id, outcomes)
