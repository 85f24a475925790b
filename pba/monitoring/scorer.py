"""Continuous scoring: which links to score, and the drift watches that see the outcomes."""

import threading
from collections.abc import Iterable, Mapping, Sequence

from pba.errors import StoreUnavailable
from pba.monitoring.drift_watch import LinkDriftWatch, ModeDriftWatch
from pba.scoring import Outcome
from pba.store import Store

__all__ = ["Scorer"]

_LINKS_PER_CALL = 100


class Scorer:
    """Scores forecasts as their actuals arrive.

    A scorer can be restarted at any time: open forecasts are in the store, and a scored one is not
    scored again. Several at a time are correct but wait for each other's locks, so run one.

    Parameters
    ----------
    store
        Samples and forecasts.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reset_watches()
        self._notified: set[str] = set()
        self._wakeup = threading.Event()
        self._lock = threading.Lock()

    def notify(self, link_ids: Iterable[str]) -> None:
        """Record that ``link_ids`` have new samples."""
        with self._lock:
            self._notified.update(link_ids)
        self._wakeup.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a notification, at most ``timeout_s``; return whether there is one."""
        return self._wakeup.wait(timeout_s)

    def score_open(self) -> list[Outcome]:
        """Score all links with open forecasts; return the new outcomes."""
        return self._score(self._store.open_links())

    def score(self) -> list[Outcome]:
        """Score the links of the notifications since the last call; return the new outcomes."""
        with self._lock:
            link_ids, self._notified = sorted(self._notified), set()
            self._wakeup.clear()
        return self._score(link_ids)

    def _score(self, link_ids: Sequence[str]) -> list[Outcome]:
        scored: list[Outcome] = []
        for start in range(0, len(link_ids), _LINKS_PER_CALL):
            try:
                settled = self._store.settle(link_ids[start : start + _LINKS_PER_CALL])
                self._watch(settled)
            except StoreUnavailable:
                self._reset_watches()  # they may have missed outcomes that are stored
                raise
            scored += [outcome for outcomes in settled.values() for outcome in outcomes]
        return scored

    def _reset_watches(self) -> None:
        self._links = LinkDriftWatch(self._store)
        self._modes = ModeDriftWatch(self._store)

    def _watch(self, settled: Mapping[str, Sequence[Outcome]]) -> None:
        for link_id, outcomes in settled.items():
            self._links.watch(link_id, outcomes)
        self._modes.watch(outcome for outcomes in settled.values() for outcome in outcomes)
