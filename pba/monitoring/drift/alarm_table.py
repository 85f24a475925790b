"""The open alarms of many rows: they open with a change, and end when the streams have settled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream

__all__ = ["AlarmTable", "alarm_type"]

_Rows = NDArray[np.intp]
_Ints = NDArray[np.int64]

_CHANGE = np.dtype(
    [
        ("before", "<f4"),
        ("after", "<f4"),
        ("since_us", "<i8"),
        ("flagged_us", "<i8"),
        ("confidence", "<f4"),
    ]
)


def alarm_type(streams: int) -> np.dtype[np.void]:
    """Return the stored form of an open alarm; a change of confidence 0 is none."""
    return np.dtype([("opened_us", "<i8"), ("quiet", "<u4"), ("changes", _CHANGE, (streams,))])


class AlarmTable:
    """The open alarm of each row, if there is one.

    Parameters
    ----------
    streams
        The names of the streams.
    alarms
        `alarm_type`, ``(row,)``.
    settled
        An alarm ends after this many successive values without another change,
    quiet_us
        and at the earliest this long after its newest change.
    """

    def __init__(
        self,
        streams: Sequence[WatchedStream],
        alarms: NDArray[np.void],
        settled: int,
        quiet_us: int = 0,
    ) -> None:
        self.alarms = alarms
        self._streams = streams
        self._settled = settled
        self._quiet_us = quiet_us

    def is_open(self, rows: _Rows | slice = slice(None)) -> NDArray[np.bool_]:
        """Return for each of ``rows`` whether its alarm is open."""
        return np.asarray((self.alarms["changes"]["confidence"][rows] > 0.0).any(axis=1))

    def open_alarm(self, row: int) -> Alarm | None:
        """Return the alarm of ``row`` as it was last reported; None while there is none."""
        if not self.is_open(np.array([row]))[0]:
            return None
        opened_us = int(self.alarms["opened_us"][row])
        flagged = self.alarms["changes"]["flagged_us"][row]
        first = bool((flagged[self.alarms["changes"]["confidence"][row] > 0] == opened_us).all())
        return self._alarm(row, AlarmStage.OPENED if first else AlarmStage.CHANGED)

    def settle(self, rows: _Rows, at_us: _Ints) -> list[tuple[int, Alarm]]:
        """Count a value of ``rows`` in which nothing changed; return the alarms that ended."""
        open_ones = self.is_open(rows)
        rows, at_us = rows[open_ones], at_us[open_ones]
        flagged_us = self.alarms["changes"]["flagged_us"][rows].max(axis=1, initial=0)
        later = at_us > flagged_us
        self.alarms["quiet"][rows] += later
        ends = later & (self.alarms["quiet"][rows] >= self._settled)
        ends &= at_us - flagged_us >= self._quiet_us
        ended = []
        for row, end_us in zip(rows[ends].tolist(), at_us[ends].tolist(), strict=True):
            ended.append((row, self._alarm(row, AlarmStage.ENDED, end_us / 1e6)))
            self.alarms[row] = 0
        return ended

    def raise_alarm(self, row: int, at_us: int, changes: Sequence[tuple[int, Change]]) -> Alarm:
        """Record new changes of ``row``, each with the index of its stream; return the alarm."""
        stage = AlarmStage.CHANGED
        if not self.is_open(np.array([row]))[0]:
            self.alarms["opened_us"][row] = at_us
            stage = AlarmStage.OPENED
        self.alarms["quiet"][row] = 0
        for stream, change in changes:
            self.alarms["changes"][row, stream] = (
                change.before,
                change.after,
                round(change.since_s * 1e6),
                at_us,
                change.confidence,
            )
        return self._alarm(row, stage)

    def _alarm(self, row: int, stage: AlarmStage, ended_s: float | None = None) -> Alarm:
        stored = zip(self._streams, self.alarms["changes"][row], strict=True)
        changes = tuple(
            Change(
                what=what,
                before=_shortest(one["before"]),
                after=_shortest(one["after"]),
                since_s=int(one["since_us"]) / 1e6,
                flagged_s=int(one["flagged_us"]) / 1e6,
                confidence=_shortest(one["confidence"]),
            )
            for what, one in stored
            if one["confidence"] > 0.0
        )
        return Alarm(stage, int(self.alarms["opened_us"][row]) / 1e6, changes, ended_s)


def _shortest(value: np.float32) -> float:
    """Return the number with the fewest digits that single precision does not tell apart."""
    return float(str(value))
