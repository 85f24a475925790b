"""Windows of a history or a series: gaps, spacing, volatility, sliding windows."""

from dataclasses import dataclass

import numpy as np

from pba.types import Floats, History

__all__ = [
    "GAP_INTERVALS",
    "UNSTABLE_VOLATILITY",
    "CurrentWindow",
    "Spacing",
    "current_window",
    "since_last_gap",
    "sliding_windows",
    "spacing",
    "split_at_gaps",
    "volatility",
]

GAP_INTERVALS = 10.0
"""A gap longer than this many typical intervals starts a new window."""

UNSTABLE_VOLATILITY = 0.4
"""Above this `volatility` of a window, most forecasts are out of band.

Chosen on the train and val splits of the traces, see docs/results/closed-loop.md."""

_IRREGULAR = 1.5
_LEAST_MBPS, _MAX_STEP = 0.01, 1.0


@dataclass(frozen=True, slots=True)
class Spacing:
    """The spacing of a window's samples in time.

    ``step_s`` is the median interval; ``regular`` is whether every interval is between 1/1.5 and
    1.5 times the median.
    """

    step_s: float
    regular: bool


def spacing(timestamps_s: Floats) -> Spacing:
    """Return the spacing of at least two increasing ``timestamps_s``.

    >>> spacing(np.array([0.0, 1.0, 2.0, 5.0]))
    Spacing(step_s=1.0, regular=False)
    """
    ordered = sorted(np.diff(timestamps_s).tolist())
    step_s = _middle(ordered)
    regular = ordered[-1] <= _IRREGULAR * step_s and ordered[0] * _IRREGULAR >= step_s
    return Spacing(step_s, regular)


def _middle(ordered: list[float]) -> float:
    """Return the median of ``ordered`` values; for so few, `numpy.median` takes longer."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def volatility(rate_mbps: Floats) -> Floats:
    """Return the mean absolute change of the log-rate from one sample to the next.

    A volatility of 0.4 is a factor of 1.5 per sample. A change counts as 1 at most, so that one
    outage does not dominate a window, and a rate as at least 0.01 Mbps.

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
    >>> volatility(np.array([[100.0, 150.0, 100.0, 150.0], [100.0, 101.0, 0.0, 0.0]])).round(2)
    array([0.41, 0.34])
    """
    steps = np.abs(np.diff(np.log(np.maximum(rate_mbps, _LEAST_MBPS)), axis=-1))
    return np.asarray(np.minimum(steps, _MAX_STEP).mean(axis=-1))


@dataclass(frozen=True, slots=True, eq=False)
class CurrentWindow:
    """The window that a forecast rests on.

    Parameters
    ----------
    samples
        The samples since the last gap, at least two.
    length
        How many samples there are since the last gap: 1 if the newest sample follows a gap.
    step_s
        The median interval, seconds.
    regular
        See `Spacing`.
    unstable
        Whether the `volatility` is at least `UNSTABLE_VOLATILITY`.
    """

    samples: History
    length: int
    step_s: float
    regular: bool
    unstable: bool


def current_window(
    history: History, longest: int, gap_intervals: float = GAP_INTERVALS
) -> CurrentWindow:
    """Return the window at the end of ``history``, of at most ``longest`` samples.

    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> window = current_window(History(times, np.ones((5, 5))), longest=60)
    >>> window.length, window.step_s, window.regular, window.unstable
    (2, 1.0, True, False)
    """
    recent = since_last_gap(history.last(longest), gap_intervals)
    length = len(recent.timestamps_s)
    samples = recent if length > 1 else history.last(2)
    spaced = spacing(samples.timestamps_s)
    unstable = bool(volatility(samples.telemetry[:, 0]) >= UNSTABLE_VOLATILITY)
    return CurrentWindow(samples, length, spaced.step_s, spaced.regular, unstable)


def since_last_gap(history: History, gap_intervals: float = GAP_INTERVALS) -> History:
    """Return the samples after the last gap longer than ``gap_intervals`` median intervals.

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


def split_at_gaps(timestamps_s: Floats, telemetry: Floats) -> list[Floats]:
    """Return the telemetry ``(sample, 5)`` of each stretch between gaps, oldest first.

    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> [len(part) for part in split_at_gaps(times, np.ones((5, 5)))]
    [3, 2]
    """
    return np.split(telemetry, _starts(timestamps_s, GAP_INTERVALS))


def _starts(timestamps_s: Floats, gap_intervals: float) -> np.ndarray:
    """Return the indices of the samples that follow a gap."""
    intervals = np.diff(timestamps_s)
    if not intervals.size:
        return np.empty(0, dtype=int)
    return np.flatnonzero(intervals > gap_intervals * _middle(sorted(intervals.tolist()))) + 1


def sliding_windows(telemetry: Floats, window: int) -> Floats:
    """Return every window of ``telemetry``, oldest first, without copying.

    Parameters
    ----------
    telemetry
        Shape ``(sample, 5)``.
    window
        Samples per window.

    Returns
    -------
    Floats
        Shape ``(sample - window + 1, window, 5)``; empty if there are too few samples.
    """
    if len(telemetry) < window:
        return np.empty((0, window, telemetry.shape[1]))
    views = np.lib.stride_tricks.sliding_window_view(telemetry, window, axis=0)
    return views.transpose(0, 2, 1)
