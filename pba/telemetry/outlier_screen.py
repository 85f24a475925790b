"""Which of many series may have outliers: seldom one that has none, never a wrong no.

`pba.telemetry.outliers` decides, one series after the other; where thousands of links are looked at
each second, most need no closer look.
"""

import numpy as np
from numpy.typing import NDArray

from pba.telemetry.outliers import AROUND, FACTOR, LEAST_AROUND, LEAST_MBPS
from pba.types import Floats

__all__ = ["series_to_check"]

_Ints = NDArray[np.int64]
_Flags = NDArray[np.bool_]

_PASSES = 2


def series_to_check(rate_mbps: Floats, start: _Ints, stop: _Ints) -> _Ints:
    """Return which series may have an outlier, or a newest sample that is unlike those before.

    An outlier is unlike the samples beside it, and unlike the 30 before it but the outliers among
    them. So those that are unlike their neighbours are suspects first, and of these those that are
    unlike the 30 before, other suspects left out.

    Parameters
    ----------
    rate_mbps
        The samples of all series, one series after the other, ``(sample,)``.
    start, stop
        The first sample of each series, and the first after it, ``(series,)``.

    Returns
    -------
    NDArray[np.int64]
        Indices of series, increasing.

    Examples
    --------
    >>> steady, odd = [80.0] * 20, [80.0] * 10 + [4349.0] + [80.0] * 9
    >>> series_to_check(np.array(steady + odd), np.array([0, 20]), np.array([20, 40]))
    array([1])
    """
    suspect = _unlike_neighbours(rate_mbps, start, stop)
    series = np.repeat(np.arange(len(start)), stop - start)
    for _ in range(_PASSES):
        rows = np.flatnonzero(suspect)
        if not rows.size:
            break
        first, end = start[series[rows]], stop[series[rows]]
        suspect[rows] = _unlike_before(rate_mbps, rows, first, suspect)
        suspect[rows] &= _unlike_after(rate_mbps, rows, end) | (rows - first >= LEAST_AROUND)
    return np.unique(series[suspect])


def _unlike_neighbours(rate_mbps: Floats, start: _Ints, stop: _Ints) -> _Flags:
    """Return which rates are outside a third to three times of the one before and the one after.

    The first sample of a series has none before it, and the newest none after it.
    """
    here, after = rate_mbps[:-1], rate_mbps[1:]
    to_next, to_previous = np.zeros((2, len(rate_mbps)), dtype=bool)
    to_next[:-1] = to_previous[1:] = (here > FACTOR * after) | (FACTOR * here < after)
    several = stop - start > 1
    to_previous[start[several]] = to_next[start[several]]
    to_next[stop[several] - 1] = to_previous[stop[several] - 1]
    return np.logical_and(to_next, to_previous)


def _unlike_before(rate_mbps: Floats, rows: _Ints, first: _Ints, suspect: _Flags) -> _Flags:
    """Return which rates are unlike the 30 before them but suspects."""
    before = rows[:, None] - np.arange(1, AROUND + 1)
    counts = before >= first[:, None]
    before = np.maximum(before, 0)
    return _unlike(rate_mbps[rows], rate_mbps[before], counts & ~suspect[before])


def _unlike_after(rate_mbps: Floats, rows: _Ints, end: _Ints) -> _Flags:
    """Return which rates are unlike the 30 after them, as the first of a series must be."""
    after = rows[:, None] + np.arange(1, AROUND + 1)
    counts = after < end[:, None]
    return _unlike(rate_mbps[rows], rate_mbps[np.minimum(after, len(rate_mbps) - 1)], counts)


def _unlike(rate_mbps: Floats, others: Floats, counts: _Flags) -> _Flags:
    """Return which rates are outside a third to three times of each of the others that count."""
    here = rate_mbps[:, None]
    high = (here > FACTOR * np.maximum(others, LEAST_MBPS)) | ~counts
    low = (FACTOR * here < others) | ~counts
    return np.asarray(high.all(axis=1) | low.all(axis=1))
