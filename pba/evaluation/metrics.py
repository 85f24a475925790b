"""Forecast metrics without state: hits, errors, pinball loss, coverage, calibration."""

import numpy as np

from pba.types import QUANTILES, Floats

__all__ = [
    "accuracy",
    "bias",
    "calibration_error",
    "central_coverage",
    "chance_calibration_error",
    "coverage",
    "in_band",
    "mae",
    "mdape",
    "pinball",
    "pinball_losses",
    "rmse",
    "smape",
]

_OUTAGE_MBPS, _OUTAGE_HIT_MBPS = 0.01, 0.05


def in_band(forecast: Floats, actual: Floats, tolerance: float = 0.2) -> np.ndarray:
    """Return which forecasts are hits: ``abs(forecast - actual) <= tolerance * actual``.

    The outage rule: for an actual below 0.01 Mbps a relative tolerance is meaningless, and any
    forecast below 0.05 Mbps is a hit.

    Parameters
    ----------
    forecast, actual
        Mbps, of shapes that broadcast; no NaN.
    tolerance
        Share of the actual.

    Returns
    -------
    np.ndarray
        Booleans of the common shape.

    Examples
    --------
    >>> in_band(np.array([80.0, 79.0, 0.04, 0.04]), np.array([100.0, 100.0, 0.0, 0.1]))
    array([ True, False,  True, False])
    """
    forecast, actual = np.asarray(forecast), np.asarray(actual)
    near = np.abs(forecast - actual) <= tolerance * actual
    return np.where(actual < _OUTAGE_MBPS, forecast < _OUTAGE_HIT_MBPS, near)


def accuracy(forecast: Floats, actual: Floats, tolerance: float = 0.2) -> float:
    """Return the share of `in_band` forecasts; NaN for empty arrays, as in all metrics below.

    >>> accuracy(np.array([90.0, 110.0, 150.0, 100.0]), np.full(4, 100.0))
    0.75
    """
    return _mean(in_band(forecast, actual, tolerance))


def mae(forecast: Floats, actual: Floats) -> float:
    """Return the mean absolute error, in Mbps.

    >>> mae(np.array([90.0, 130.0]), np.array([100.0, 100.0]))
    20.0
    """
    return _mean(np.abs(np.asarray(forecast) - actual))


def rmse(forecast: Floats, actual: Floats) -> float:
    """Return the root of the mean squared error, in Mbps.

    >>> rmse(np.array([97.0, 104.0, 100.0, 100.0]), np.full(4, 100.0))
    2.5
    """
    return float(np.sqrt(_mean((np.asarray(forecast) - actual) ** 2)))


def bias(forecast: Floats, actual: Floats) -> float:
    """Return the mean of forecast less actual, in Mbps; positive where forecasts are too high.

    >>> bias(np.array([90.0, 130.0]), np.array([100.0, 100.0]))
    10.0
    """
    return _mean(np.asarray(forecast) - actual)


def smape(forecast: Floats, actual: Floats) -> float:
    """Return the symmetric mean absolute percentage error as a share, 0 to 2.

    ``2 |f - a| / (|f| + |a|)``, 0 where both are 0 (Makridakis, "Accuracy measures", International
    Journal of Forecasting, 1993). An outage costs at most 2, where MAPE would be infinite.

    >>> smape(np.array([150.0, 0.0, 5.0]), np.array([50.0, 0.0, 0.0]))
    1.0
    """
    size = np.abs(forecast) + np.abs(actual)
    return _mean(2 * np.abs(np.asarray(forecast) - actual) / np.where(size > 0, size, 1.0))


def mdape(forecast: Floats, actual: Floats) -> float:
    """Return the median absolute percentage error as a share.

    The median of ``|f - a| / a``, infinite for a forecast above an actual of 0 and 0 where both are
    0 (Hyndman and Koehler, "Another look at measures of forecast accuracy", International Journal
    of Forecasting, 2006, section 3.2).

    >>> mdape(np.array([90.0, 130.0, 0.0, 100.0, 5.0]), np.array([100.0, 100.0, 0.0, 80.0, 0.0]))
    0.25
    """
    error = np.abs(np.asarray(forecast, dtype=float) - actual)
    actual = np.broadcast_to(actual, error.shape)
    share = np.where(error > 0, np.inf, 0.0)
    np.divide(error, actual, out=share, where=actual > 0)
    return float(np.median(share)) if share.size else float("nan")


