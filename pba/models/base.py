"""What a forecaster is: windows in, distributions out. Every model and every simple rule is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["Forecaster", "Prediction"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a forecaster says of a batch of windows.

    Parameters
    ----------
    probabilities
        Over the forecaster's bins, shape ``(batch, horizon, bin)``, horizons as in
        `pba.types.HORIZONS`; each row sums to 1.
    level_mbps
        What the bins' log-ratios refer to, in Mbps, shape ``(batch,)``, positive.
    path
        Latency (ms), packet loss (0 to 1) and jitter (ms) of the next step, shape ``(batch, 3)``;
        NaN where the window holds none.
    """

    probabilities: Floats
    level_mbps: Floats
    path: Floats

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return ``parts``, at least one, as one batch, in order."""
        said = ((one.probabilities, one.level_mbps, one.path) for one in parts)
        return cls(*map(np.concatenate, zip(*said, strict=True)))


class Forecaster(Protocol):
    """Anything that turns windows into distributions."""

    @property
    def name(self) -> str:
        """What members and reports call it."""
        ...

    @property
    def window(self) -> int:
        """The fewest samples it takes."""
        ...

    @property
    def bins(self) -> Bins:
        """The layout of its probabilities."""
        ...

    def predict(self, telemetry: Floats) -> Prediction:
        """Return what it says of ``telemetry``, shape ``(batch, sample, 5)`` in physical units."""
        ...
