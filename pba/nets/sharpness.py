"""How sure a trained network should be: one number a horizon, found on data it did not learn from.

The density (mass over width of each bin) is raised to a power and made to sum to 1 again, which is
temperature scaling (Guo et al., "On calibration of modern neural networks", ICML 2017) for bins of
unequal width. The power is the one with the least Brier score of the confidence (Brier, 1950): what
a caller acts on is whether a forecast is in band, not the likelihood of a bin.
"""

import numpy as np

from pba.evaluation.metrics import in_band
from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.nets.targets import soft_targets
from pba.types import HORIZONS, Floats

__all__ = ["fit_sharpness", "fit_spread"]

_COARSE, _FINE = np.linspace(0.5, 2.0, 16), np.linspace(-0.08, 0.08, 9)
_TINY = 1e-9


def fit_sharpness(said: Prediction, actual_mbps: Floats, bins: Bins) -> tuple[float, ...]:
    """Return the power for each horizon; 1 where nothing is known of what came.

    Parameters
    ----------
    said
        Of windows that the network did not learn from.
    actual_mbps
        What came, shape ``(batch, horizon)``, NaN where not known.
    """
    return tuple(
        _best(said.probabilities[:, at], said.level_mbps, actual_mbps[:, at], bins)
        for at in range(len(HORIZONS))
    )


def fit_spread(said: Prediction, actual_mbps: Floats, bins: Bins) -> Floats:
    """Return how far the truth is from a network that says a number only, ``(horizon, bin)``.

    A histogram of ``log(actual / level)``, smoothed as training targets are, with one observation
    more that is spread over all bins. The number is about the next step; it stands for every
    horizon.

    Parameters
    ----------
    said, actual_mbps
        As for `fit_sharpness`.
    """
    with np.errstate(divide="ignore"):
        log_ratio = np.log(actual_mbps / said.level_mbps[:, None])
    rows = []
    for column in log_ratio.T:
        found = bins.index(column[~np.isnan(column)])
        seen = np.bincount(found, minlength=len(bins)) + 1.0 / len(bins)
        rows.append(seen @ soft_targets(bins) / seen.sum())
    return np.array(rows)


def _best(probabilities: Floats, level_mbps: Floats, actual: Floats, bins: Bins) -> float:
    known = ~np.isnan(actual)
    if not known.any():
        return 1.0
    mass, level, truth = probabilities[known], level_mbps[known], actual[known]

    def least(powers: Floats) -> float:
        scores = [_brier(_sharpened(mass, power, bins), level, truth, bins) for power in powers]
        return float(powers[np.argmin(scores)])

    return least(least(_COARSE) + _FINE)


def _sharpened(mass: Floats, power: float, bins: Bins) -> Floats:
    """Return what `pba.nets.heads.sharpen` says, up to a factor."""
    sharp: Floats = bins.widths ** (1.0 - power) * np.maximum(mass, _TINY) ** power
    return sharp


def _brier(mass: Floats, level_mbps: Floats, actual: Floats, bins: Bins) -> float:
    """Return the mean square of confidence less hit."""
    said = decode(mass[:, None], level_mbps, bins)
    hits = in_band(said.bandwidth_mbps[:, 0], actual)
    return float(np.mean((said.confidence[:, 0] - hits) ** 2))
