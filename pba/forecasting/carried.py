"""How much links carry in a time, from their forecasts: for transfers and for advice."""

from collections.abc import Sequence

import numpy as np

from pba.models.mean_rates import mean_rates
from pba.types import QUANTILES, Floats, Forecast

__all__ = ["MEGABITS_PER_BYTE", "column", "forecast_means"]

MEGABITS_PER_BYTE = 8e-6


def forecast_means(forecasts: Sequence[Forecast]) -> tuple[Floats, Floats]:
    """Return over how many steps mean rates are known, and their quantiles.

    Shapes ``(interval,)`` and ``(link, interval, level)``. All ``forecasts``, at least one, have as
    many intervals.
    """
    first = forecasts[0]
    horizons = [[one.quantiles_mbps for one in forecast.horizons] for forecast in forecasts]
    intervals = [[one.quantiles_mbps for one in forecast.intervals] for forecast in forecasts]
    shape = (len(forecasts), -1, len(QUANTILES))
    return mean_rates(
        ([one.steps for one in first.horizons], np.array(horizons, dtype=float).reshape(shape)),
        ([one.steps for one in first.intervals], np.array(intervals, dtype=float).reshape(shape)),
    )


def column(values: Sequence[float]) -> Floats:
    """Return one number a link."""
    return np.array(values, dtype=float)
