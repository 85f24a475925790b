"""How fast memory grows: a line through measurements that depend on the ones before."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from pba.types import Floats

__all__ = ["Slope", "slope"]


class Slope(NamedTuple):
    """The rise of a line and the ends of its 95 % interval, per unit of time."""

    estimate: float
    low: float
    high: float


def slope(times: Floats, values: Floats) -> Slope:
    """Return the least-squares slope of ``values`` over ``times``, at least five of each.

    The residuals are taken as an AR(1) series: with the correlation r of neighbours, the variance
    of the slope is (1 + r) / (1 - r) times that of independent ones.

    Examples
    --------
    >>> slope(np.arange(5.0), np.array([0.0, 2.0, 4.0, 6.0, 8.0]))
    Slope(estimate=2.0, low=2.0, high=2.0)
    """
    centred = times - times.mean()
    estimate = float(centred @ values / (centred @ centred))
    residuals = values - values.mean() - estimate * centred
    spread = float(residuals @ residuals)
    if spread == 0.0:
        return Slope(estimate, estimate, estimate)
    count = len(times)
    r = float(residuals[1:] @ residuals[:-1]) / spread
    r = min(max(0.0, r + (1 + 4 * r) / count), 0.95)  # Kendall's correction of its bias
    inflation = (1 + r) / (1 - r)
    error = np.sqrt(spread / (count - 2) * inflation / (centred @ centred))
    half = float(stats.t.ppf(0.975, max(count / inflation - 2, 1.0)) * error)
    return Slope(estimate, estimate - half, estimate + half)
