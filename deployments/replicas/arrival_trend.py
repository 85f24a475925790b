"""Holt's linear trend: how much arrives soon, from what arrived lately."""

import math
from dataclasses import dataclass

__all__ = ["Trend"]

_LEVEL_S = 5.0
_SLOPE_S = 15.0


@dataclass(frozen=True, slots=True)
class Trend:
    """A level and its slope, both smoothed exponentially (C. C. Holt, 1957).

    Measurements may come at any times: what counts for the smoothing is the time between two
    (D. J. Wright, "Forecasting data published at irregular time intervals", 1986). Time constants
    are 5 s for the level and 15 s for the slope, so that it follows in seconds, and counts of a few
    in each measurement are no slope yet. A step is not forecast; it is a slope once it has come.

    Parameters
    ----------
    at_s
        When the level was last measured, in seconds.
    level
        The smoothed measurement.
    slope_per_s
        How much it changes in a second.

    Examples
    --------
    >>> trend = Trend(0.0, 10.0)
    >>> for second in range(1, 120):
    ...     trend = trend.measured(second, 10.0 + 2.0 * second)
    >>> round(trend.forecast(140.0))
    290
    """

    at_s: float
    level: float
    slope_per_s: float = 0.0

    def measured(self, at_s: float, value: float) -> "Trend":
        """Return the trend after another measurement, which is later than the last."""
        elapsed_s = at_s - self.at_s
        expected = self.level + self.slope_per_s * elapsed_s
        level = expected + _weight(elapsed_s, _LEVEL_S) * (value - expected)
        change = (level - self.level) / elapsed_s - self.slope_per_s
        return Trend(at_s, level, self.slope_per_s + _weight(elapsed_s, _SLOPE_S) * change)

    def forecast(self, at_s: float) -> float:
        """Return the level to expect at a time; never below 0."""
        return max(0.0, self.level + self.slope_per_s * (at_s - self.at_s))


def _weight(elapsed_s: float, constant_s: float) -> float:
    return 1.0 - math.exp(-elapsed_s / constant_s)
