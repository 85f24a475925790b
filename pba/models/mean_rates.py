"""Distributions of a link's mean rate over times, from what its forecast says; and their levels."""

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from pba.types import QUANTILES, Floats

__all__ = ["HORIZON_SPREAD", "LEVELS", "at_levels", "mean_rates", "probability_within"]

# Fitted by `python -m benchmarks.transfers --split val --fit --without-intervals`.
HORIZON_SPREAD = 0.7
"""The spread of a mean's log-rate, as a share of the mean spread of the horizons in it."""

_COUNT = 41
LEVELS = tuple((index + 0.5) / _COUNT for index in range(_COUNT))
"""The levels of the curves that migrations run over; each is as likely as any other."""

_TAILS = (1e-4, 1e-3, 3e-3, *(index / 100 for index in range(1, 100)), 0.997, 0.999, 0.9999)
_SCORES = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])
_LEAST_MBPS = 1e-9


def mean_rates(
    horizons: tuple[Sequence[int], Floats],
    intervals: tuple[Sequence[int], Floats],
    spread: float = HORIZON_SPREAD,
) -> tuple[Floats, Floats]:
    """Return over how many steps mean rates are known, and their quantiles.

    The mean over one step is the rate one step ahead. Without intervals, the mean over ``n`` steps
    is taken to be that of the horizons up to ``n``, with a share of their spread.

    Parameters
    ----------
    horizons, intervals
        Numbers of steps, and quantiles of shape ``(link, horizon, level)``.
    spread
        The share of the log-ratios to the median.

    Returns
    -------
    tuple
        Steps of shape ``(interval,)``, quantiles of shape ``(link, interval, level)``.
    """
    (ahead, rates_mbps), (lengths, means_mbps) = horizons, intervals
    if len(lengths):
        steps = np.array([1.0, *lengths])
        return steps, np.concatenate([rates_mbps[:, :1], means_mbps], axis=1)
    counts = np.arange(1, len(ahead) + 1)[:, None]
    means_mbps = np.cumsum(rates_mbps, axis=1) / counts
    middle = means_mbps.shape[-1] // 2
    median = means_mbps[..., middle : middle + 1]
    known = np.where(median > 0, median, 1.0)
    ratio = np.where((means_mbps > 0) & (median > 0), means_mbps / known, 1.0)
    narrow = means_mbps * ratio ** (spread - 1.0)
    return np.array(ahead, dtype=float), np.concatenate([rates_mbps[:, :1], narrow[:, 1:]], axis=1)


def probability_within(carried_mb: Floats, size_mb: Floats) -> Floats:
    """Return the probability that a link carries at least ``size_mb``.

    Parameters
    ----------
    carried_mb
        Quantiles of what it carries, ``(link, level)``, levels as in `QUANTILES`.
    size_mb
        Shape ``(link,)``.
    """
    fine = np.maximum.accumulate(at_levels(carried_mb, _TAILS), axis=1)
    pairs = zip(size_mb.tolist(), fine, strict=True)
    below = [np.interp(size, row, _TAILS, left=0.0, right=1.0) for size, row in pairs]
    return 1.0 - np.array(below)


def at_levels(quantiles_mbps: Floats, levels: tuple[float, ...]) -> Floats:
    """Return the quantiles at ``levels`` from those at `QUANTILES`, on the last axis.

    Between two levels a quantile is linear in the standard normal quantile of the level; beyond the
    outermost it goes on as the log-rate does between the last two.

    Examples
    --------
    >>> at_levels(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 12.0]), (0.05, 0.5, 0.98))
    array([ 1.        ,  4.        , 26.18119848])
    """
    index, share = _places(levels)
    low, high = quantiles_mbps[..., index], quantiles_mbps[..., index + 1]
    inner = low + np.clip(share, 0.0, 1.0) * (high - low)
    beyond = share - np.clip(share, 0.0, 1.0)
    ratio = np.log(np.maximum(high, _LEAST_MBPS) / np.maximum(low, _LEAST_MBPS))
    return np.asarray(inner * np.exp(np.clip(beyond * ratio, -20.0, 20.0)))


@lru_cache(maxsize=8)
def _places(levels: tuple[float, ...]) -> tuple[np.ndarray, Floats]:
    """Return before which of `QUANTILES` each level lies, and how far on the way to the next."""
    scores = np.array([NormalDist().inv_cdf(level) for level in levels])
    index = np.clip(np.searchsorted(_SCORES, scores) - 1, 0, len(_SCORES) - 2)
    return index, (scores - _SCORES[index]) / (_SCORES[index + 1] - _SCORES[index])
