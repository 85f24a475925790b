"""From a history to the window that a model sees: gaps, spacing, the windows of a long series."""

from dataclasses import dataclass

import numpy as np

from pba.types import Floats, History

__all__ = [
    "GAP_INTERVALS",
    "UNSTABLE",
    "Spacing",
    "restlessness",
    "runs",
    "since_last_gap",
    "sliding",
    "spacing",
]

GAP_INTERVALS = 10.0
"""A pause longer than this many typical intervals starts a new window."""

UNSTABLE = 0.4
"""From this `restlessness` on a window's forecast is more often wrong than right.

Chosen on the train and val splits of the traces, see docs/closed-loop.md."""

_IRREGULAR = 1.5
_LEAST_MBPS, _FARTHEST = 0.01, 1.0


@dataclass(frozen=True, slots=True)
class Spacing:
    """How a window's samples lie in time.

    ``step_s`` is the median interval; ``regular`` says that no interval is more than 1.5 times, or
    less than 1/1.5 of, the median.
    """

    step_s: float
    regular: bool


def spacing(timestamps_s: Floats) -> Spacing:
    """Return the spacing of at least two increasing ``timestamps_s``.

    >>> spacing(np.array([0.0, 1.0, 2.0, 5.0]))
    Spacing(step_s=1.0, regular=False)
    """
    intervals = np.diff(timestamps_s)
    step_s = float(np.median(intervals))
    regular = intervals.max() <= _IRREGULAR * step_s and intervals.min() * _IRREGULAR >= step_s
    return Spacing(step_s, bool(regular))


def restlessness(rate_mbps: Floats) -> Floats:
    """Return how far the rate moves from one sample to the next: the mean over the window.

    In the logarithm, where 0.4 is a factor of 1.5; a step counts as 1 at most, so that one outage
    does not make a window restless, and a rate as at least 0.01 Mbps.

    Parameters
    ----------
    rate_mbps
        Shape ``(…, sample)``, at least 2 samples.

    Returns
    -------
    Floats
        Shape ``(…,)``.

    Examples
    --------
    >>> restlessness(np.array([[100.0, 150.0, 100.0, 150.0], [100.0, 101.0, 0.0, 0.0]])).round(2)
    array([0.41, 0.34])
    """
    steps = np.abs(np.diff(np.log(np.maximum(rate_mbps, _LEAST_MBPS)), axis=-1))
    return np.asarray(np.minimum(steps, _FARTHEST).mean(axis=-1))


def since_last_gap(history: History, gap_intervals: float = GAP_INTERVALS) -> History:
    """Return the samples after the last pause longer than ``gap_intervals`` median intervals.

    Examples
    --------
    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> len(since_last_gap(History(times, np.ones((5, 5)))))
    2
    """
    if len(history) < 3:
        return history
    starts = _starts(history.timestamps_s, gap_intervals)
    return history.last(len(history) - int(starts[-1])) if starts.size else history


def runs(timestamps_s: Floats, telemetry: Floats) -> list[Floats]:
    """Return the telemetry ``(sample, 5)`` of each stretch between pauses, oldest first.

    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> [len(run) for run in runs(times, np.ones((5, 5)))]
    [3, 2]
    """
    return np.split(telemetry, _starts(timestamps_s, GAP_INTERVALS))


def _starts(timestamps_s: Floats, gap_intervals: float) -> np.ndarray:
    """Return the indices of the samples that follow a pause."""
    intervals = np.diff(timestamps_s)
    if not intervals.size:
        return np.empty(0, dtype=int)
    return np.flatnonzero(intervals > gap_intervals * np.median(intervals)) + 1


def sliding(telemetry: Floats, window: int) -> Floats:
    """Return every window of ``telemetry``, oldest first, without copying.

    Parameters
    ----------
    telemetry
        Shape ``(sample, 5)``.
    window
        Samples a window.

    Returns
    -------
    Floats
        Shape ``(sample - window + 1, window, 5)``; empty where there are too few samples.
    """
    if len(telemetry) < window:
        return np.empty((0, window, telemetry.shape[1]))
    views = np.lib.stride_tricks.sliding_window_view(telemetry, window, axis=0)
    return views.transpose(0, 2, 1)
