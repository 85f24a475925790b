"""The figures job: what the Monitor's gauges show of the store."""

from collections.abc import Callable

from pba.store import Store

from .accuracy_gauges import AccuracyGauges

__all__ = ["FiguresJob"]

_VERSIONS_EVERY_S = 60.0


class FiguresJob:
    """Shows the backlog in each round, and once a minute how accurate the forecasts are.

    Versions that this Monitor has scored for the first time are shown in the next round.

    Parameters
    ----------
    store
        What the figures are of.
    gauges
        What shows them.
    clock
        Returns the current Unix time in seconds.

    Attributes
    ----------
    due_links
        How many links waited to be scored in the last round.
    """

    def __init__(self, store: Store, gauges: AccuracyGauges, clock: Callable[[], float]) -> None:
        self._store = store
        self._gauges = gauges
        self._clock = clock
        self._shown_s = float("-inf")
        self.due_links = 0

    def run(self) -> bool:
        """Do one round; nothing more waits.

        Raises
        ------
        StoreUnavailable
            While the store is away.
        """
        self.due_links, oldest_due_s = self._store.scoring.backlog()
        self._gauges.show_backlog(self.due_links, oldest_due_s)
        now_s = self._clock()
        if self._gauges.lacks_versions or now_s - self._shown_s >= _VERSIONS_EVERY_S:
            self._gauges.show_versions(self._store.summary()["versions"])
            self._shown_s = now_s
        return False
