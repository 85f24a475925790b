"""Drift detection of a mode: the outcomes of all its links, relative to what was predicted."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from pba.monitoring.drift.alarm_table import AlarmTable, alarm_type
from pba.monitoring.drift.alarms import Alarm, WatchedStream
from pba.monitoring.drift.change_detector import ChangeDetector, WatchedMean
from pba.monitoring.drift.link_drift import SETTLED, log_rate
from pba.monitoring.drift.split_test import MOMENTS
from pba.monitoring.drift.stream_table import MARKS, WINDOW, StreamTable
from pba.scoring.mode_outcomes import ModeOutcomes
from pba.types import Floats

__all__ = ["QUIET_S", "ModeDrift"]

QUIET_S = 600
"""A mode's alarm stays open for at least this long: the outcomes of many links arrive quickly."""

_MIN_BLOCK, _MIN_BLOCK_US = 5, 100_000
"""The streams' values are means of blocks of outcomes: five or more, and 0.1 s or longer, so that a
busy mode costs at most ten tests a second.
"""

_MIN_WIDTH, _MAX_WIDTHS = 0.02, 4.0
_FORMAT = 1
_STATE = np.dtype(
    [
        ("format", "u1"),
        ("phase", "u1"),
        ("newest_us", "<i8"),
        ("count", "u1", (3,)),
        ("past", MOMENTS, (3,)),
        ("values", "<f4", (3, WINDOW)),
        ("marks_us", "<i8", (MARKS,)),
        ("alarm", alarm_type(3)),
        ("waiting", "<i4"),
        ("waiting_since_us", "<i8"),
        ("waiting_sums", "<f8", (3,)),
    ]
)
_Ints = NDArray[np.int64]


def _square(root: float) -> float:
    return root**2


_STREAMS = (
    WatchedMean(WatchedStream.HITS, 5.0, 0.1),
    WatchedMean(WatchedStream.BIAS, 5.0, 0.5),
    WatchedMean(WatchedStream.ERROR, 5.0, 0.2, _square),
)
"""Tuned on synthetic streams and `val` traces; see docs/results/drift.md."""


