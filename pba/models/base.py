"""The interface of every model and simple rule: windows in, distributions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from pba.models.distribution import Bins
from pba.models.shape_worth import ShapeWorth
from pba.types import Floats

__all__ = ["Forecaster", "Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction of a forecaster for a batch of windows.

    Parameters
    ----------
    probabilities
        Over the forecaster's bins, shape ``(batch, horizon, bin)``, horizons as in
        `pba.types.HORIZONS`; each row sums to 1.
    level_mbps
        The reference level of the bins' log-ratios, in Mbps, shape ``(batch,)``, positive.
    path
        Latency (ms), packet loss (0 to 1) and jitter (ms) of the next step, shape ``(batch, 3)``;
        NaN where the window has no measurement.
    worth
        `Bins.worth` of the probabilities, where the forecaster knows it without computing it from
        them.
    intervals
        The same as ``probabilities`` of the mean over each interval, ``(batch, interval, bin)``:
        the first of `pba.types.INTERVALS`. None where the forecaster predicts none.
    """

    probabilities: Floats
    level_mbps: Floats
    path: Floats
    worth: ShapeWorth | None = None
    intervals: Floats | None = None

    @property
    def distributions(self) -> Floats:
        """Those of the horizons, then those of the intervals, ``(batch, target, bin)``."""
        if self.intervals is None:
            return self.probabilities
        return np.concatenate([self.probabilities, self.intervals], axis=1)

    def rows(self, start: int, stop: int) -> Self:
        """Return the part for the windows from ``start`` to before ``stop``."""
        part = slice(start, stop)
        return type(self)(
            self.probabilities[part],
            self.level_mbps[part],
            self.path[part],
            None if self.worth is None else self.worth[part],
            None if self.intervals is None else self.intervals[part],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return ``parts``, at least one, as one batch, in order."""
        if len(parts) == 1:
            return parts[0]
        worth = [part.worth for part in parts if part.worth is not None]
        intervals = [part.intervals for part in parts if part.intervals is not None]
        return cls(
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.level_mbps for part in parts]),
            np.concatenate([part.path for part in parts]),
            ShapeWorth.concatenate(worth) if len(worth) == len(parts) else None,
            np.concatenate(intervals) if len(intervals) == len(parts) else None,
        )


class Forecaster(Protocol):
    """Anything that turns windows into distributions."""

    @property
    def name(self) -> str:
        """Its name in members and reports."""
        ...

    @property
    def window(self) -> int:
        """The fewest samples of a window."""
        ...

    @property
    def bins(self) -> Bins:
        """The layout of its probabilities."""
        ...

    def predict(self, telemetry: Floats) -> Prediction:
        """Return the prediction for ``telemetry (batch, sample, 5)`` in physical units."""
        ...
