"""The mean rate over the next steps: what training, evaluation and scoring call its actual.

It is a difference of the integral of the rate (`pba.telemetry.rate_integral`), divided by the time.
"""

import numpy as np

from pba.telemetry.rate_integral import RateIntegral
from pba.types import INTERVALS, Floats

__all__ = ["LEAST_COVERED", "interval_means"]

LEAST_COVERED = 0.8
"""An interval of which a smaller share is covered by samples has no actual."""

_ROUNDING = 1e-6  # of a step


def interval_means(
    timestamps_s: Floats, rate_mbps: Floats, step_s: float, gap_s: float, newest: np.ndarray
) -> Floats:
    """Return the time-weighted mean rate over the next 5, 15 and 60 steps after some samples.

    Parameters
    ----------
    timestamps_s, rate_mbps
        Increasing times, and the rates measured until then, shape ``(sample,)``.
    step_s
        The link's step.
    gap_s
        The longest time between two samples that an interval may contain.
    newest
        Indices of the samples after which the intervals begin, shape ``(moment,)``.

    Returns
    -------
    Floats
        Mbps, shape ``(moment, interval)``, intervals as in `pba.types.INTERVALS`; NaN where samples
        cover less than `LEAST_COVERED` of an interval or a gap lies in it.

    Examples
    --------
    >>> times, rates = np.arange(6.0), np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    >>> interval_means(times, rates, 1.0, 10.0, np.array([0, 1, 2]))[:, 0]
    array([3. , 3.5, nan])
    """
    integral = RateIntegral.of(timestamps_s, rate_mbps, gap_s)
    starts_s = timestamps_s[newest, None]
    lengths_s = step_s * np.array(INTERVALS, dtype=float)
    ends_s = np.minimum(starts_s + lengths_s, timestamps_s[-1])
    covered_s = ends_s - starts_s
    last = np.searchsorted(timestamps_s, ends_s - _ROUNDING * step_s)
    carried_mb = np.interp(ends_s, timestamps_s, integral.megabits)
    total = carried_mb - integral.megabits[newest, None]
    means = total / np.where(covered_s > 0, covered_s, np.nan)
    known = covered_s >= (LEAST_COVERED - _ROUNDING) * lengths_s
    gaps = integral.gaps
    return np.where(known & (gaps[last] == gaps[newest, None]), means, np.nan)