class ModeDrift:
    """The drift detection of one mode.

    Links come and go, and report in batches, some steady and others volatile. The mean of their
    hits changes with the mix of links even if no forecast becomes worse. So each outcome is taken
    relative to its own forecast's uncertainty, which makes the streams comparable across links as
    long as forecasts are calibrated. The streams are

    - ``hits``: 1 or 0, minus the confidence;
    - ``bias``: ``log(forecast / actual)`` divided by the predicted interquartile range
      ``log(high / low)``, which is at least 0.02;
    - ``error``: the square root of the absolute value of ``bias``.

    Their values are the means of blocks of five or more successive outcomes. Create it with
    `from_bytes`.

    Examples
    --------
    >>> number = np.arange(400)  # a steady and a volatile link in turn
    >>> sure, missed = number % 2 == 0, (number % 4 == 3) | (number >= 200)
    >>> drift = ModeDrift.from_bytes(None)
    >>> alarms = drift.advance(
    ...     ModeOutcomes(
    ...         created_us=number * 1_000_000,
    ...         actual_mbps=np.where(missed, 75.0, 100.0),
    ...         forecast_mbps=np.full(400, 100.0),
    ...         low_mbps=np.where(sure, 99.0, 80.0),
    ...         high_mbps=np.where(sure, 101.0, 120.0),
    ...         confidence=np.where(sure, 1.0, 0.5),
    ...         hit=~missed,
    ...     )
    ... )
    >>> hits = drift.alarm.changes[0]
    >>> print(hits.what, hits.since_s, round(hits.before, 2), round(hits.after, 2))
    hits 200.0 0.0 -0.76
    """

    def __init__(self, stored: NDArray[np.void]) -> None:
        self._stored = stored
        self._table = StreamTable.empty(1, len(_STREAMS))
        if stored["format"][0] == _FORMAT:
            self._table = StreamTable(
                values=stored["values"],
                count=stored["count"].astype(np.int64),
                past=stored["past"],
                marks_us=stored["marks_us"],
                phase=stored["phase"].astype(np.int64),
                newest_us=stored["newest_us"],
            )
        names = [stream.what for stream in _STREAMS]
        blocks = -(-SETTLED // _MIN_BLOCK)
        self._alarms = AlarmTable(names, stored["alarm"], blocks, QUIET_S * 1_000_000)
        self._detector = ChangeDetector(_STREAMS, self._table, self._alarms, test_every=1)

    @classmethod
    def from_bytes(cls, state: bytes | None) -> Self:
        """Return the drift detection with the stored ``state``; None for a new one.

        A state in the form of another release starts anew.
        """
        if state and state[0] == _FORMAT:
            return cls(np.frombuffer(state, _STATE).copy())
        return cls(np.zeros(1, _STATE))

    def to_bytes(self) -> bytes:
        """Return the state, to be stored."""
        self._stored["format"] = _FORMAT
        self._stored["alarm"] = self._alarms.alarms
        for name in ("values", "count", "past", "marks_us", "phase", "newest_us"):
            self._stored[name] = getattr(self._table, name)
        return self._stored.tobytes()

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._alarms.open_alarm(0)

    def advance(self, outcomes: ModeOutcomes) -> list[Alarm]:
        """Process outcomes in their order; return the alarms that opened, changed or ended.

        A time before that of an earlier outcome counts as equal to it: the links' forecasts need
        not arrive in the order in which they were computed.
        """
        times_us = np.maximum.accumulate(
            np.append(self._table.newest_us, outcomes.created_us.astype(np.int64))
        )[1:]
        values = _values(outcomes)
        alarms, first = [], 0
        for end in self._block_ends(times_us):
            alarms += self._add_block(times_us[first:end], values[first:end])
            first = end
        self._wait(times_us[first:], values[first:])
        return alarms

    def _block_ends(self, times_us: _Ints) -> list[int]:
        """Return the index after the last outcome of each block that is complete."""
        waiting, since_us = (
            int(self._stored["waiting"][0]),
            int(self._stored["waiting_since_us"][0]),
        )
        ends = []
        for index, at_us in enumerate(times_us.tolist()):
            since_us = since_us if waiting else at_us
            waiting += 1
            if waiting >= _MIN_BLOCK and at_us - since_us >= _MIN_BLOCK_US:
                ends.append(index + 1)
                waiting = 0
        return ends

    def _wait(self, times_us: _Ints, values: Floats) -> None:
        """Add outcomes to the block that is not complete."""
        if len(times_us) and not self._stored["waiting"][0]:
            self._stored["waiting_since_us"] = times_us[0]
        self._stored["waiting"] += len(times_us)
        self._stored["waiting_sums"] += values.sum(axis=0)

    def _add_block(self, times_us: _Ints, values: Floats) -> list[Alarm]:
        """Process the means of a block that ends with these outcomes."""
        self._wait(times_us, values)
        since_us = self._stored["waiting_since_us"].copy()
        means = self._stored["waiting_sums"] / self._stored["waiting"][0]
        self._stored["waiting"] = self._stored["waiting_sums"] = 0
        alarms = self._detector.add(np.zeros(1, np.intp), since_us, times_us[-1:], means)
        return [alarm for _, alarm in alarms]


def _values(outcomes: ModeOutcomes) -> Floats:
    """Return the values of the streams, ``(outcome, stream)``."""
    widths = log_rate(outcomes.high_mbps) - log_rate(outcomes.low_mbps)
    errors = log_rate(outcomes.forecast_mbps) - log_rate(outcomes.actual_mbps)
    bias = np.clip(errors / np.maximum(widths, _MIN_WIDTH), -_MAX_WIDTHS, _MAX_WIDTHS)
    return np.column_stack([outcomes.hit - outcomes.confidence, bias, np.sqrt(np.abs(bias))])
