"""The last values of the streams of many rows, their moments before, and the times of both."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from pba.monitoring.drift.split_test import MOMENTS
from pba.types import Floats

__all__ = ["BLOCK", "MARKS", "WINDOW", "StreamTable"]

WINDOW = 96
"""Values of a stream at full resolution: a change is looked for among these."""

BLOCK = 8
"""Times are stored for every so manieth value."""

MARKS = WINDOW // BLOCK + 1

_MEMORY = 160.0  # values that the moments before the window are worth, at most
_Rows = NDArray[np.intp]
_Ints = NDArray[np.int64]


class StreamTable:
    """Streams whose values arrive together, for many rows: links, or one mode.

    Parameters
    ----------
    values
        The last values, the newest last, ``(row, stream, WINDOW)``.
    count
        How many of these came since the stream's last change, ``(row, stream)``.
    past
        `MOMENTS` of the values between that change and the window, ``(row, stream)``; the weight of
        old ones decays.
    marks_us
        When every `BLOCK`-th value was measured, the newest last, ``(row, MARKS)``.
    phase
        The number of values since the newest mark, ``(row,)``.
    newest_us
        When the newest value was measured, ``(row,)``.
    """

    def __init__(
        self,
        values: NDArray[np.float32],
        count: _Ints,
        past: NDArray[np.void],
        marks_us: _Ints,
        phase: _Ints,
        newest_us: _Ints,
    ) -> None:
        self.values = values
        self.count = count
        self.past = past
        self.marks_us = marks_us
        self.phase = phase
        self.newest_us = newest_us

    @classmethod
    def empty(cls, rows: int, streams: int) -> Self:
        """Return the table of rows that have no values yet."""
        return cls(
            np.zeros((rows, streams, WINDOW), np.float32),
            np.zeros((rows, streams), np.int64),
            np.zeros((rows, streams), MOMENTS),
            np.zeros((rows, MARKS), np.int64),
            np.full(rows, BLOCK - 1),
            np.full(rows, np.iinfo(np.int64).min),
        )

    def add(self, rows: _Rows, at_us: _Ints, values: Floats) -> None:
        """Append ``values``, ``(row, stream)``, to different ``rows``."""
        windows = self.values[rows]
        self._add_to_past(rows, windows[:, :, 0])
        self.values[rows, :, :-1] = windows[:, :, 1:]
        self.values[rows, :, -1] = values
        self.count[rows] = np.minimum(self.count[rows] + 1, WINDOW)
        self.phase[rows] = phase = (self.phase[rows] + 1) % BLOCK
        begun = rows[phase == 0]
        self.marks_us[begun, :-1] = self.marks_us[begun, 1:]
        self.marks_us[begun, -1] = at_us[phase == 0]

    def _add_to_past(self, rows: _Rows, values: NDArray[np.float32]) -> None:
        past = self.past[rows]
        leaves = self.count[rows] == WINDOW
        keep = np.where(past["count"] >= _MEMORY, np.float32(1.0 - 1.0 / _MEMORY), np.float32(1.0))
        deviation = values - past["mean"]
        neighbour = np.where(past["count"] > 0, past["last"] - past["mean"], np.float32(0.0))
        new = np.empty_like(past)
        new["count"] = keep * past["count"] + 1
        new["mean"] = past["mean"] + deviation / new["count"]
        new["squares"] = keep * past["squares"] + deviation * (values - new["mean"])
        new["products"] = keep * past["products"] + deviation * neighbour
        new["last"] = values
        self.past[rows] = np.where(leaves, new, past)

    def restart(self, row: int, stream: int) -> None:
        """Forget the values of a stream: it has changed."""
        self.count[row, stream] = 0
        self.past[row, stream] = 0

    def time_us(self, row: int, age: int) -> int:
        """Return when the value ``age`` before the newest was measured, to within a block."""
        ages = int(self.phase[row]) + BLOCK * np.arange(MARKS)
        times_us = self.marks_us[row, ::-1] - self.newest_us[row]
        if ages[0] > 0:
            ages, times_us = np.append(0, ages), np.append(0, times_us)
        return int(self.newest_us[row]) + round(float(np.interp(age, ages, times_us)))
