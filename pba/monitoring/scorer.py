"""Scoring as it goes: which links to look at, and what is told of what was found."""

import threading
from collections.abc import Iterable, Mapping, Sequence

from pba.errors import StoreUnavailable
from pba.monitoring.drift_watch import LinkDriftWatch, ModeDriftWatch
from pba.scoring import Outcome
from pba.store import Store

__all__ = ["Scorer"]

_AT_ONCE = 100


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
        self._begin_watching()
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
                self._begin_watching()  # from what is stored: some of it may have been missed
                raise
            found += [outcome for outcomes in settled.values() for outcome in outcomes]
        return found

    def _begin_watching(self) -> None:
        self._links, self._modes = LinkDriftWatch(self._store), ModeDriftWatch(self._store)

    def _watch(self, settled: Mapping[str, Sequence[Outcome]]) -> None:
        for link_id, outcomes in settled.items():
            self._links.watch(link_id, outcomes)
        self._modes.watch(one for outcomes in settled.values() for one in outcomes)
