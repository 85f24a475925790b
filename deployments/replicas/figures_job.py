"""The figures job: what the Monitor's gauges show of the store."""

from collections.abc import Callable

from pba.store import Store

from .scoring_metrics import ScoringMetrics
from .service_metrics import ServiceMetrics

__all__ = ["FiguresJob"]

_SERVICE_EVERY_S = 60.0


class FiguresJob:
    """Shows the backlog in each round, and once a minute what is true of the whole service.

    Parameters
    ----------
    store
        What the figures are of.
    scoring, service
        What shows them.
    clock
        Returns the current Unix time in seconds.

    Attributes
    ----------
    due_links
        How many links waited to be scored in the last round.
    """

    def __init__(
        self,
        store: Store,
        scoring: ScoringMetrics,
        service: ServiceMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._scoring = scoring
        self._service = service
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
        self._scoring.show_backlog(self.due_links, oldest_due_s)
        now_s = self._clock()
        if now_s - self._shown_s >= _SERVICE_EVERY_S:
            self._scoring.show_versions(self._store.summary()["versions"])
            self._service.update()
            self._shown_s = now_s
        return False
