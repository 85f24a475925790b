"""How fast counters grow: what replicas report to the autoscaling policies."""

from collections.abc import Callable, Mapping

__all__ = ["Rates"]


class Rates:
    """Turns counters into rates, each over the time since the last call.

    Parameters
    ----------
    clock
        Returns seconds of a clock that never goes back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at_s = clock()
        self._totals: dict[str, float] = {}

    def per_second(self, totals: Mapping[str, float]) -> dict[str, float]:
        """Return how much each of ``totals``, which began at 0, has grown a second."""
        now_s, before = self._clock(), self._totals
        elapsed_s = max(now_s - self._at_s, 1e-3)
        self._at_s, self._totals = now_s, dict(totals)
        return {name: (total - before.get(name, 0.0)) / elapsed_s for name, total in totals.items()}
