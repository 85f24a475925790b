"""What a forecast is worth when its newest sample is old.

The next step after the call is then several steps after the newest sample. A horizon of an aged
forecast has the distribution of the first horizon that lies as far ahead, and an interval that of
the first interval that ends as late. Beyond the last, the distribution fades: it is mixed with one
that knows the rate's order of magnitude only, so that the log-odds of the confidence go on to fall
with the logarithm of the steps as they did before, and faster at ages that no trace shows.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pba.forecasting.ensemble import MemberDistribution
from pba.models.distribution import Bins, DecodedForecast, decode
from pba.types import HORIZONS, Floats

__all__ = ["STALE_STEPS", "FreshForecast", "age_steps", "aged", "aged_together"]

STALE_STEPS = 15
"""A forecast whose newest sample is older than so many steps is ``stale``."""

# Chosen on val traces whose newest samples were withheld, see docs/results/staleness.md.
_LEAST_FALL = 0.3  # of the log-odds, while the steps ahead grow e-fold
_MEASURED = 5.0  # times the last horizon
_UNMEASURED_FALL = 0.1  # of the log-odds, with the square of the logarithm beyond that
_SCALE = 1.0  # of the log-ratio in the distribution that knows only the order of magnitude
_LEAST = 1e-3
_ROUNDING = 1e-6


def age_steps(age_s: float, step_s: float) -> int:
    """Return how many whole steps an age is, at least 0.

    >>> age_steps(0.4, 1.0), age_steps(2.0, 1.0), age_steps(-240.0, 1.0)
    (0, 2, 0)
    """
    return max(0, math.floor(age_s / step_s + _ROUNDING))


class FreshForecast(NamedTuple):
    """A forecast as of its newest sample: distribution and confidence by target, and its age.

    ``ahead`` says how many steps ahead each target ends: `HORIZONS`, or `INTERVALS`.
    """

    distribution: MemberDistribution
    confidence: Sequence[float]
    steps: int
    ahead: tuple[int, ...] = HORIZONS


def aged_together(forecasts: Sequence[FreshForecast]) -> list[DecodedForecast]:
    """Return each of ``forecasts`` at its age, as a batch of one; all are decoded together."""
    places: dict[tuple[Bins, int], list[int]] = {}
    for place, forecast in enumerate(forecasts):
        kind = forecast.distribution.bins, len(forecast.ahead)
        places.setdefault(kind, []).append(place)
    results: dict[int, DecodedForecast] = {}
    for (bins, _), group in places.items():
        probabilities = np.stack([aged(forecasts[place]) for place in group])
        level_mbps = np.array([forecasts[place].distribution.level_mbps for place in group])
        decoded = decode(probabilities, level_mbps, bins)
        for row, place in enumerate(group):
            part = slice(row, row + 1)
            results[place] = DecodedForecast(*(values[part] for values in decoded))
    return [results[place] for place in range(len(forecasts))]


def aged(forecast: FreshForecast) -> Floats:
    """Return the probabilities ``(target, bin)`` of a forecast at its age."""
    distribution, confidence, steps, ahead = forecast
    aged_ahead = np.array(ahead) + steps
    rows = np.minimum(np.searchsorted(ahead, aged_ahead), len(ahead) - 1)
    probabilities = np.asarray(distribution.probabilities, dtype=float)[rows]
    beyond = aged_ahead / ahead[-1]
    if beyond[-1] <= 1.0:
        return probabilities
    vague, least = _vague(distribution.bins)
    excess = confidence[-1] - least
    if excess <= 0.0:
        return probabilities
    faded = _faded_confidence(confidence, ahead, beyond)
    share = np.minimum(1.0, (confidence[-1] - faded) / excess)
    share = np.where(beyond > 1.0, share, 0.0)[:, None]
    return np.asarray((1.0 - share) * probabilities + share * vague)


def _faded_confidence(
    confidence: Sequence[float], ahead: tuple[int, ...], beyond: Floats
) -> Floats:
    """Return the confidence at ``beyond`` times the end of the last target, at least 1 time."""
    last, fall = _log_odds(confidence[-1]), _LEAST_FALL
    if len(ahead) > 1:
        slope = (_log_odds(confidence[-2]) - last) / math.log(ahead[-1] / ahead[-2])
        fall = max(fall, slope)
    times = np.log(np.maximum(beyond, 1.0))
    unmeasured = np.maximum(0.0, times - math.log(_MEASURED))
    return np.asarray(1.0 / (1.0 + np.exp(fall * times + _UNMEASURED_FALL * unmeasured**2 - last)))


@lru_cache(maxsize=16)
def _vague(bins: Bins) -> tuple[Floats, float]:
    """Return a Laplace distribution over ``bins (bin,)``, and the confidence of its point."""
    tail = 0.5 * np.exp(-np.abs(bins.edges) / _SCALE)
    below = np.where(bins.edges < 0.0, tail, 1.0 - tail)
    mass = np.diff(below, prepend=0.0)
    mass /= mass.sum()
    decoded = decode(mass[None, None], np.ones(1), bins)
    return mass, float(decoded.confidence[0, 0])


def _log_odds(share: float) -> float:
    bounded = min(max(share, _LEAST), 1.0 - _LEAST)
    return math.log(bounded / (1.0 - bounded))
