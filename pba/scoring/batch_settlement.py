"""Settling the open forecasts of many links at once against the samples measured after them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pba.evaluation.metrics import in_band
from pba.forecasting.record_table import RecordTable
from pba.forecasting.stretch import end_misses
from pba.rollout import Arm
from pba.scoring.batch import BatchSettlement, DueBatch, OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS
from pba.scoring.scored_samples import ScoredSamples
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import HORIZONS, INTERVALS, Floats

__all__ = ["settle_batch"]

_Ints = NDArray[np.int64]


class _Actuals(NamedTuple):
    """New actuals: their forecast, target, time and rate, each ``(actual,)``."""

    row: _Ints
    target: _Ints
    at_us: _Ints
    actual_mbps: Floats


_LAST = HORIZONS[-1]
_STEPS = np.array(HORIZONS)
_V3 = ARMS.index(Arm.V3)
_WAITS = 2.0  # times horizon and gap: so long a forecast waits, whatever the limit


def settle_batch(
    batch: DueBatch, now_us: int, wait_us: int, gap_intervals: float = GAP_INTERVALS
) -> BatchSettlement:
    """Match every open forecast with the samples that followed it.

    The actual ``n`` steps ahead is the ``n``-th step after the newest sample that the forecast is
    based on: one sample, or the mean of those that count as one (`pba.telemetry.windows`). Horizons
    behind a gap of more than ``gap_intervals`` steps are not scored, and neither is an isolated
    outlier. A newest sample that may be one waits for the next. The actual of an interval is that
    of `pba.telemetry.interval_means`, once samples reach its end.

    A forecast closes when its last horizon and interval are reached, when a later sample lies
    behind a gap, or ``wait_us`` after it was created, at least twice as long as the longest of them
    and gap together.

    Parameters
    ----------
    now_us
        By the clock that dates the forecasts' ``created_us``, microseconds.
    wait_us
        Microseconds.
    """
    forecasts = batch.forecasts
    samples = ScoredSamples.of(batch.links, batch.samples)
    link = np.searchsorted(batch.links, forecasts.link)
    starts = samples.following_steps(link, forecasts.after_us, forecasts.step_s * 1e6, _LAST + 1)
    count = (starts[:, :_LAST] < samples.stop[link, None]).sum(axis=1)
    reached = np.minimum(count, _steps_before_gap(forecasts, samples, starts, gap_intervals))
    complete = (reached < count) | (count == _LAST)
    last = starts[np.arange(len(starts)), np.maximum(reached - 1, 0)]
    complete &= ~(samples.undecided[last] & (reached > 0))
    over = _is_over(forecasts, now_us, wait_us, gap_intervals)
    of_points = _point_actuals(forecasts, samples, starts, reached)
    of_means, complete_means = _interval_actuals(forecasts, samples, link, over, gap_intervals)
    outcomes = _ordered(forecasts, of_points, of_means)
    records = _records(batch.records, forecasts, outcomes, link)
    return BatchSettlement(outcomes, (complete & complete_means) | over, records)


def _steps_before_gap(
    forecasts: OpenForecasts, samples: ScoredSamples, starts: _Ints, gap_intervals: float
) -> _Ints:
    """Return how many of a forecast's steps come before the first gap, ``(forecast,)``.

    Steps that have no sample yet count as if they came without a gap.
    """
    at_us = np.empty((len(starts), _LAST + 1), dtype=np.int64)
    at_us[:, 0] = forecasts.after_us
    at_us[:, 1:] = samples.at_us[starts[:, :_LAST]]
    longest_us = gap_intervals * (forecasts.step_s * 1e6)
    # Where a step has no sample, the index is that of the next link's first sample, or of the end.
    gaps = np.diff(at_us, axis=1) > longest_us[:, None]
    return np.where(gaps.any(axis=1), gaps.argmax(axis=1), _LAST)


def _is_over(
    forecasts: OpenForecasts, now_us: int, wait_us: int, gap_intervals: float
) -> NDArray[np.bool_]:
    """Return which forecasts have waited for their actuals long enough."""
    offered = ~np.isnan(forecasts.points_mbps[:, len(HORIZONS) :])
    longest = np.maximum((offered * np.array(INTERVALS)).max(axis=1), _LAST)
    least_us = _WAITS * (longest + gap_intervals) * (forecasts.step_s * 1e6)
    return np.asarray(now_us - forecasts.created_us >= np.maximum(wait_us, least_us))


def _point_actuals(
    forecasts: OpenForecasts, samples: ScoredSamples, starts: _Ints, reached: _Ints
) -> _Actuals:
    """Return the actuals of the horizons that are reached and not scored yet."""
    new = (reached[:, None] >= _STEPS) & np.isnan(forecasts.actual_mbps[:, : len(_STEPS)])
    new &= ~samples.unscored[starts[:, _STEPS - 1]]
    row, horizon = np.nonzero(new)
    start = starts[row, _STEPS[horizon] - 1]
    actual_mbps = samples.means(start, starts[row, _STEPS[horizon]])
    return _Actuals(row, horizon, samples.at_us[start], actual_mbps)


def _interval_actuals(
    forecasts: OpenForecasts,
    samples: ScoredSamples,
    link: _Ints,
    over: NDArray[np.bool_],
    gap_intervals: float,
) -> tuple[_Actuals, NDArray[np.bool_]]:
    """Return the new actuals of intervals, and whether a forecast waits for no more of them."""
    pending = ~np.isnan(forecasts.points_mbps) & np.isnan(forecasts.actual_mbps)
    pending = pending[:, len(HORIZONS) :]
    rows = np.flatnonzero(pending.any(axis=1))
    step_s = forecasts.step_s[rows]
    after_us = forecasts.after_us[rows]
    means = samples.interval_means(link[rows], after_us, step_s, gap_intervals * step_s)
    complete = np.ones(len(pending), dtype=bool)
    complete[rows] = (means.is_over | ~pending[rows]).all(axis=1)
    new = pending[rows] & ~np.isnan(means.mean_mbps) & (means.is_over | over[rows, None])
    at, interval = np.nonzero(new)
    length_us = np.rint(np.array(INTERVALS)[interval] * step_s[at] * 1e6).astype(np.int64)
    return _Actuals(
        rows[at],
        len(HORIZONS) + interval,
        after_us[at] + length_us,
        means.mean_mbps[at, interval],
    ), complete


def _ordered(forecasts: OpenForecasts, *parts: _Actuals) -> OutcomeTable:
    """Return new actuals as outcomes in their order."""
    row, target, at_us, actual_mbps = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((row, target, at_us, forecasts.link[row]))
    row, target, at_us, actual_mbps = (one[order] for one in (row, target, at_us, actual_mbps))
    hit = in_band(forecasts.points_mbps[row, target], actual_mbps)
    return OutcomeTable(row, target, at_us, actual_mbps, hit)


def _records(
    records: RecordTable, forecasts: OpenForecasts, outcomes: OutcomeTable, link: _Ints
) -> RecordTable:
    """Return the records after the outcomes; those of v1 leave them as they are."""
    which = np.flatnonzero(forecasts.arm[outcomes.row] == _V3)
    row, target = outcomes.row[which], outcomes.target[which]
    horizon = np.minimum(target, _STEPS.size - 1)
    points_mbps: Floats = forecasts.members_mbps[row, :, horizon]
    hits = in_band(points_mbps, outcomes.actual_mbps[which, None]) | np.isnan(points_mbps)
    unadapted = forecasts.unadapted[row, target]
    missed = end_misses(forecasts.quantiles_mbps[row, target], outcomes.actual_mbps[which])
    return records.after(link[row], target, unadapted, outcomes.hit[which], hits, missed)
