"""How wide the intervals of one link are, adapted to where its actuals fell.

Each side of the median has a factor. A quantile is taken from as many standard deviations away as
its own level and the factor say, on the line through the forecast's quantiles over the normal
scores of their levels. An actual beyond an end of the 90 % interval widens that side, any other
narrows it a little, so that in the long run an end is missed as often as its level says, whatever
the link does. This is adaptive conformal inference (Gibbs and Candès, "Adaptive conformal inference
under distribution shift", NeurIPS 2021) in the form of the quantile tracker of conformal PID
control (Angelopoulos, Candès and Tibshirani, NeurIPS 2023), with bounds.
"""

import math
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pba.types import HORIZONS, INTERVALS, QUANTILES, Floats

__all__ = ["Stretch", "end_misses", "stretch_rows"]

# Chosen on val traces but for the upper bound, see docs/results/closed-loop.md.
_GAINS = {1: 0.1, 5: 0.07, 15: 0.04, 60: 0.03}
# Outcomes far ahead come late and together, so their factors swing, which costs coverage.
_MISSES = {1: 0.05, 5: 0.05, 15: 0.045, 60: 0.045}
_LEAST, _MOST = -1.5, 1.0
"""The bounds of both logarithms: 0.22 to 2.72 times as many standard deviations as forecast."""

_STEPS = (*HORIZONS, *INTERVALS)
_GAIN = np.array([_GAINS[steps] for steps in _STEPS])
_EXPECTED = np.array([_MISSES[steps] for steps in _STEPS])
_MEDIAN = QUANTILES.index(0.5)
_SCORES = tuple(NormalDist().inv_cdf(level) for level in QUANTILES)
_DENSITY = tuple(1.0 / (right - left) for left, right in pairwise(_SCORES))
_INNER = _SCORES[1:-1]


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

    def after(self, target: int, missed: tuple[bool, bool]) -> "Stretch":
        """Return the factors after one more outcome.

        Parameters
        ----------
        target
            Index into `pba.types.HORIZONS`, or after those into `pba.types.INTERVALS`.
        missed
            As `end_misses` returns it.

        Examples
        --------
        >>> Stretch().after(0, (True, False))
        Stretch(below=0.095, above=-0.005)
        """
        gain, expected = float(_GAIN[target]), float(_EXPECTED[target])
        below, above = (
            min(max(factor + gain * (miss - expected), _LEAST), _MOST)
            for factor, miss in zip((self.below, self.above), missed, strict=True)
        )
        return Stretch(below, above)

    def apply(self, quantiles_mbps: Sequence[float]) -> tuple[float, ...]:
        """Return the quantiles that the link's outcomes lead to; the median stays.

        Examples
        --------
        >>> wide = Stretch(below=math.log(1.5))
        >>> [round(mbps, 1) for mbps in wide.apply((50.0, 60.0, 80.0, 100.0, 110.0, 120.0, 200.0))]
        [27.4, 42.4, 69.0, 100.0, 110.0, 120.0, 200.0]
        """
        lower, upper = list(quantiles_mbps[:_MEDIAN]), list(quantiles_mbps[_MEDIAN + 1 :])
        if self.below:
            factor = math.exp(self.below)
            lower = [_at(quantiles_mbps, factor * score) for score in _SCORES[:_MEDIAN]]
        if self.above:
            factor = math.exp(self.above)
            upper = [_at(quantiles_mbps, factor * score) for score in _SCORES[_MEDIAN + 1 :]]
        return (*lower, quantiles_mbps[_MEDIAN], *upper)


def _at(quantiles_mbps: Sequence[float], score: float) -> float:
    """Return the rate at a normal score, on the line through the quantiles and beyond its ends."""
    left = bisect(_INNER, score)
    first = quantiles_mbps[left]
    slope = (quantiles_mbps[left + 1] - first) * _DENSITY[left]
    rate_mbps = first + slope * (score - _SCORES[left])
    return rate_mbps if rate_mbps > 0.0 else 0.0


def end_misses(quantiles_mbps: Floats, actual_mbps: Floats) -> NDArray[np.bool_]:
    """Return whether actuals lie below and above their 90 % intervals, shape ``(…, 2)``.

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
    [[True, False], [False, False]]
    """
    low, high = quantiles_mbps[..., 0], quantiles_mbps[..., -1]
    return np.stack([actual_mbps < low, actual_mbps > high], axis=-1)


def stretch_rows(factors: Floats, target: NDArray[np.int64], missed: NDArray[np.bool_]) -> Floats:
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
    return np.asarray(np.clip(moved, _LEAST, _MOST))
