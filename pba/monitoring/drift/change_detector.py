"""Streams of many rows, tested for changes as their values arrive, and the alarms that follow."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pba.monitoring.drift.alarm_table import AlarmTable
from pba.monitoring.drift.alarms import Alarm, Change, WatchedStream
from pba.monitoring.drift.split_test import MeanChanges, Variance, find_splits
from pba.monitoring.drift.stream_table import WINDOW, StreamTable
from pba.types import Floats

__all__ = ["ChangeDetector", "WatchedMean"]

_Rows = NDArray[np.intp]
_Ints = NDArray[np.int64]


class WatchedMean(NamedTuple):
    """A stream and when its mean counts as changed.

    Parameters
    ----------
    what
        Its name.
    min_z
        The least statistic of `pba.monitoring.drift.split_test.find_splits`.
    min_change
        Changes of the mean below this are ignored.
    to_report
        Converts a mean to the value that an alarm reports.
    variance
        What the variance before and after a change is taken to be.
    min_lag_1
        The least correlation of neighbours that is assumed: an estimate from few values may be
        much too low.
    """

    what: WatchedStream
    min_z: float
    min_change: float
    to_report: Callable[[float], float] = float
    variance: Variance = Variance.OWN
    min_lag_1: float = 0.0


class ChangeDetector:
    """Watches streams of many rows and keeps their open alarms.

    A stream is tested after each ``test_every`` values. One that has changed starts anew, so that
    a change is reported once.

    Parameters
    ----------
    streams
        In the order of `WatchedStream`.
    table
        Their values.
    alarms
        The open alarms.
    test_every
        A divisor of `pba.monitoring.drift.stream_table.BLOCK`.
    """

    def __init__(
        self,
        streams: Sequence[WatchedMean],
        table: StreamTable,
        alarms: AlarmTable,
        test_every: int,
    ) -> None:
        self._streams = streams
        self._table = table
        self._alarms = alarms
        self._test_every = test_every

    def add(
        self, rows: _Rows, since_us: _Ints, at_us: _Ints, values: Floats
    ) -> list[tuple[int, Alarm]]:
        """Process one value per stream of different ``rows``; return the alarms to report.

        Parameters
        ----------
        rows
            Indices, ``(row,)``.
        since_us, at_us
            When the values began and when they were complete, ``(row,)``.
        values
            ``(row, stream)``.
        """
        self._table.newest_us[rows] = at_us
        self._table.add(rows, since_us, values)
        tested = rows[self._table.phase[rows] % self._test_every == 0]
        alarms = self._raise(tested, self._find(tested))
        rest = ~np.isin(rows, [row for row, _ in alarms]) if alarms else slice(None)
        return alarms + self._alarms.settle(rows[rest], at_us[rest])

    def _find(self, rows: _Rows) -> MeanChanges:
        return find_splits(
            self._table.values[rows].reshape(-1, WINDOW),
            self._table.count[rows].ravel(),
            self._table.past[rows].ravel(),
            np.tile([stream.min_change for stream in self._streams], len(rows)),
            np.tile([stream.min_z for stream in self._streams], len(rows)),
            np.tile([int(stream.variance) for stream in self._streams], len(rows)),
            np.tile([stream.min_lag_1 for stream in self._streams], len(rows)),
        )

    def _raise(self, rows: _Rows, splits: MeanChanges) -> list[tuple[int, Alarm]]:
        changes: dict[int, list[tuple[int, Change]]] = {}
        for series, length, before, after, confidence in zip(*splits, strict=True):
            at, stream = divmod(int(series), len(self._streams))
            row, watched = int(rows[at]), self._streams[stream]
            change = Change(
                what=watched.what,
                before=watched.to_report(float(before)),
                after=watched.to_report(float(after)),
                since_s=self._table.time_us(row, int(length) - 1) / 1e6,
                flagged_s=int(self._table.newest_us[row]) / 1e6,
                confidence=float(confidence),
            )
            changes.setdefault(row, []).append((stream, change))
            self._table.restart(row, stream)
        newest_us = self._table.newest_us
        return [
            (row, self._alarms.raise_alarm(row, int(newest_us[row]), new))
            for row, new in changes.items()
        ]
