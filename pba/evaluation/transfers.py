"""How well durations of transfers are forecast, against what the traces let through.

A transfer of EWMA(0.3) times 10, 60 and 600 s begins at evaluation points, whatever happens then.
It is observed until the run ends, at most four times as long as it should take; what has not ended
by then is censored. A censored one counts as inside an interval with the share of the forecast's
own probability beyond that time which lies inside.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pba.evaluation.transfer_moments import TransferMoments
from pba.models.mean_rates import HORIZON_SPREAD, LEVELS, at_levels, mean_rates, probability_within
from pba.models.precopy import SURE, Migrations, local_lengths, migrate, migration_quantiles
from pba.models.rate_curves import FAST_EXPONENT, SLOW_EXPONENT, rate_curves
from pba.types import HORIZONS, INTERVALS, QUANTILES, Floats

__all__ = [
    "DIRTY_SHARES",
    "SIZES_S",
    "Coverage",
    "MeanRates",
    "MigrationScore",
    "TransferScore",
    "fitted_exponents",
    "fitted_spread",
    "known_means",
    "score_migrations",
    "score_transfers",
]

SIZES_S = (10.0, 60.0, 600.0)
"""How long the transfers would take at the average rate."""

DIRTY_SHARES = (0.2, 0.5, 1.5)
"""At which shares of the average rate machines write to their memory."""

_NOMINAL_STEPS = (5.0, 600.0)
_MOST_TIMES = 4.0
_LEAST_CONVERGED, _LEAST_FIT = 20, 100
_LOW, _HIGH = 0.1, 0.9
_COLUMNS = {level: QUANTILES.index(level) for level in (_LOW, 0.5, _HIGH)}
_SPREADS = tuple(index / 20 for index in range(10, 26))
_GRID = tuple(index / 20 for index in range(-4, 13))

MeanRates = tuple[Floats, Floats]
"""Numbers of steps, and quantiles of the mean rate ``(moment, interval, level)``."""


class Coverage(NamedTuple):
    """Shares of what is inside, below and above the 80 % intervals; ``censored`` of what is so."""

    inside: float
    below: float
    above: float
    censored: float


class TransferScore(NamedTuple):
    """The score of the transfers of one size: median relative errors, of two rules too."""

    moments: int
    coverage: Coverage
    error: float
    last_value_error: float
    ewma_error: float

    @property
    def ratio(self) -> float:
        """The error as a share of the better rule's."""
        return self.error / min(self.last_value_error, self.ewma_error)


class MigrationScore(NamedTuple):
    """The score of live migrations of one size at one rate of writing.

    ``downtime`` is of those that converge, None for fewer than 20. ``never`` counts those that do
    not converge by the forecast, ``right`` those of them that did not, and ``not_converged`` all
    that did not.
    """

    moments: int
    time: Coverage
    downtime: Coverage | None
    never: int
    right: int
    not_converged: int


def known_means(
    quantiles_mbps: Floats, with_intervals: bool = True, spread: float = HORIZON_SPREAD
) -> MeanRates:
    """Return the mean rates in forecasts' quantiles ``(moment, target, level)``.

    ``spread`` is as in `pba.models.mean_rates.mean_rates`, for those without intervals.
    """
    horizons, intervals = np.split(quantiles_mbps, [len(HORIZONS)], axis=1)
    count = int(np.isfinite(intervals[..., 0]).all(axis=0).sum()) if with_intervals else 0
    return mean_rates((HORIZONS, horizons), (INTERVALS[:count], intervals[:, :count]), spread)


def score_transfers(
    moments: TransferMoments,
    means: MeanRates,
    size_s: float,
    exponents: tuple[float, float] = (SLOW_EXPONENT, FAST_EXPONENT),
) -> TransferScore | None:
    """Return the score of transfers of ``size_s`` at the average rate, None if there are none."""
    chosen = _chosen(moments, size_s, 1.0)
    if not chosen.size:
        return None
    some, size_mb = moments.only(chosen), moments.ewma_mbps[chosen] * size_s
    curves = rate_curves(means[0], means[1][chosen], some.step_s, exponents)
    forecast_s = curves.time_s(size_mb[:, None])[:, ::-1]
    until_s = np.minimum(some.known_s, _MOST_TIMES * size_s)
    probability = probability_within(curves.megabits(until_s), size_mb)
    actual_s = some.duration_s(size_mb)
    actual_s = np.where(actual_s <= until_s, actual_s, np.inf)
    rate = np.maximum(some.last_mbps, 1e-9)
    rules_s = [forecast_s[:, _COLUMNS[0.5]], size_mb / rate, np.full(len(chosen), size_s)]
    shown = np.minimum(actual_s, until_s)
    errors = [np.median(np.abs(np.minimum(one, until_s) - shown) / shown) for one in rules_s]
    return TransferScore(
        len(chosen), _coverage(forecast_s, actual_s, probability), *map(float, errors)
    )


