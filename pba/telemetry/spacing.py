"""The spacing of a link's samples in time: its step, and samples that belong to one step.

A link's samples are not evenly spaced: agents are polled with jitter, a sample is lost, two agents
report one link a second apart, a probe measures in bursts. The step is estimated so that none of
these changes it, and samples that are much closer than a step count as one.
"""

from dataclasses import dataclass

import numpy as np

from pba.telemetry.medians import median_of_sorted
from pba.types import Floats

__all__ = ["CLOSE", "Spacing", "merge_close", "regular_steps", "spacing", "starts_of_steps"]

CLOSE = 0.5
"""Samples closer than this share of a step count as one."""

_SHORTEST, _LONGEST = 0.5, 1.5  # of a regular interval, in steps: polling jitter of ±20 % fits
_ODD_INTERVALS = 20  # one interval in so many may be odd in a regular window
_FEW_INTERVALS = 8
_PAUSES, _LEAST_PAUSES = 10, 2  # one interval in so many, and at least two, may be a pause


@dataclass(frozen=True, slots=True)
class Spacing:
    """The spacing of a window's samples in time.

    Parameters
    ----------
    step_s
        The typical time from one step to the next, seconds.
    regular
        Whether 19 of 20 intervals are between half a step and one and a half.
    merges
        Whether there are so many samples close to each other that they count as one.
    """

    step_s: float
    regular: bool
    merges: bool = False


def spacing(timestamps_s: Floats) -> Spacing:
    """Return the spacing of at least two increasing ``timestamps_s``.

    The step is the median interval if the intervals are regular, or fewer than 8. If they are
    regular beside half the median time from one sample to the next but one, that is the step: long
    and short intervals alternate. If a tenth of them are under half of the interval in which most
    of the time passes, pauses left out, samples come in pairs or bursts, and the step is the median
    time from one to the next. Pauses are the longest tenth of the intervals, at least two.

    Examples
    --------
    >>> spacing(np.array([0.0, 1.0, 2.0, 5.0]))
    Spacing(step_s=1.0, regular=False, merges=False)

    Two agents report, a second apart, every 15 s:

    >>> spacing(np.array([0.0, 1.0, 15.0, 16.0, 30.0, 31.0, 45.0, 46.0, 60.0]))
    Spacing(step_s=15.0, regular=True, merges=True)
    """
    ordered = sorted(np.diff(timestamps_s).tolist())
    middle_s = median_of_sorted(ordered)
    if _is_regular(ordered, middle_s) or len(ordered) < _FEW_INTERVALS:
        return Spacing(middle_s, _is_regular(ordered, middle_s))
    mean_s = median_of_sorted(sorted((timestamps_s[2:] - timestamps_s[:-2]).tolist())) / 2
    if _is_regular(ordered, mean_s):
        return Spacing(mean_s, True)
    coarse_s = max(middle_s, _most_time(ordered))
    merged = timestamps_s[_ends_of_steps(timestamps_s, coarse_s)]
    if ordered[len(ordered) // _PAUSES] >= CLOSE * coarse_s or len(merged) < 2:
        return Spacing(middle_s, False)
    intervals = sorted(np.diff(merged).tolist())
    step_s = median_of_sorted(intervals)
    return Spacing(step_s, _is_regular(intervals, step_s), True)


def regular_steps(timestamps_s: Floats, gap_intervals: float) -> tuple[Floats, np.ndarray]:
    """Return each window's median interval, and whether it is the step of a regular window.

    A window counts as regular here if no interval is a gap, longer than ``gap_intervals`` steps.

    Parameters
    ----------
    timestamps_s
        Increasing, shape ``(window, sample)``, at least two samples.
    """
    ordered = np.sort(np.diff(timestamps_s, axis=1), axis=1)
    count = ordered.shape[1]
    middle_s = (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2
    odd = count // _ODD_INTERVALS
    regular = (ordered[:, odd] >= _SHORTEST * middle_s) & (
        ordered[:, -1 - odd] <= _LONGEST * middle_s
    )
    return middle_s, regular & (ordered[:, -1] <= gap_intervals * middle_s)


def merge_close(timestamps_s: Floats, telemetry: Floats, step_s: float) -> tuple[Floats, Floats]:
    """Return samples in which those closer than half of ``step_s`` count as one.

    A merged sample has the time of its newest sample, and of each column the mean of what was
    measured.

    Parameters
    ----------
    timestamps_s, telemetry
        Oldest first, shapes ``(sample,)`` and ``(sample, 5)``.

    Examples
    --------
    >>> times = np.array([0.0, 1.0, 15.0, 16.0])
    >>> values = np.array([[80.0, np.nan], [90.0, 20.0], [70.0, np.nan], [80.0, np.nan]])
    >>> merge_close(times, values, step_s=15.0)
    (array([ 1., 16.]), array([[85., 20.],
           [75., nan]]))
    """
    starts = starts_of_steps(timestamps_s, step_s)
    if len(starts) == len(timestamps_s):
        return timestamps_s, telemetry
    measured = ~np.isnan(telemetry)
    count = np.add.reduceat(measured, starts, axis=0, dtype=float)
    total = np.add.reduceat(np.where(measured, telemetry, 0.0), starts, axis=0)
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return timestamps_s[np.append(starts[1:], len(timestamps_s)) - 1], means


def starts_of_steps(timestamps_s: np.ndarray, step_s: float) -> np.ndarray:
    """Return the index of the first sample of each step, oldest first.

    >>> starts_of_steps(np.array([0.0, 1.0, 15.0, 16.0]), step_s=15.0)
    array([0, 2])
    """
    return np.flatnonzero(np.diff(timestamps_s, prepend=-np.inf) >= CLOSE * step_s)


def _ends_of_steps(timestamps_s: Floats, step_s: float) -> np.ndarray:
    return np.flatnonzero(np.diff(timestamps_s, append=np.inf) >= CLOSE * step_s)


def _is_regular(ordered: list[float], step_s: float) -> bool:
    """Return whether ``ordered`` intervals, but for one in 20 at each end, are about a step."""
    odd = len(ordered) // _ODD_INTERVALS
    return ordered[odd] >= _SHORTEST * step_s and ordered[-1 - odd] <= _LONGEST * step_s


def _most_time(ordered: list[float]) -> float:
    """Return the interval up to which half of the time passes, pauses left out."""
    pauses = max(_LEAST_PAUSES, len(ordered) // _PAUSES)
    usual = ordered[: max(1, len(ordered) - pauses)]
    until = np.cumsum(usual)
    return usual[int(np.searchsorted(until, until[-1] / 2))]
