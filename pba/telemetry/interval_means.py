"""The mean rate over the next steps: what training, evaluation and scoring call its actual.

It is a difference of the integral of the rate (`pba.telemetry.rate_integral`), divided by the time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pba.telemetry.rate_integral import RateIntegral
from pba.types import INTERVALS, Floats

__all__ = ["LEAST_COVERED", "IntervalMeans", "interval_means"]

LEAST_COVERED = 0.8
"""An interval of which a smaller share is covered by samples has no actual."""

_ROUNDING = 1e-6  # of a step
_LENGTHS = np.array(INTERVALS, dtype=float)


class IntervalMeans(NamedTuple):
    """The mean rates over intervals, ``(moment, interval)``, in the order of `INTERVALS`.

    Parameters
    ----------
    mean_mbps
        NaN where samples cover less than `LEAST_COVERED` of an interval or a gap lies in it.
    is_over
        Whether later samples change nothing: they reach the end, or a gap lies before it.
    """

    mean_mbps: Floats
    is_over: NDArray[np.bool_]


def interval_means(
    timestamps_s: Floats,
    rate_mbps: Floats,
    step_s: float | Floats,
    gap_s: float | Floats,
    newest: np.ndarray,
    stop: np.ndarray | None = None,
) -> IntervalMeans:
    """Return the time-weighted mean rate over the next 5, 15 and 60 steps after some samples.

    Parameters
    ----------
    timestamps_s, rate_mbps
        Times, and the rates measured until then, shape ``(sample,)``: of one link, increasing, or
        of several, one link after the other.
    step_s
        The link's step, at each moment ``(moment,)`` or at all of them.
    gap_s
        The longest time between two samples that an interval may contain, likewise.
    newest
        Indices of the samples after which the intervals begin, shape ``(moment,)``.
    stop
        The index after the last sample of each moment's link, shape ``(moment,)``. None stands for
        one link.

    Examples
    --------
    >>> times, rates = np.arange(6.0), np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    >>> interval_means(times, rates, 1.0, 10.0, np.array([0, 1, 2])).mean_mbps[:, 0]
    array([3. , 3.5, nan])
    """
    step_s, gap_s = (np.broadcast_to(one, newest.shape)[:, None] for one in (step_s, gap_s))
    final = np.full(len(newest), len(timestamps_s)) - 1 if stop is None else stop - 1
    waits_s = np.diff(timestamps_s, prepend=timestamps_s[:1])
    integral = RateIntegral.of(timestamps_s, rate_mbps, np.inf).megabits
    starts_s = timestamps_s[newest, None]
    complete_s = starts_s + step_s * _LENGTHS
    ends_s = np.minimum(complete_s, timestamps_s[final, None])
    last = _first_not_before(timestamps_s, ends_s - _ROUNDING * step_s, newest, final)
    beyond_s = timestamps_s[last] - ends_s
    total = integral[last] - np.asarray(rate_mbps)[last] * beyond_s - integral[newest, None]
    covered_s = ends_s - starts_s
    means = total / np.where(covered_s > 0, covered_s, np.nan)
    unbroken = _longest(waits_s, newest, last) <= gap_s + _ROUNDING * step_s
    known = unbroken & (covered_s >= LEAST_COVERED * step_s * _LENGTHS - _ROUNDING * step_s)
    is_over = ~unbroken | (ends_s >= complete_s - _ROUNDING * step_s)
    return IntervalMeans(np.where(known, means, np.nan), is_over)


def _first_not_before(
    timestamps_s: Floats, times_s: Floats, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return the first index from ``low`` to ``high`` whose time is not before each of some times.

    A search by halves, ``high`` where none before it is: the times increase within a link alone.
    """
    low = np.broadcast_to(low[:, None], times_s.shape)
    high = np.broadcast_to(high[:, None], times_s.shape)
    while (low < high).any():
        middle = (low + high) // 2
        before = (timestamps_s[middle] < times_s) & (low < high)
        low, high = np.where(before, middle + 1, low), np.where(before, high, middle)
    return low


def _longest(waits_s: Floats, newest: np.ndarray, last: np.ndarray) -> Floats:
    """Return the longest wait after ``newest (moment,)`` up to each ``last (moment, interval)``."""
    if not last.size:
        return np.zeros(last.shape)
    after = np.broadcast_to(newest[:, None], last.shape)
    parts = np.stack([after, last], axis=-1).ravel() + 1
    longest = np.maximum.reduceat(np.append(waits_s, 0.0), parts)[::2]
    return np.where(last > after, longest.reshape(last.shape), 0.0)
