"""The interface of every model and simple rule: windows in, distributions out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from pba.models.distribution import Bins
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
    """

    probabilities: Floats
    level_mbps: Floats
    path: Floats

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return ``parts``, at least one, as one batch, in order."""
        arrays = ((part.probabilities, part.level_mbps, part.path) for part in parts)
        return cls(*map(np.concatenate, zip(*arrays, strict=True)))


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
