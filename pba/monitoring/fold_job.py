"""The fold job: deltas become sums, and modes' drift detectors see the outcomes that wait."""

from collections.abc import Callable

from pba.monitoring.drift import Alarm
from pba.monitoring.drift.mode_drift import ModeDrift
from pba.monitoring.drift_watch import alarm_event, mode_drift
from pba.scoring.mode_outcomes import ModeOutcomes
from pba.store import Store
from pba.store.mode_outcome_queue import ModeQueue
from pba.types import Event

__all__ = ["FoldJob"]

_LEASE = "fold"
_LEASE_S = 10.0
_DELTAS = 5000  # of each kind, in one transaction
_BATCHES = 20  # of outcomes of modes, in one transaction
_COUNT_EVERY_S = 60.0


class FoldJob:
    """Adds up what scoring appends, in small transactions; one Monitor at a time does it.

    It may die at any moment: a delta is deleted by the transaction that adds it, and an outcome by
    that which stores the state of the detector that has seen it.

    Parameters
    ----------
    store
        Deltas, outcomes of modes, and events.
    holder
        This Monitor's name among those that share the store.
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(self, store: Store, holder: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._jobs = store.jobs
        self._holder = holder
        self._clock = clock
        self._counted_s = float("-inf")

    def run(self) -> bool:
        """Do a piece of the work; return whether more waits.

        Raises
        ------
        StoreUnavailable
            While the store is away.
        """
        if not self._jobs.take_lease(_LEASE, self._holder, _LEASE_S):
            return False
        full = self._jobs.fold(_DELTAS) >= _DELTAS
        queues = self._jobs.mode_queues(_BATCHES)
        for queue in queues:
            self._advance(queue)
        if self._clock() - self._counted_s >= _COUNT_EVERY_S:
            self._jobs.count_links()
            self._counted_s = self._clock()
        return full or sum(len(queue.numbers) for queue in queues) == _BATCHES

    def _advance(self, queue: ModeQueue) -> None:
        drift = ModeDrift.from_bytes(queue.state)
        alarms = drift.advance(ModeOutcomes.from_bytes(queue.bodies))
        events = [self._event(queue, alarm) for alarm in alarms]
        self._jobs.write_mode_state(queue, drift.to_bytes(), events)

    def _event(self, queue: ModeQueue, alarm: Alarm) -> Event:
        return alarm_event(mode_drift(queue.mode), None, alarm)
