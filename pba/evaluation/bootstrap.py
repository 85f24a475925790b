"""Whether one contestant is better than another, or it only looks so: a bootstrap over traces."""

from dataclasses import dataclass

import numpy as np

from pba.evaluation import metrics
from pba.evaluation.candidates import CandidateForecasts
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.types import Floats

__all__ = ["Difference", "difference", "lead"]

_DRAWS = 2000
_TAIL = 2.5


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of means and its 95 % interval; None where one trace alone has none."""

    value: float
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``noise`` where the interval holds 0 or is not known."""
        low, high = self.interval or (-1.0, 1.0)
        return "better" if low > 0 else "worse" if high < 0 else "noise"


def difference(
    one: CandidateForecasts, other: CandidateForecasts, moments: EvaluationPoints, horizon: int
) -> Difference:
    """Return how much more often ``one`` is in band than ``other``, at the same moments.

    Parameters
    ----------
    horizon
        Index into `pba.types.HORIZONS`.
    """
    actual = moments.actual_mbps[:, horizon]
    known = ~np.isnan(actual)
    gained = metrics.in_band(one.bandwidth_mbps[known, horizon], actual[known]).astype(float)
    gained -= metrics.in_band(other.bandwidth_mbps[known, horizon], actual[known])
    return lead(gained, moments.trace[known])


def lead(gained: Floats, traces: np.ndarray) -> Difference:
    """Return the mean of what was ``gained`` at each moment, and how sure it is.

    Traces are drawn with replacement and whole, 2000 times, for the moments of one trace are not
    independent (a cluster bootstrap: Cameron, Gelbach and Miller, Review of Economics and
    Statistics, 2008).

    Parameters
    ----------
    gained
        Shape ``(moment,)``, at least one.
    traces
        Which trace each moment lies in, shape ``(moment,)``.

    Examples
    --------
    >>> lead(np.array([1.0, 1.0, 0.0, 1.0]), np.array([0, 0, 1, 1])).interval
    (0.5, 1.0)
    """
    count = np.bincount(traces)
    total = np.bincount(traces, weights=gained)
    total, count = total[count > 0], count[count > 0]
    value = float(total.sum() / count.sum())
    if len(count) < 2:
        return Difference(value, None)
    drawn = np.random.default_rng(0).integers(len(count), size=(_DRAWS, len(count)))
    values = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(values, [_TAIL, 100.0 - _TAIL])
    return Difference(value, (float(low), float(high)))