def pinball(quantiles: Floats, actual: Floats, levels: Floats) -> float:
    """Return the mean pinball loss over all quantiles, in Mbps.

    ``(a - q) level`` where the actual is above the quantile, ``(q - a) (1 - level)`` below it
    (Koenker and Bassett, "Regression quantiles", Econometrica, 1978).

    Parameters
    ----------
    quantiles
        Mbps, shape ``(..., level)``.
    actual
        Mbps, shape ``(...)``.
    levels
        Between 0 and 1, shape ``(level,)``.

    Examples
    --------
    >>> pinball(np.array([[80.0, 120.0]]), np.array([100.0]), np.array([0.25, 0.75]))
    5.0
    """
    return _mean(pinball_losses(quantiles, actual, levels))


def pinball_losses(quantiles: Floats, actual: Floats, levels: Floats) -> Floats:
    """Return the `pinball` loss of each forecast, Mbps, shape ``(...)``.

    >>> pinball_losses(np.array([[80.0, 120.0]]), np.array([100.0]), np.array([0.25, 0.75]))
    array([5.])
    """
    above = np.asarray(actual)[..., None] - quantiles
    losses = np.maximum(np.asarray(levels) * above, (np.asarray(levels) - 1) * above)
    return np.asarray(losses.mean(axis=-1))


def coverage(low: Floats, high: Floats, actual: Floats) -> float:
    """Return the share of actuals from ``low`` to ``high``, both included.

    The p05 and p95 of calibrated forecasts cover 0.9, on average over links and not on each.

    >>> coverage(np.array([80.0, 80.0]), np.array([120.0, 120.0]), np.array([120.0, 121.0]))
    0.5
    """
    return _mean((np.asarray(low) <= actual) & (actual <= np.asarray(high)))


def central_coverage(quantiles: Floats, actual: Floats, share: float) -> float:
    """Return the `coverage` of the central interval that should hold ``share`` of the actuals.

    Parameters
    ----------
    quantiles
        Mbps, shape ``(forecast, 7)``, levels as in `pba.types.QUANTILES`.
    actual
        Mbps, shape ``(forecast,)``.
    share
        0.5, 0.8 or 0.9: the difference of two of the levels.

    Examples
    --------
    >>> central_coverage(np.arange(10.0, 80.0, 10.0)[None], np.array([65.0]), 0.9)
    1.0
    >>> central_coverage(np.arange(10.0, 80.0, 10.0)[None], np.array([65.0]), 0.5)
    0.0
    """
    low = QUANTILES.index(round((1 - share) / 2, 3))
    return coverage(quantiles[:, low], quantiles[:, -1 - low], actual)


def calibration_error(confidence: Floats, hits: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: how far confidence lies from the share of hits.

    Forecasts are put into ``bins`` equal parts of confidence; the result is the mean over forecasts
    of the distance between their bin's mean confidence and share of hits (Naeini et al., "Obtaining
    well calibrated probabilities using Bayesian binning", AAAI 2015; Guo et al., ICML 2017,
    equation 3). With few forecasts a bin it is biased upwards.

    Parameters
    ----------
    confidence
        From 0 to 1, shape ``(forecast,)``.
    hits
        The result of `in_band`, shape ``(forecast,)``.
    bins
        The number of bins, at least 1.

    Examples
    --------
    >>> calibration_error(np.array([0.75, 0.75, 0.75, 0.75]), np.array([1, 1, 0, 0]))
    0.25
    """
    confidence, hits = np.asarray(confidence, dtype=float), np.asarray(hits, dtype=float)
    if not confidence.size:
        return float("nan")
    part = np.minimum((confidence * bins).astype(int), bins - 1)
    excess = np.bincount(part, weights=confidence - hits, minlength=bins)
    return float(np.abs(excess).sum() / confidence.size)


def chance_calibration_error(
    confidence: Floats, rng: np.random.Generator, bins: int = 10, draws: int = 100
) -> float:
    """Return the `calibration_error` that forecasts show by chance if their confidence is right.

    The mean over ``draws`` in which each forecast hits with the probability that it states,
    independently. Consecutive forecasts of one link are not independent and show a larger error.

    Examples
    --------
    >>> sure = np.full(100, 0.5)  # a share of 100 is off by sqrt(2 / pi * 0.25 / 100) on average
    >>> chance_calibration_error(sure, np.random.default_rng(0), draws=2000)
    0.040
    """
    confidence = np.asarray(confidence, dtype=float)
    errors = [
        calibration_error(confidence, rng.random(confidence.shape) < confidence, bins)
        for _ in range(draws)
    ]
    return _mean(np.array(errors))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if np.size(values) else float("nan")
