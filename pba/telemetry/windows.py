"""Windows: what a step, a gap, a window and an actual are, for everything that needs to know.

Planning cuts windows here, scoring finds actuals, and training and evaluation do both.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pba.telemetry.spacing import merge_close, spacing, starts_of_steps
from pba.types import Floats, History

__all__ = [
    "CONTEXT",
    "GAP_INTERVALS",
    "UNSTABLE_VOLATILITY",
    "CurrentWindow",
    "Run",
    "current_window",
    "following_steps",
    "is_unstable",
    "runs",
    "since_last_gap",
    "sliding_windows",
    "volatility",
]

GAP_INTERVALS = 10.0
"""A gap longer than this many steps starts a new window."""

CONTEXT = 4
"""How many samples to read for one of a window, where samples are so close that they merge."""

UNSTABLE_VOLATILITY = 0.4
"""Above this `volatility` of a window, most forecasts are out of band.

Chosen on the train and val splits of the traces, see docs/results/closed-loop.md."""

_LEAST_MBPS, _MAX_STEP = 0.01, 1.0


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
    log_rate = np.log(np.maximum(rate_mbps, _LEAST_MBPS))
    steps = np.minimum(np.abs(log_rate[..., 1:] - log_rate[..., :-1]), _MAX_STEP)
    return np.asarray(np.add.reduce(steps, axis=-1) / steps.shape[-1])


def is_unstable(telemetry: Floats) -> bool:
    """Return whether the volatility of ``telemetry (sample, 5)`` is at least 0.4."""
    return bool(volatility(telemetry[:, 0]) >= UNSTABLE_VOLATILITY)


@dataclass(frozen=True, slots=True, eq=False)
class CurrentWindow:
    """The window that a forecast rests on.

    Parameters
    ----------
    samples
        The steps since the last gap, at least two; samples close to each other are merged.
    length
        How many steps there are since the last gap: 1 if the newest sample follows a gap.
    step_s, regular
        See `pba.telemetry.spacing.Spacing`.
    """

    samples: History
    length: int
    step_s: float
    regular: bool


def current_window(
    history: History, longest: int, gap_intervals: float = GAP_INTERVALS
) -> CurrentWindow:
    """Return the window at the end of ``history``, of at most ``longest`` steps.

    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> window = current_window(History(times, np.ones((5, 5))), longest=60)
    >>> window.length, window.step_s, window.regular
    (2, 1.0, True)
    """
    recent = history.last(longest)
    spaced = spacing(recent.timestamps_s)
    if spaced.merges:
        recent = history.last(CONTEXT * longest)
        spaced = spacing(recent.timestamps_s)
        recent = _merged(recent, spaced.step_s).last(longest)
        window = since_last_gap(recent, gap_intervals)
    else:
        window = _since_last_gap(recent, gap_intervals * spaced.step_s)
    length = len(window.timestamps_s)
    samples = window if length > 1 else recent.last(2)
    if length < len(recent.timestamps_s):
        spaced = spacing(samples.timestamps_s)
    return CurrentWindow(samples, length, spaced.step_s, spaced.regular)


def since_last_gap(history: History, gap_intervals: float = GAP_INTERVALS) -> History:
    """Return the samples after the last gap longer than ``gap_intervals`` steps.

    Examples
    --------
    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> len(since_last_gap(History(times, np.ones((5, 5)))))
    2
    """
    if len(history) < 3:
        return history
    return _since_last_gap(history, gap_intervals * spacing(history.timestamps_s).step_s)


def _since_last_gap(history: History, gap_s: float) -> History:
    if len(history) < 3:
        return history
    times_s = history.timestamps_s
    gaps = np.flatnonzero(times_s[1:] - times_s[:-1] > gap_s)
    return history.last(len(history) - 1 - int(gaps[-1])) if gaps.size else history


class Run(NamedTuple):
    """A stretch between gaps: times ``(step,)``, telemetry ``(step, 5)``, and the series' step."""

    timestamps_s: Floats
    telemetry: Floats
    step_s: float


def runs(timestamps_s: Floats, telemetry: Floats) -> list[Run]:
    """Return each stretch between gaps, oldest first; the step is that of all of them.

    Samples close to each other are merged, as for a forecast.

    >>> times = np.array([0.0, 1.0, 2.0, 60.0, 61.0])
    >>> [len(run.telemetry) for run in runs(times, np.ones((5, 5)))]
    [3, 2]
    """
    if len(timestamps_s) < 2:
        return [Run(timestamps_s, telemetry, math.nan)]
    spaced = spacing(timestamps_s)
    if spaced.merges:
        timestamps_s, telemetry = merge_close(timestamps_s, telemetry, spaced.step_s)
    starts = _starts(timestamps_s, GAP_INTERVALS)
    parts = zip(np.split(timestamps_s, starts), np.split(telemetry, starts), strict=True)
    return [Run(*part, spaced.step_s) for part in parts]


def following_steps(
    timestamps_s: np.ndarray, after_s: float, step_s: float, count: int
) -> np.ndarray:
    """Return the index of the first sample of each of the ``count`` steps after ``after_s``.

    These are the actuals of a forecast that rests on the samples up to ``after_s``. Samples within
    half a step of that time, or of each other, belong to one step.

    Parameters
    ----------
    timestamps_s
        Increasing, in any unit that ``after_s`` and ``step_s`` are in too, shape ``(sample,)``.

    Examples
    --------
    >>> following_steps(np.array([0.0, 1.0, 15.0, 16.0, 30.0]), 0.0, 15.0, 5)
    array([2, 4])
    """
    first = int(np.searchsorted(timestamps_s, after_s, side="right"))
    later = np.concatenate([[after_s], timestamps_s[first:]])
    return starts_of_steps(later, step_s)[1 : 1 + count] + first - 1


def _merged(history: History, step_s: float) -> History:
    return History(*merge_close(history.timestamps_s, history.telemetry, step_s))


def _starts(timestamps_s: Floats, gap_intervals: float) -> np.ndarray:
    """Return the indices of the samples that follow a gap."""
    intervals = np.diff(timestamps_s)
    if not intervals.size:
        return np.empty(0, dtype=int)
    step_s = spacing(timestamps_s).step_s
    return np.flatnonzero(intervals > gap_intervals * step_s) + 1


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
