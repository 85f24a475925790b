"""What a forecast is worth when its newest sample is old.

The next step after the call is then several steps after the newest sample. A horizon of an aged
forecast has the distribution of the first horizon that lies as far ahead. Beyond the last, the
distribution fades: it is mixed with one that knows the rate's order of magnitude only, so that the
log-odds of the confidence go on to fall with the logarithm of the steps as they did before, and
faster at ages that no trace shows.
"""

import math

import numpy as np

from pba.forecasting.ensemble import MemberDistribution
from pba.forecasting.members import decode_one
from pba.models.distribution import Bins
from pba.types import HORIZONS, Floats

__all__ = ["STALE_STEPS", "age_steps", "aged"]

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


def aged(distribution: MemberDistribution, steps: int) -> MemberDistribution:
    """Return the ``distribution`` of a forecast whose newest sample is ``steps`` steps old."""
    last = len(HORIZONS) - 1
    rows = [min(int(np.searchsorted(HORIZONS, ahead + steps)), last) for ahead in HORIZONS]
    probabilities = distribution.probabilities[rows]
    confidence = decode_one(distribution).confidence[0]
    for row, ahead in enumerate(HORIZONS):
        beyond = (ahead + steps) / HORIZONS[-1]
        if beyond > 1.0:
            faded = _faded_confidence(confidence, beyond)
            probabilities[row] = _faded(probabilities[row], confidence[-1], faded, distribution)
    return distribution._replace(probabilities=probabilities)


def _faded_confidence(confidence: Floats, beyond: float) -> float:
    """Return the confidence at ``beyond`` times the last horizon."""
    nearer, last = (_log_odds(float(value)) for value in confidence[-2:])
    fall = max(_LEAST_FALL, (nearer - last) / math.log(HORIZONS[-1] / HORIZONS[-2]))
    unmeasured = max(0.0, math.log(beyond / _MEASURED))
    log_odds = last - fall * math.log(beyond) - _UNMEASURED_FALL * unmeasured**2
    return 1.0 / (1.0 + math.exp(-log_odds))


def _faded(
    probabilities: Floats, confidence: float, faded: float, distribution: MemberDistribution
) -> Floats:
    """Return ``probabilities (bin,)`` mixed with vague ones until ``confidence`` is ``faded``."""
    vague = _vague(distribution.bins)
    row = MemberDistribution(vague[None], distribution.level_mbps, distribution.bins)
    least = float(decode_one(row).confidence[0, 0])
    if confidence <= least:
        return probabilities
    share = min(1.0, (confidence - faded) / (confidence - least))
    return np.asarray((1.0 - share) * probabilities + share * vague)


def _vague(bins: Bins) -> Floats:
    """Return a Laplace distribution of the log-ratio over ``bins``, shape ``(bin,)``."""
    tail = 0.5 * np.exp(-np.abs(bins.edges) / _SCALE)
    below = np.where(bins.edges < 0.0, tail, 1.0 - tail)
    mass = np.diff(below, prepend=0.0)
    return np.asarray(mass / mass.sum())


def _log_odds(share: float) -> float:
    bounded = min(max(share, _LEAST), 1.0 - _LEAST)
    return math.log(bounded / (1.0 - bounded))
