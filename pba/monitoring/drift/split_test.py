"""Where the means of many series change, and with what confidence: a test of all recent splits."""

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pba.types import Floats

__all__ = ["MIN_AFTER", "MIN_BEFORE", "MOMENTS", "Variance", "MeanChanges", "find_splits"]

MIN_BEFORE, MIN_AFTER = 30, 5
"""The least number of values on either side of a change."""

MOMENTS = np.dtype(
    [("count", "<f4"), ("mean", "<f4"), ("squares", "<f4"), ("products", "<f4"), ("last", "<f4")]
)
"""Moments of a series: the sum of squared deviations from the mean, that of the products of
neighbours' deviations, and the last value."""

_Single = NDArray[np.float32]


class Variance(IntEnum):
    """What a segment's variance is taken to be.

    ``POOLED`` is that around both means: right where the variance does not depend on the segment.
    ``OWN`` is the greater of the segment's own and the pooled one, for streams that may become
    more variable without a change of their mean. ``TOTAL`` is at least that around one mean,
    for hits: five equal ones in a row have no variance of their own.
    """

    POOLED = 0
    OWN = 1
    TOTAL = 2


class MeanChanges(NamedTuple):
    """Significant changes of means, ``(change,)``.

    Parameters
    ----------
    series
        Index of the series.
    length
        The number of values after the change.
    before, after
        The means on both sides.
    confidence
        1 minus the p-value, corrected for the number of splits.
    """

    series: NDArray[np.intp]
    length: NDArray[np.intp]
    before: Floats
    after: Floats
    confidence: Floats


def find_splits(
    values: _Single,
    count: NDArray[np.int64],
    past: NDArray[np.void],
    min_change: Floats,
    min_z: Floats,
    variance: NDArray[np.int64],
    min_lag_1: Floats,
) -> MeanChanges:
    """Return the series whose mean has changed within the last values.

    For each series, two means are fitted by least squares, with the change at any place among the
    last values. The statistic of the best split is the difference of the means over its standard
    error. A segment's variance is the greater of its own and the pooled one, times ``(1 + r) / (1 -
    r)`` with the residuals' lag-1 correlation ``r``: the variance of the mean of an AR(1) series
    (Box, Jenkins and Reinsel, "Time series analysis", 2.1). With few values that are worth as many
    as ``n`` independent ones, the variance is uncertain; ``sqrt(n log(1 + z^2 / n))``, the signed
    root of the likelihood ratio, allows for that. To compare it with a constant after each value
    is the window-limited generalised likelihood ratio rule (Lai, "Sequential changepoint detection
    in quality control and dynamical systems", JRSS B, 1995).

    Parameters
    ----------
    values
        The last values of each series, the newest last, ``(series, window)``.
    count
        How many of these are the series', ``(series,)``.
    past
        `MOMENTS` of the values before these, ``(series,)``.
    min_change
        The least difference of the means that counts, ``(series,)``.
    min_z
        The least statistic that counts, ``(series,)``.
    variance
        `Variance` of each, ``(series,)``.
    min_lag_1
        The least ``r``, ``(series,)``.
    """
    best = _fit(values, count, past)
    total = count + past["count"]
    # The pooled variance is the least, so what it makes insignificant need not be examined.
    possible = best.gain * total >= min_z**2 * best.rest
    chosen = np.flatnonzero(possible & (np.abs(best.change) >= min_change))
    length = best.length[chosen]
    if not len(chosen):
        return MeanChanges(chosen, length, *[np.empty(0)] * 3)
    before, after, z = _examine(
        values[chosen], count[chosen], past[chosen], length, variance[chosen], min_lag_1[chosen]
    )
    splits = count[chosen] - MIN_AFTER + 1
    p_value = np.array([math.erfc(one / math.sqrt(2.0)) for one in z.tolist()])
    confidence = 1.0 - np.minimum(1.0, splits * p_value)
    passed = z >= min_z[chosen]
    return MeanChanges(
        chosen[passed], length[passed], before[passed], after[passed], confidence[passed]
    )


class _Fit(NamedTuple):
    length: NDArray[np.intp]
    change: Floats
    gain: Floats
    rest: Floats


def _fit(values: _Single, count: NDArray[np.int64], past: NDArray[np.void]) -> _Fit:
    """Return the least-squares split of each series, its gain, and the sum of squares it leaves."""
    window = values.shape[1]
    centre = values[:, -1:]
    mask = np.arange(window) >= window - count[:, None]
    offsets = np.where(mask, values - centre, np.float32(0.0))
    sums = np.cumsum(offsets[:, ::-1], axis=1)
    past_mean = past["mean"] - centre[:, 0]
    total = count + past["count"]
    mean = (sums[:, -1] + past["count"] * past_mean) / total
    length = np.arange(1, window + 1, dtype=np.float32)
    rest_length = total[:, None].astype(np.float32) - length
    possible = (length >= MIN_AFTER) & (rest_length >= MIN_BEFORE) & mask[:, ::-1]
    excess = sums - length * mean[:, None].astype(np.float32)
    gain = np.where(possible, excess * excess / (length * np.maximum(rest_length, 1.0)), -1.0)
    best = np.argmax(gain, axis=1)
    each = np.arange(len(values))
    change = excess[each, best] * total / ((best + 1) * np.maximum(total - best - 1, 1.0))
    gain_best = np.maximum(gain[each, best], 0.0) * total
    squares = np.einsum("sw,sw->s", offsets, offsets) + past["squares"]
    squares = squares + past["count"] * past_mean**2 - total * mean**2
    return _Fit(best + 1, change, gain_best, np.maximum(squares - gain_best, 0.0))


def _examine(
    values: _Single,
    count: NDArray[np.int64],
    past: NDArray[np.void],
    length: NDArray[np.intp],
    kind: NDArray[np.int64],
    min_lag_1: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return the means before and after the splits, and the statistics of their difference."""
    window = values.shape[1]
    place = np.arange(window)
    late = place >= window - length[:, None]
    early = (place >= window - count[:, None]) & ~late
    exact, n_past = values.astype(float), past["count"].astype(float)
    n_late, n_before = length.astype(float), count - length + n_past
    after = np.where(late, exact, 0.0).sum(axis=1) / n_late
    before = (np.where(early, exact, 0.0).sum(axis=1) + n_past * past["mean"]) / n_before
    means = np.where(late, after[:, None], before[:, None])
    residuals = np.where(late | early, exact - means, 0.0)
    shift = n_past * (past["mean"] - before) ** 2
    squares_late = (residuals**2 * late).sum(axis=1)
    squares_before = (residuals**2 * early).sum(axis=1) + past["squares"] + shift
    products = (residuals[:, 1:] * residuals[:, :-1]).sum(axis=1) + past["products"] + shift
    total, squares = n_late + n_before, squares_late + squares_before
    with np.errstate(divide="ignore", invalid="ignore"):
        lag_1 = np.nan_to_num(products / squares)
        lag_1 = lag_1 + 2.0 * (1.0 + 3.0 * lag_1) / total
        lag_1 = np.clip(lag_1, min_lag_1, 0.99)
        inflation = (1.0 + lag_1) / (1.0 - lag_1)
        gain = n_late * n_before / total * (after - before) ** 2
        least = (squares + np.where(kind == Variance.TOTAL, gain, 0.0)) / total
        own = kind != Variance.POOLED
        variance = np.maximum(squares_late / n_late * own, least) / n_late
        variance = variance + np.maximum(squares_before / n_before * own, least) / n_before
        worth = total / inflation
        z = np.sqrt(worth * np.log1p((after - before) ** 2 / (variance * inflation) / worth))
    return before, after, z