def score_migrations(
    moments: TransferMoments, means: MeanRates, size_s: float, dirty_share: float
) -> MigrationScore | None:
    """Return the score of migrations at moments whose run lasts four times ``size_s``.

    Those whose run ends before they do are left out.
    """
    chosen = _chosen(moments, size_s, _MOST_TIMES)
    some = moments.only(chosen)
    memory_mb, dirty_mbps = some.ewma_mbps * size_s, some.ewma_mbps * dirty_share
    actual = some.migrations(memory_mb, dirty_mbps)
    known = np.flatnonzero(~actual.is_open)
    if not known.size:
        return None
    actual = Migrations(*(values[known] for values in actual))
    quantiles_mbps = at_levels(means[1][chosen[known]], LEVELS)
    curves = rate_curves(means[0], quantiles_mbps, some.step_s[known])
    lengths = local_lengths(curves.step_s, quantiles_mbps[:, 0])
    rates = memory_mb[known, None], dirty_mbps[known, None]
    forecast = migrate(curves.time_s, *rates, lengths)
    share = forecast.converges.mean(axis=1)
    never = share <= 1.0 - SURE
    both = actual.converges & forecast.converges.any(axis=1)
    return MigrationScore(
        len(known),
        _coverage(migration_quantiles(forecast.time_s), actual.time_s, share),
        _downtime(forecast.downtime_s[both], actual.downtime_s[both]),
        int(never.sum()),
        int((never & ~actual.converges).sum()),
        int((~actual.converges).sum()),
    )


def fitted_exponents(
    sets: Mapping[str, tuple[TransferMoments, MeanRates]], size_s: float = SIZES_S[-1]
) -> tuple[float, float]:
    """Return the exponents with which a tenth of the durations is above and below the intervals.

    In the mean over the sets, for transfers of ``size_s`` at the average rate.
    """

    def shares(exponent: float) -> Coverage:
        scores = [score_transfers(*one, size_s, (exponent, exponent)) for one in sets.values()]
        known = [one.coverage for one in scores if one is not None and one.moments >= _LEAST_FIT]
        return Coverage(*(float(np.mean(column)) for column in zip(*known, strict=True)))

    fits = [shares(exponent) for exponent in _GRID]
    slow = min(range(len(_GRID)), key=lambda index: abs(fits[index].above - _LOW))
    fast = min(range(len(_GRID)), key=lambda index: abs(fits[index].below - _LOW))
    return _GRID[slow], _GRID[fast]


def fitted_spread(
    sets: Mapping[str, tuple[TransferMoments, Floats]], size_s: float = 10.0
) -> float:
    """Return the share of the horizons' spread with which intervals hold 80 % of the durations.

    In the mean over the sets, for transfers of ``size_s`` at the average rate.

    Parameters
    ----------
    sets
        Moments, and the quantiles that are forecast at them, ``(moment, target, level)``.
    """

    def inside(spread: float) -> float:
        scores = [
            score_transfers(moments, known_means(quantiles, False, spread), size_s)
            for moments, quantiles in sets.values()
        ]
        known = [one for one in scores if one is not None and one.moments >= _LEAST_FIT]
        return float(np.mean([one.coverage.inside for one in known]))

    return min(_SPREADS, key=lambda spread: abs(inside(spread) - (_HIGH - _LOW)))


def _chosen(moments: TransferMoments, size_s: float, least_times: float) -> np.ndarray:
    """Return the moments whose transfer should take 5 to 600 steps and is known for long enough."""
    steps = size_s / moments.step_s
    low, high = _NOMINAL_STEPS
    fits = (steps >= 0.99 * low) & (steps <= 1.01 * high) & (moments.ewma_mbps > 0)
    return np.flatnonzero(fits & (moments.known_s >= least_times * size_s))


def _downtime(forecast_s: Floats, actual_s: Floats) -> Coverage | None:
    if len(actual_s) < _LEAST_CONVERGED:
        return None
    quantiles = migration_quantiles(forecast_s, finite_only=True)
    return _coverage(quantiles, actual_s, np.ones(len(actual_s)))


def _coverage(quantiles: Floats, actual: Floats, probability: Floats) -> Coverage:
    """Return how often the intervals between ``quantiles (moment, level)`` are right.

    Parameters
    ----------
    actual
        Shape ``(moment,)``, inf where it is censored.
    probability
        The forecast's own probability that it is not.
    """
    censored = ~np.isfinite(actual)
    beyond = np.maximum(1.0 - probability, 1e-9)
    above = np.where(
        censored,
        np.minimum(1.0 - _HIGH, beyond) / beyond,
        actual > quantiles[:, _COLUMNS[_HIGH]],
    )
    below = np.where(
        censored,
        np.maximum(_LOW - probability, 0.0) / beyond,
        actual < quantiles[:, _COLUMNS[_LOW]],
    )
    below_share, above_share = float(below.mean()), float(above.mean())
    return Coverage(
        1.0 - below_share - above_share, below_share, above_share, float(censored.mean())
    )
