"""One call of the load, and what a list of calls says together."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Call", "errors", "full_again_s", "quantile_s", "within"]

_FULL = 0.95
"""The share of prompt calls that counts as full throughput."""
_PROMPT_S, _STEADY_S = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that has ended; times in seconds since the load began."""

    client: str
    started_s: float
    ended_s: float
    error: str = ""

    @property
    def took_s(self) -> float:
        """How long its caller waited, all tries together."""
        return self.ended_s - self.started_s


def within(calls: Sequence[Call], begin_s: float, end_s: float) -> list[Call]:
    """Return the calls that were started in a span."""
    return [call for call in calls if begin_s <= call.started_s < end_s]


def quantile_s(calls: Sequence[Call], quantile: float) -> float:
    """Return how long calls took, NaN of none."""
    return float(np.quantile([call.took_s for call in calls], quantile)) if calls else float("nan")


def errors(calls: Sequence[Call]) -> Counter[str]:
    """Return how many calls failed, by the error."""
    return Counter(call.error for call in calls if call.error)


def full_again_s(calls: Sequence[Call], fault_s: float, until_s: float) -> float:
    """Return how many seconds after a fault calls are answered as promptly as before it.

    From then on, for five seconds, 95 % of the calls that begin take under a second. Infinity if
    that is never so before ``until_s``.
    """
    for second in range(int(until_s - fault_s)):
        begin_s = fault_s + second
        started = within(calls, begin_s, begin_s + _STEADY_S)
        prompt = [call for call in started if not call.error and call.took_s < _PROMPT_S]
        if len(prompt) >= _FULL * len(started):
            return float(second)
    return float("inf")
