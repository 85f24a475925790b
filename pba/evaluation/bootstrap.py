"""Whether one candidate is better than another by more than chance: a bootstrap over traces."""

import math
from dataclasses import dataclass

import numpy as np

from pba.evaluation import metrics
from pba.evaluation.candidates import CandidateForecasts
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.types import Floats

__all__ = ["Difference", "accuracy_difference", "bootstrap_mean", "t_test"]

_DRAWS = 2000
_TAIL = 2.5


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of means and its 95 % interval, which is None for a single trace.

    ``p_value`` is that of no difference, two-sided, by a t-test over traces.
    """

    value: float
    interval: tuple[float, float] | None
    p_value: float | None

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``noise`` where the interval contains 0 or is unknown."""
        low, high = self.interval or (-1.0, 1.0)
        return "better" if low > 0 else "worse" if high < 0 else "noise"


def accuracy_difference(
    one: CandidateForecasts, other: CandidateForecasts, points: EvaluationPoints, target: int
) -> Difference:
    """Return the accuracy_20 of ``one`` less that of ``other``, at the same points.

    Parameters
    ----------
    target
        Index into `pba.evaluation.targets.TARGETS`.
    """
    actual = points.actual_mbps[:, target]
    known = ~np.isnan(actual)
    gains = metrics.in_band(one.bandwidth_mbps[known, target], actual[known]).astype(float)
    gains -= metrics.in_band(other.bandwidth_mbps[known, target], actual[known])
    return bootstrap_mean(gains, points.trace[known])


def bootstrap_mean(gains: Floats, traces: np.ndarray) -> Difference:
    """Return the mean of ``gains`` and its bootstrap interval.

    Whole traces are drawn with replacement, 2000 times, because the points of one trace are not
    independent (a cluster bootstrap: Cameron, Gelbach and Miller, Review of Economics and
    Statistics, 2008).

    Parameters
    ----------
    gains
        The gain at each point, shape ``(point,)``, at least one.
    traces
        The trace of each point, shape ``(point,)``.

    Examples
    --------
    >>> bootstrap_mean(np.array([1.0, 1.0, 0.0, 1.0]), np.array([0, 0, 1, 1])).interval
    (0.5, 1.0)
    """
    count = np.bincount(traces)
    total = np.bincount(traces, weights=gains)
    total, count = total[count > 0], count[count > 0]
    value = float(total.sum() / count.sum())
    if len(count) < 2:
        return Difference(value, None, None)
    drawn = np.random.default_rng(0).integers(len(count), size=(_DRAWS, len(count)))
    values = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(values, [_TAIL, 100.0 - _TAIL])
    return Difference(value, (float(low), float(high)), _p_value(value, total, count))


def _p_value(value: float, total: np.ndarray, count: np.ndarray) -> float:
    """Return the p-value of a ratio of sums over clusters, by its linearised standard error.

    The percentiles of 2000 draws cannot tell p-values under 1/2000, which many comparisons need
    (Cochran, "Sampling Techniques", 1977, chapter 6: the variance of a ratio).
    """
    traces = len(count)
    residuals = total - value * count
    error = float(np.sqrt(traces / (traces - 1) * (residuals**2).sum()) / count.sum())
    if error == 0.0:
        return 1.0 if value == 0.0 else 0.0
    return t_test(value / error, traces - 1)


def t_test(t: float, freedom: int) -> float:
    """Return the two-sided p-value of Student's t with whole degrees of freedom, at least 1.

    A finite series (Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and
    26.7.4): an evaluation without trees runs where serving does, without scipy.

    Examples
    --------
    >>> t_test(2.262, 9), t_test(0.0, 10)
    (0.050, 1.0)
    """
    angle = math.atan(abs(t) / math.sqrt(freedom))
    square = math.cos(angle) ** 2
    odd = freedom % 2
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    for count in range(freedom // 2):
        total += term
        term *= square * (2 * count + 1 + odd) / (2 * count + 2 + odd)
    inside = math.sin(angle) * total
    if odd:
        inside = (angle + inside) * 2.0 / math.pi
    return max(0.0, 1.0 - inside)
