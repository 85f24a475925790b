"""The samples of many links as actuals: their steps, and which of them are not scored."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pba.scoring.batch import LinkSamples
from pba.telemetry import windows
from pba.telemetry.interval_means import IntervalMeans, interval_means
from pba.telemetry.outlier_screen import series_to_check
from pba.telemetry.outliers import outliers_and_newest
from pba.telemetry.spacing import CLOSE
from pba.types import INTERVALS, Floats

__all__ = ["ScoredSamples"]

_Ints = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSamples:
    """Samples of many links, ordered by link and time, with one more at the end that is none.

    Parameters
    ----------
    start, stop
        The first sample of each link, and the first after it, ``(link,)``.
    at_us, bandwidth_mbps
        Shape ``(sample + 1,)``.
    unscored
        Isolated outliers, and those that may be, ``(sample + 1,)``.
    undecided
        Newest samples of a link that may be an outlier, ``(sample + 1,)``.
    """

    start: _Ints
    stop: _Ints
    at_us: _Ints
    bandwidth_mbps: Floats
    unscored: _Flags
    undecided: _Flags

    @classmethod
    def of(cls, links: _Ints, samples: LinkSamples) -> Self:
        """Return the samples of ``links``, which are increasing."""
        start = np.searchsorted(samples.link, links)
        stop = np.searchsorted(samples.link, links, side="right")
        rates = np.append(samples.bandwidth_mbps, 0.0)
        unscored, undecided = np.zeros(len(rates), dtype=bool), np.zeros(len(rates), dtype=bool)
        for row in series_to_check(samples.bandwidth_mbps, start, stop).tolist():
            outliers, unlike = outliers_and_newest(rates[start[row] : stop[row]])
            unscored[start[row] + np.array(outliers, dtype=np.int64)] = True
            undecided[stop[row] - 1] = unlike
        at_us = np.append(samples.at_us, 0)
        return cls(start, stop, at_us, rates, unscored | undecided, undecided)

    def following_steps(self, link: _Ints, after_us: _Ints, step_us: Floats, count: int) -> _Ints:
        """Return the first sample of each of the ``count`` steps after a time, for many times.

        As `pba.telemetry.windows.following_steps`.

        Parameters
        ----------
        link
            The row of each time's link, not decreasing, ``(time,)``.
        after_us, step_us
            Shape ``(time,)``.

        Returns
        -------
        NDArray[np.int64]
            Indices, shape ``(time, count)``; the link's ``stop`` for steps that have no sample yet.
        """
        first = self._after(link, after_us)
        begins, alone = self._begins(link, step_us)
        stop = self.stop[link]
        # The first sample after a time may be near to the time itself, which may be no sample.
        begin_here = self.at_us[first] - after_us >= CLOSE * step_us
        alone |= (begin_here != begins[first]) & (first < stop)
        steps = np.flatnonzero(begins)
        number = np.concatenate([[0], np.cumsum(begins)])
        index = number[first][:, None] + np.arange(count)
        within = index < number[stop][:, None]
        starts = np.where(within, steps[np.minimum(index, len(steps) - 1)], stop[:, None])
        for row in np.flatnonzero(alone).tolist():
            low, high = first[row], stop[row]
            times = self.at_us[low:high]
            one = windows.following_steps(times, after_us[row], step_us[row], count)
            starts[row, : len(one)], starts[row, len(one) :] = low + one, high
        return starts

    def interval_means(
        self, link: _Ints, after_us: _Ints, step_s: Floats, gap_s: Floats
    ) -> IntervalMeans:
        """Return the mean rates after a time, as `pba.telemetry.interval_means`, for many times.

        Parameters
        ----------
        link
            The row of each time's link, ``(time,)``.
        after_us, step_s, gap_s
            Shape ``(time,)``. A time at which the link has no sample has no means.
        """
        newest, stop = self._after(link, after_us) - 1, self.stop[link]
        known = (newest >= self.start[link]) & (self.at_us[newest] == after_us)
        newest = np.where(known, newest, self.start[link])
        sizes = self.stop - self.start
        begin_us = np.append(np.repeat(self.at_us[self.start], sizes), 0)
        times_s = (self.at_us - begin_us) / 1e6
        rows = np.flatnonzero(stop > newest)
        means = np.full((len(link), len(INTERVALS)), np.nan)
        is_over = np.zeros(means.shape, dtype=bool)
        part = newest[rows], stop[rows]
        means[rows], is_over[rows] = interval_means(
            times_s, self.bandwidth_mbps, step_s[rows], gap_s[rows], *part
        )
        means[~known], is_over[~known] = np.nan, True
        return IntervalMeans(means, is_over)

    def means(self, start: _Ints, stop: _Ints) -> Floats:
        """Return the mean rate of the samples from each ``start`` to each ``stop``."""
        means = self.bandwidth_mbps[start]
        for row in np.flatnonzero(stop - start > 1).tolist():
            means[row] = self.bandwidth_mbps[start[row] : stop[row]].mean()
        return means

    def _after(self, link: _Ints, after_us: _Ints) -> _Ints:
        """Return the first sample of each link after a time, by a search by halves."""
        low, high = self.start[link], self.stop[link]
        while (low < high).any():
            middle = (low + high) // 2
            later = (self.at_us[middle] > after_us) | (low >= high)
            low, high = np.where(later, low, middle + 1), np.where(later, middle, high)
        return low

    def _begins(self, link: _Ints, step_us: Floats) -> tuple[_Flags, _Flags]:
        """Return which samples begin a step, and which times need to look for themselves.

        These are of links whose times differ in their step, so that it decides where one begins.
        """
        least, most = np.full(len(self.start), np.inf), np.full(len(self.start), -np.inf)
        np.minimum.at(least, link, CLOSE * step_us)
        np.maximum.at(most, link, CLOSE * step_us)
        interval_us = np.diff(self.at_us, prepend=-np.inf)
        sizes = self.stop - self.start
        interval_us[self.start[sizes > 0]] = np.inf
        least_of, most_of = np.repeat(least, sizes), np.repeat(most, sizes)
        begins = np.append(interval_us[:-1] >= least_of, True)
        unclear = np.zeros(len(self.start), dtype=bool)
        rows = np.flatnonzero(begins[:-1] & (interval_us[:-1] < most_of))
        unclear[np.searchsorted(self.stop, rows, side="right")] = True
        return begins, unclear[link]
