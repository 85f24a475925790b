"""Where the mean of a series changes, and with what confidence."""

import math

import numpy as np

from pba.types import Floats

__all__ = ["MIN_SEGMENT", "confidence", "split"]

MIN_SEGMENT = 5
"""The least number of values on either side of a change."""


def split(values: Floats) -> int:
    """Return the index at which the second of two segments begins: the least-squares fit.

    >>> split(np.array([1.0, 1.1, 0.9, 1.0, 1.1, 5.0, 5.1, 4.9, 5.0, 5.1, 5.0]))
    5
    """
    count = np.arange(1, len(values))
    excess = np.cumsum(values - values.mean())[:-1]
    gain = excess**2 / (count * (len(values) - count))
    return MIN_SEGMENT + int(np.argmax(gain[MIN_SEGMENT - 1 : 1 - MIN_SEGMENT]))


def confidence(values: Floats, index: int) -> float:
    """Return the confidence that the mean of ``values`` changes at ``index``.

    It is 1 minus the two-sided p-value of the difference of the means, times the number of possible
    splits (Bonferroni). A segment's variance is the greater of its own and the pooled one, times
    ``(1 + r) / (1 - r)`` with the lag-1 autocorrelation ``r``: the variance of the mean of an AR(1)
    series (Box, Jenkins and Reinsel, "Time series analysis", 2.1). It is approximate: ``r`` is
    estimated, and autocorrelation beyond that of an AR(1) process is ignored.

    >>> confidence(np.array([1.0, 2.0] * 10 + [2.0, 3.0] * 10), 20)
    0.999
    """
    segments = values[:index], values[index:]
    residuals = np.concatenate([segment - segment.mean() for segment in segments])
    pooled = float(residuals @ residuals) / len(residuals)
    if pooled == 0.0:
        return 1.0
    lag_1 = float(residuals[1:] @ residuals[:-1]) / float(residuals @ residuals)
    lag_1 = min(max(lag_1, 0.0), 0.99)
    inflation = (1.0 + lag_1) / (1.0 - lag_1)
    variance = sum(max(float(part.var()), pooled) / len(part) for part in segments) * inflation
    z = abs(float(segments[1].mean() - segments[0].mean())) / math.sqrt(variance)
    return 1.0 - min(1.0, (len(values) - 2 * MIN_SEGMENT + 1) * math.erfc(z / math.sqrt(2.0)))
