"""A forecast that waits for its actuals, and the outcome of one of its horizons."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.evaluation.metrics import in_band
from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.types import HORIZONS, QUANTILES

__all__ = ["OpenForecast", "Outcome"]

_QUARTILES = QUANTILES.index(0.25), QUANTILES.index(0.75)
_NINETY = QUANTILES.index(0.05), QUANTILES.index(0.95)


@dataclass(frozen=True, slots=True)
class OpenForecast:
    """A forecast of which some horizons are not scored yet.

    Parameters
    ----------
    id
        Its key in the store.
    after_us
        When the newest sample that it is based on was measured, microseconds.
    created_us
        When the service computed it, microseconds by the service's clock.
    prediction
        ``points_mbps``, ``confidence`` (as the caller received it), ``unadapted`` (before the
        link's record was applied) and ``quantiles_mbps``, one item per horizon each; ``members``
        maps each member of the ensemble to its points.
    settled
        The steps that have an outcome already.
    arm, served
        Which arm predicted, and whether the caller received it or it was computed for comparison.
    """

    id: int
    after_us: int
    step_s: float
    mode: str
    source: str
    version: str
    created_us: int
    prediction: dict[str, Any]
    settled: frozenset[int] = frozenset()
    arm: Arm = Arm.V3
    served: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """One horizon of a forecast and the actual that belongs to it.

    Parameters
    ----------
    horizon
        Index in `pba.types.HORIZONS`.
    at_us
        When the actual was measured, microseconds.
    """

    forecast: OpenForecast
    horizon: int
    at_us: int
    actual_mbps: float

    @property
    def steps(self) -> int:
        """How many steps ahead the forecast was."""
        return HORIZONS[self.horizon]

    @property
    def forecast_mbps(self) -> float:
        """The predicted point."""
        return float(self.forecast.prediction["points_mbps"][self.horizon])

    @property
    def confidence(self) -> float:
        """The confidence that the caller received."""
        return float(self.forecast.prediction["confidence"][self.horizon])

    @property
    def hit(self) -> bool:
        """Whether the point is in band."""
        return _in_band(self.forecast_mbps, self.actual_mbps)

    @property
    def quartiles_mbps(self) -> tuple[float, float]:
        """The predicted 25 % and 75 % quantiles."""
        low, high = (self._quantiles_mbps[index] for index in _QUARTILES)
        return low, high

    @property
    def covered(self) -> tuple[bool, bool]:
        """Whether the actual is in the predicted 50 % and 90 % intervals, ends included."""
        quantiles = self._quantiles_mbps
        fifty, ninety = (
            quantiles[low] <= self.actual_mbps <= quantiles[high]
            for low, high in (_QUARTILES, _NINETY)
        )
        return fifty, ninety

    @property
    def _quantiles_mbps(self) -> list[float]:
        return [float(rate) for rate in self.forecast.prediction["quantiles_mbps"][self.horizon]]

    def update(self, record: LinkRecord) -> LinkRecord:
        """Return ``record`` updated by this outcome; outcomes of v1 leave it as it is."""
        if self.forecast.arm is not Arm.V3:
            return record
        prediction = self.forecast.prediction
        members = {
            name: _in_band(points[self.horizon], self.actual_mbps)
            for name, points in prediction["members"].items()
        }
        unadapted = float(prediction["unadapted"][self.horizon])
        return record.after(self.horizon, unadapted, self.hit, members)


def _in_band(forecast_mbps: float, actual_mbps: float) -> bool:
    return bool(in_band(np.array(forecast_mbps), np.array(actual_mbps)))
