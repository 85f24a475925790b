"""How wide the intervals of one link are, adapted to where its actuals fell.

Each end of the 90 % interval has a factor by which the quantiles on its side of the median are
moved away from it, in the logarithm of the rate. An actual beyond an end widens that side, any
other narrows it a little, so that in the long run an end is missed as often as its quantile says,
whatever the link does. This is adaptive conformal inference (Gibbs and Candès, "Adaptive conformal
inference under distribution shift", NeurIPS 2021) in the form of the quantile tracker of conformal
PID control (Angelopoulos, Candès and Tibshirani, NeurIPS 2023), with bounds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pba.types import HORIZONS, INTERVALS, QUANTILES, Floats

__all__ = ["UNKNOWN", "Stretch", "end_misses", "stretch_rows"]

UNKNOWN = (math.nan, math.nan)
"""The misses of an outcome that says nothing about the ends of its interval."""

# Chosen on val traces, see docs/results/closed-loop.md.
_GAINS = {1: 0.1, 5: 0.1, 15: 0.07, 60: 0.05}
# Outcomes far ahead come late and together, so their factors swing, which costs coverage.
_MISSES = {1: 0.05, 5: 0.05, 15: 0.045, 60: 0.045}
_MOST = 1.5
"""The bound of both logarithms: no side is more than 4.5 times as wide or narrow as forecast."""

_STEPS = (*HORIZONS, *INTERVALS)
_GAIN = np.array([_GAINS[steps] for steps in _STEPS])
_EXPECTED = np.array([_MISSES[steps] for steps in _STEPS])
_MEDIAN = QUANTILES.index(0.5)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The factors of one target of one link: a horizon or an interval mean.

    Parameters
    ----------
    below, above
        The logarithm of the factor of the quantiles below the median, and of those above it.
    """

    below: float = 0.0
    above: float = 0.0

    def after(self, target: int, missed: tuple[float, float]) -> "Stretch":
        """Return the factors after one more outcome.

        Parameters
        ----------
        target
            Index into `pba.types.HORIZONS`, or after those into `pba.types.INTERVALS`.
        missed
            As `end_misses` returns it.

        Examples
        --------
        >>> Stretch().after(0, (1.0, 0.0))
        Stretch(below=0.095, above=-0.005)
        >>> Stretch().after(0, UNKNOWN)
        Stretch(below=0.0, above=0.0)
        """
        gain, expected = float(_GAIN[target]), float(_EXPECTED[target])
        return Stretch(
            _moved(self.below, gain, expected, missed[0]),
            _moved(self.above, gain, expected, missed[1]),
        )

    def apply(self, quantiles_mbps: Sequence[float]) -> tuple[float, ...]:
        """Return the quantiles that the link's outcomes lead to.

        Outages stay where they are, and so does the median.

        Examples
        --------
        >>> wide = Stretch(below=np.log(2.0))
        >>> served = 50.0, 60.0, 80.0, 100.0, 110.0, 120.0, 200.0
        >>> [round(mbps, 3) for mbps in wide.apply(served)]
        [25.0, 36.0, 64.0, 100.0, 110.0, 120.0, 200.0]
        """
        median_mbps = quantiles_mbps[_MEDIAN]
        if median_mbps <= 0.0 or not (self.below or self.above):
            return tuple(quantiles_mbps)
        lower, upper = math.exp(self.below), math.exp(self.above)
        return (
            *(median_mbps * (mbps / median_mbps) ** lower for mbps in quantiles_mbps[:_MEDIAN]),
            median_mbps,
            *(
                median_mbps * (mbps / median_mbps) ** upper
                for mbps in quantiles_mbps[_MEDIAN + 1 :]
            ),
        )


def _moved(factor: float, gain: float, expected: float, missed: float) -> float:
    if math.isnan(missed):
        return factor
    return min(max(factor + gain * (missed - expected), -_MOST), _MOST)


def end_misses(quantiles_mbps: Floats, actual_mbps: Floats) -> Floats:
    """Return whether actuals lie beyond the ends of their 90 % intervals, shape ``(…, 2)``.

    1 for an end that was missed, 0 for one that was not, NaN for one that no factor moves: a low
    end that is an outage, and both where the median is.

    Parameters
    ----------
    quantiles_mbps
        As the caller received them, ``(…, quantile)``.
    actual_mbps
        Shape ``(…,)``.

    Examples
    --------
    >>> served = np.array([[50.0, 60.0, 80.0, 100.0, 110.0, 120.0, 200.0]] * 2)
    >>> end_misses(served, np.array([45.0, 130.0])).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    low, median, high = (quantiles_mbps[..., at] for at in (0, _MEDIAN, -1))
    missed = np.stack([actual_mbps < low, actual_mbps > high], axis=-1)
    movable = np.stack([low > 0.0, median > 0.0], axis=-1)
    return np.where(movable, missed, np.nan)


def stretch_rows(factors: Floats, target: NDArray[np.int64], missed: Floats) -> Floats:
    """Return the factors of many links after one outcome each, as `Stretch.after`.

    Parameters
    ----------
    factors
        `Stretch.below` and `Stretch.above` at the outcome's target, ``(link, 2)``.
    target
        Shape ``(link,)``.
    missed
        Shape ``(link, 2)``.
    """
    moved = factors + _GAIN[target, None] * (missed - _EXPECTED[target, None])
    return np.where(np.isnan(missed), factors, np.clip(moved, -_MOST, _MOST))
