"""Traces at another step: time-weighted means."""

from dataclasses import replace

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.trace import Trace
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import Floats

__all__ = ["resampled"]

_LEAST_COVERED = 0.5
_MOST_STEPS = 10_000_000


def resampled(trace: Trace, step_s: float) -> Trace:
    """Return ``trace`` at multiples of ``step_s``: each value is the mean over the step before.

    A sample holds for the time since the one before it; after a gap of more than
    `pba.telemetry.windows.GAP_INTERVALS` median intervals, for one median interval. A step of which
    less than half is measured has no sample; an optional value counts where it was measured.
    A step is marked ``during_transfer`` if a part of it is.

    Parameters
    ----------
    step_s
        Seconds; positive.

    Raises
    ------
    InvalidTrace
        If there are more than 1e7 steps.

    Examples
    --------
    >>> rates = np.array([[10.0], [20.0], [40.0]]) * np.ones(5)
    >>> coarse = resampled(Trace("a", "", np.array([1.0, 2.0, 4.0]), rates), 2.0)
    >>> coarse.timestamps_s, coarse.telemetry[:, 0]
    (array([2., 4.]), array([15., 40.]))
    """
    ends = trace.timestamps_s
    intervals = np.diff(ends)
    usual = float(np.median(intervals)) if intervals.size else step_s
    intervals = np.concatenate([[usual], intervals])
    spans_s = np.where(intervals > GAP_INTERVALS * usual, usual, intervals)
    first, last = np.floor((ends[0] - spans_s[0]) / step_s), np.ceil(ends[-1] / step_s)
    if last - first > _MOST_STEPS:
        raise InvalidTrace(
            f"trace {trace.trace_id!r} has {last - first:.0f} steps of {step_s:g} s; there are at "
            "most 1e7. Choose a longer step."
        )
    edges = np.arange(first, last + 1) * step_s
    measured = ~np.isnan(trace.telemetry)
    covered_s = [_integral(ends, spans_s, column.astype(float), edges) for column in measured.T]
    amounts = [
        _integral(ends, spans_s, np.where(known, values, 0.0), edges)
        for values, known in zip(trace.telemetry.T, measured.T, strict=True)
    ]
    covered, amount = np.stack(covered_s, axis=1), np.stack(amounts, axis=1)
    means = np.divide(amount, covered, out=np.full(amount.shape, np.nan), where=covered > 0)
    kept = covered[:, 0] >= _LEAST_COVERED * step_s * (1 - 1e-9)
    marked_s = _integral(ends, spans_s, trace.marks.astype(float), edges)[kept]
    return replace(
        trace,
        timestamps_s=edges[1:][kept],
        telemetry=means[kept],
        during_transfer=None if trace.during_transfer is None else marked_s > 0,
    )


def _integral(ends: Floats, spans_s: Floats, values: Floats, edges: Floats) -> Floats:
    """Return the integral between ``edges`` of a function that has ``values`` before ``ends``."""
    points = np.stack([ends - spans_s, ends], axis=1).ravel()
    areas = np.stack([np.zeros(len(ends)), values * spans_s], axis=1).ravel()
    return np.diff(np.interp(edges, points, np.cumsum(areas)))
