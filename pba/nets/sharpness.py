"""Calibration of a trained network: an exponent a horizon and interval, from validation data.

The density (mass over width of each bin) is raised to a power and normalised, which is
temperature scaling (Guo et al., "On calibration of modern neural networks", ICML 2017) for bins of
unequal width. The power minimises the Brier score of the confidence (Brier, 1950): callers act
on whether a forecast is in band, not on the likelihood of a bin.
"""

import numpy as np

from pba.evaluation.metrics import in_band
from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.nets.targets import soft_targets
from pba.types import Floats

__all__ = ["fit_sharpness", "fit_spread"]

_COARSE, _FINE = np.linspace(0.5, 2.0, 16), np.linspace(-0.08, 0.08, 9)
_TINY = 1e-9


def fit_sharpness(
    prediction: Prediction, actual_mbps: Floats, mean_mbps: Floats, bins: Bins
) -> tuple[float, ...]:
    """Return the power of each horizon, then of each interval; 1 for one without actuals.

    Parameters
    ----------
    prediction
        For windows outside the training data.
    actual_mbps
        Shape ``(batch, horizon)``, NaN where unknown.
    mean_mbps
        The same of the intervals, at least those of ``prediction``.
    """
    rows = list(zip(_rows(prediction.probabilities), actual_mbps.T, strict=True))
    if prediction.intervals is not None:
        rows += zip(_rows(prediction.intervals), mean_mbps.T, strict=False)
    return tuple(_best_power(mass, prediction.level_mbps, actual, bins) for mass, actual in rows)


def fit_spread(prediction: Prediction, actual_mbps: Floats, bins: Bins) -> Floats:
    """Return the error distribution of a network with a point output only, ``(horizon, bin)``.

    A histogram of ``log(actual / level)``, smoothed like the training targets, with one additional
    observation spread over all bins. The point is of the next step and is used for every horizon.

    Parameters
    ----------
    prediction, actual_mbps
        As for `fit_sharpness`.
    """
    with np.errstate(divide="ignore"):
        log_ratio = np.log(actual_mbps / prediction.level_mbps[:, None])
    rows = []
    for column in log_ratio.T:
        indices = bins.index(column[~np.isnan(column)])
        counts = np.bincount(indices, minlength=len(bins)) + 1.0 / len(bins)
        rows.append(counts @ soft_targets(bins) / counts.sum())
    return np.array(rows)


def _rows(probabilities: Floats) -> Floats:
    return probabilities.swapaxes(0, 1)


def _best_power(probabilities: Floats, level_mbps: Floats, actual: Floats, bins: Bins) -> float:
    known = ~np.isnan(actual)
    if not known.any():
        return 1.0
    mass, level, known_actual = probabilities[known], level_mbps[known], actual[known]

    def best_of(powers: Floats) -> float:
        scores = [
            _brier(_sharpen(mass, power, bins), level, known_actual, bins) for power in powers
        ]
        return float(powers[np.argmin(scores)])

    return best_of(best_of(_COARSE) + _FINE)


def _sharpen(mass: Floats, power: float, bins: Bins) -> Floats:
    """Return the result of `pba.nets.heads.sharpen` up to a factor."""
    sharp: Floats = bins.widths ** (1.0 - power) * np.maximum(mass, _TINY) ** power
    return sharp


def _brier(mass: Floats, level_mbps: Floats, actual: Floats, bins: Bins) -> float:
    """Return the mean squared difference of confidence and hit."""
    decoded = decode(mass[:, None], level_mbps, bins)
    hits = in_band(decoded.bandwidth_mbps[:, 0], actual)
    return float(np.mean((decoded.confidence[:, 0] - hits) ** 2))
