"""The result of one query."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pba.rollout import Arm
from pba.types import Forecast, HorizonForecast, IntervalForecast

__all__ = ["ForecastResult"]


@dataclass(frozen=True, slots=True)
class ForecastResult:
    """A forecast, and what scoring needs to know about it.

    Parameters
    ----------
    forecast
        The forecast for the caller.
    horizons, intervals
        Those of the forecast as of the newest sample, before it aged.
    confidence
        The confidence of each, before the link's record adapted it.
    points_mbps
        The point of every expert of `pba.forecasting.fixed_share.EXPERTS` that took part, at each
        horizon.
    after_s
        The time of the newest sample of the window, Unix seconds.
    created_at
        When it was computed, whatever time the forecast is as of.
    arm
        The arm that forecast.
    """

    forecast: Forecast
    horizons: tuple[HorizonForecast, ...]
    intervals: tuple[IntervalForecast, ...]
    confidence: tuple[float, ...]
    points_mbps: Mapping[str, tuple[float, ...]]
    after_s: float
    created_at: datetime
    arm: Arm = Arm.V3
