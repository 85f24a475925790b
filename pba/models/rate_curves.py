"""How much data a link carries in any time from now, from distributions of its mean rate.

A transfer ends at the first time at which the integral of the rate reaches its size, so it takes at
most ``t`` exactly if the mean rate over ``t`` is at least its size divided by ``t``. One curve a
level of probability therefore holds all that is known about durations.
"""

from dataclasses import dataclass

import numpy as np

from pba.types import INTERVALS, Floats

__all__ = ["FAST_EXPONENT", "SLOW_EXPONENT", "RateCurves", "rate_curves"]

# Fitted by `python -m benchmarks.transfers --split val --fit`, see docs/transfers.md.
SLOW_EXPONENT = 0.3
"""How the spread below the median grows beyond the longest interval: as this power of the time."""

FAST_EXPONENT = 0.05
"""The same of the spread above the median."""

_FITTED_TIMES = 10.0  # of the longest interval; the spread stays beyond that
_STEPS = np.concatenate([[0.0], np.union1d(np.geomspace(1.0, 1e5, 121), INTERVALS)])
_LEAST_MBPS = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class RateCurves:
    """The megabits that links carry in times from now, one curve a link and level.

    Parameters
    ----------
    step_s
        The links' steps, shape ``(link,)``.
    carried
        Megabits divided by the step after each of the times of this module, which do not fall with
        time, shape ``(link, level, time)``.
    """

    step_s: Floats
    carried: Floats

    def time_s(self, megabits: Floats) -> Floats:
        """Return the first time at which each curve reaches ``megabits``, inf if it never does.

        Parameters
        ----------
        megabits
            Shape ``(link, level)`` or one that extends to it; 0 or more.
        """
        target = np.broadcast_to(megabits / self.step_s[:, None], self.carried.shape[:2])
        later = np.count_nonzero(self.carried < target[..., None], axis=-1)
        index = np.clip(later, 1, len(_STEPS) - 1)[..., None]
        before = np.take_along_axis(self.carried, index - 1, -1)[..., 0]
        rise = np.take_along_axis(self.carried, index, -1)[..., 0] - before
        share = np.divide(
            target - before, rise, out=np.full(np.shape(target), np.inf), where=rise > _LEAST_MBPS
        )
        left, right = _STEPS[index[..., 0] - 1], _STEPS[index[..., 0]]
        return np.asarray((left + share * (right - left)) * self.step_s[:, None])

    def megabits(self, time_s: Floats) -> Floats:
        """Return what each curve carries within ``time_s (link,)``, shape ``(link, level)``."""
        steps = np.maximum(time_s / self.step_s, 0.0)
        index = np.clip(np.searchsorted(_STEPS, steps), 1, len(_STEPS) - 1)
        share = (steps - _STEPS[index - 1]) / (_STEPS[index] - _STEPS[index - 1])
        rows = np.arange(len(steps))
        before, after = self.carried[rows, :, index - 1], self.carried[rows, :, index]
        return np.asarray((before + share[:, None] * (after - before)) * self.step_s[:, None])


def rate_curves(
    steps: Floats,
    quantiles_mbps: Floats,
    step_s: Floats,
    exponents: tuple[float, float] = (SLOW_EXPONENT, FAST_EXPONENT),
) -> RateCurves:
    """Return one curve a level of ``quantiles_mbps``.

    Between two intervals each quantile is linear in the logarithm of the time; beyond the longest
    the median stays, and the log-ratios to it grow as a power of the time, up to ten times as long.

    Parameters
    ----------
    steps
        Increasing numbers of steps, at least two, shape ``(interval,)``.
    quantiles_mbps
        Of the mean rate over that many steps, ``(link, interval, level)``; the middle level is the
        median.
    step_s
        Shape ``(link,)``.
    exponents
        Of the growth below and above the median.

    Examples
    --------
    >>> steady = np.full((1, 2, 7), 8.0)
    >>> rate_curves(np.array([1.0, 5.0]), steady, np.array([1.0])).time_s(np.array([[80.0]]))
    array([[10., 10., 10., 10., 10., 10., 10.]])
    """
    log_time, known = np.log(_STEPS[1:]), np.log(steps)
    index = np.clip(np.searchsorted(known, log_time, side="right") - 1, 0, len(steps) - 2)
    share = np.clip((log_time - known[index]) / (known[index + 1] - known[index]), 0.0, 1.0)
    by_level = np.swapaxes(quantiles_mbps, 1, 2)
    rates = by_level[..., index] * (1.0 - share) + by_level[..., index + 1] * share
    far = log_time > known[-1]
    times = np.minimum(log_time[far] - known[-1], np.log(_FITTED_TIMES))
    growth = np.exp(np.outer(exponents, times))
    rates[..., far] = _widened(quantiles_mbps[:, -1], growth)
    carried = np.zeros((*rates.shape[:-1], len(_STEPS)))
    carried[..., 1:] = np.maximum.accumulate(rates * _STEPS[1:], axis=-1)
    return RateCurves(step_s, carried)


def _widened(quantiles_mbps: Floats, growth: Floats) -> Floats:
    """Return ``quantiles_mbps (link, level)`` with their log-ratios to the median times ``growth``.

    Only the first factor of e of a ratio grows: what may be an outage says nothing of lengths.

    Parameters
    ----------
    growth
        Below and above the median, shape ``(2, time)``.

    Returns
    -------
    Floats
        Shape ``(link, level, time)``.
    """
    middle = quantiles_mbps.shape[-1] // 2
    median = np.maximum(quantiles_mbps[:, middle : middle + 1], _LEAST_MBPS)
    ratio = np.log(np.maximum(quantiles_mbps, _LEAST_MBPS) / median)
    more = np.where(ratio[..., None] < 0, growth[0], growth[1]) - 1.0
    factors: Floats = np.exp(np.clip(ratio, -1.0, 1.0)[..., None] * more)
    return quantiles_mbps[..., None] * factors
