"""Drift detection of many links at once; a link's state is some hundred bytes."""

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pba.errors import InvalidInput
from pba.monitoring.drift.alarm_table import AlarmTable, alarm_type
from pba.monitoring.drift.alarms import Alarm, WatchedStream
from pba.monitoring.drift.change_detector import ChangeDetector, WatchedMean
from pba.monitoring.drift.split_test import MOMENTS, Variance
from pba.monitoring.drift.stream_table import MARKS, WINDOW, StreamTable
from pba.types import Floats

__all__ = ["SETTLED", "LinkDriftTable", "log_rate"]

SETTLED = 120
"""An alarm ends after this many successive outcomes without another change."""

_MIN_MBPS = 0.01
_MAX_DEVIATION = 2.0  # in the logarithm
_MEDIAN_OF = 5  # actuals
_TEST_EVERY = 2
_ERROR_SCALE, _LEVEL_SCALE = 16_000.0, 2_000.0  # of the stored int16
_MISSING = np.iinfo(np.int16).max
_FORMAT = 1
_STATE = np.dtype(
    [
        ("format", "u1"),
        ("phase", "u1"),
        ("newest_us", "<i8"),
        ("count", "u1", (4,)),
        ("past", MOMENTS, (4,)),
        ("actuals", "<i2", (_MEDIAN_OF,)),
        ("hits", "u1", (WINDOW // 8,)),
        ("errors", "<i2", (WINDOW,)),
        ("levels", "<i2", (WINDOW,)),
        ("marks_us", "<i8", (MARKS,)),
    ]
)
_ALARM = alarm_type(4)

_Ints = NDArray[np.int64]
_Flags = NDArray[np.bool_]


def _relative_error(root: float) -> float:
    return math.expm1(root**2)


_STREAMS = (
    WatchedMean(WatchedStream.HITS, 5.0, 0.1, variance=Variance.TOTAL),
    WatchedMean(WatchedStream.BIAS, 5.0, math.log(1.1), math.exp),
    WatchedMean(WatchedStream.ERROR, 5.2, 0.06, _relative_error, Variance.POOLED),
    WatchedMean(WatchedStream.LEVEL, 4.2, math.log(1.2), math.exp, min_lag_1=0.4),
)
"""Tuned on synthetic streams and `val` traces; see docs/results/drift.md."""
_RATIOS = np.array(
    [stream.what in (WatchedStream.BIAS, WatchedStream.LEVEL) for stream in _STREAMS]
)


class LinkDriftTable:
    """The drift detection of many links, a row each.

    The streams of a link are

    - ``hits``: 1 or 0;
    - ``bias``: ``e = log(forecast / actual)``;
    - ``error``: ``sqrt(abs(e))``, whose variance is more stable than that of ``abs(e)``;
    - ``level``: ``log(actual)``.

    Create it with `from_bytes`.

    Examples
    --------
    >>> table = LinkDriftTable.from_bytes([None])
    >>> for second in range(300):
    ...     mbps = (100.0 if second < 200 else 60.0) + second % 7
    ...     one = np.array([mbps])
    ...     alarms = table.advance([0], [second * 1_000_000], one, one, [True])
    ...     for row, alarm in alarms:
    ...         level = alarm.changes[0]
    ...         print(alarm.stage, level.what, level.since_s, level.before, level.after)
    opened level 200.0 102.94628 63.16182
    """

    def __init__(
        self, table: StreamTable, actuals: NDArray[np.int16], alarms: NDArray[np.void]
    ) -> None:
        self._table = table
        self._actuals = actuals
        names = [stream.what for stream in _STREAMS]
        self._alarms = AlarmTable(names, alarms, SETTLED)
        self._detector = ChangeDetector(_STREAMS, table, self._alarms, _TEST_EVERY)

    @classmethod
    def from_bytes(cls, states: Sequence[bytes | None]) -> Self:
        """Return the table of links with the stored ``states``; None for a new link.

        A state in the form of another release starts anew.
        """
        rows = len(states)
        table = StreamTable.empty(rows, len(_STREAMS))
        actuals = np.full((rows, _MEDIAN_OF), _MISSING)
        alarms = np.zeros(rows, _ALARM)
        known = [row for row, state in enumerate(states) if state and state[0] == _FORMAT]
        bodies = [states[row] or b"" for row in known]
        stored = np.frombuffer(b"".join(body[: _STATE.itemsize] for body in bodies), _STATE)
        errors = stored["errors"] / np.float32(_ERROR_SCALE)
        table.values[known, 0] = np.unpackbits(stored["hits"], axis=1)
        table.values[known, 1] = errors
        table.values[known, 2] = np.sqrt(np.abs(errors))
        table.values[known, 3] = stored["levels"] / np.float32(_LEVEL_SCALE)
        for name in ("count", "past", "marks_us", "phase", "newest_us"):
            getattr(table, name)[known] = stored[name]
        actuals[known] = stored["actuals"]
        for row, body in zip(known, bodies, strict=True):
            if len(body) > _STATE.itemsize:
                alarms[row] = np.frombuffer(body[_STATE.itemsize :], _ALARM)[0]
        return cls(table, actuals, alarms)

    def to_bytes(self) -> list[bytes]:
        """Return the states of the links, to be stored."""
        table = self._table
        stored = np.zeros(len(table.values), _STATE)
        stored["format"] = _FORMAT
        stored["hits"] = np.packbits(table.values[:, 0] > 0.5, axis=1)
        stored["errors"] = np.rint(table.values[:, 1] * _ERROR_SCALE)
        stored["levels"] = np.rint(table.values[:, 3] * _LEVEL_SCALE)
        for name in ("count", "past", "marks_us", "phase", "newest_us"):
            stored[name] = getattr(table, name)
        stored["actuals"] = self._actuals
        body, size = stored.tobytes(), _STATE.itemsize
        alarms = self._alarms.alarms
        return [
            body[row * size : (row + 1) * size] + (alarms[row].tobytes() if is_open else b"")
            for row, is_open in enumerate(self.alarm_open().tolist())
        ]

    def alarm_open(self) -> _Flags:
        """Return for each row whether an alarm is open, ``(row,)``."""
        return self._alarms.is_open()

    def sizes(self) -> Floats:
        """Return the size of each row's open alarm, 0 where none is open, ``(row,)``.

        It is that of its largest change: of the share in band or of the typical relative error, by
        how much it differs; of bias or level, the logarithm of the ratio.
        """
        changes = self._alarms.alarms["changes"]
        pairs = np.stack([changes["before"], changes["after"]]).astype(float)
        size = np.abs(np.diff(np.where(_RATIOS, log_rate(pairs), pairs), axis=0)[0])
        largest: Floats = np.where(changes["confidence"] > 0.0, size, 0.0).max(axis=1)
        return np.asarray(np.round(largest, 4), dtype=float)

    def alarm(self, row: int) -> Alarm | None:
        """Return the open alarm of ``row``; None while there is none."""
        return self._alarms.open_alarm(row)

    def advance(
        self,
        rows: Sequence[int] | _Ints,
        at_us: Sequence[int] | _Ints,
        actual_mbps: Floats,
        forecast_mbps: Floats,
        hit: Sequence[bool] | _Flags,
    ) -> list[tuple[int, Alarm]]:
        """Process outcomes one step ahead; return row and alarm of those that changed.

        Outcomes that are not after the newest that was processed of their row are ignored: they are
        other versions' forecasts of the same sample.

        Parameters
        ----------
        rows
            Rows of the table, ``(outcome,)``.
        at_us
            When the actuals were measured, in the order of time within a row.
        actual_mbps, forecast_mbps
            At least 0; an outage is 0.
        hit
            The result of `pba.evaluation.metrics.in_band`.

        Returns
        -------
        list[tuple[int, Alarm]]
            Alarms that opened, changed or ended, in the order of time within a row.

        Raises
        ------
        InvalidInput
            For a rate that is negative, infinite or NaN.
        """
        _check(actual_mbps, forecast_mbps)
        rows, at_us = np.asarray(rows, np.intp), np.asarray(at_us, np.int64)
        actuals = np.clip(np.rint(log_rate(actual_mbps) * _LEVEL_SCALE), -_MISSING, _MISSING - 1)
        errors = _errors(actual_mbps, forecast_mbps)
        hits = np.asarray(hit, float)
        alarms = []
        for turn in _turns(rows):
            turn = turn[at_us[turn] > self._table.newest_us[rows[turn]]]
            levels = self._levels(rows[turn], actuals[turn])
            error = errors[turn]
            values = np.column_stack([hits[turn], error, np.sqrt(np.abs(error)), levels])
            alarms += self._detector.add(rows[turn], at_us[turn], at_us[turn], values)
        return alarms

    def _levels(self, rows: NDArray[np.intp], actuals: Floats) -> NDArray[np.float32]:
        """Return the actuals, limited around the median of the last five."""
        recent = np.column_stack([self._actuals[rows, 1:], actuals.astype(np.int16)])
        self._actuals[rows] = recent
        ordered = np.sort(recent, axis=1)
        middle = (recent != _MISSING).sum(axis=1) // 2
        median = ordered[np.arange(len(rows)), middle].astype(float)
        limit = _MAX_DEVIATION * _LEVEL_SCALE
        return np.clip(actuals, median - limit, median + limit).astype(np.float32) / _LEVEL_SCALE


def log_rate(rate_mbps: Floats) -> Floats:
    """Return the logarithm of rates, at least that of 0.01 Mbps."""
    return np.log(np.maximum(rate_mbps, _MIN_MBPS))


def _errors(actual_mbps: Floats, forecast_mbps: Floats) -> NDArray[np.float32]:
    """Return the log-ratio errors at the precision that is stored, limited to e² (7.4)."""
    exact = log_rate(forecast_mbps) - log_rate(actual_mbps)
    stored = np.rint(np.clip(exact, -_MAX_DEVIATION, _MAX_DEVIATION) * _ERROR_SCALE)
    return stored.astype(np.float32) / np.float32(_ERROR_SCALE)


def _turns(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the first outcomes of each row, then the second ones, and so on."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    lengths = np.diff(np.append(starts, len(rows)))
    turn = np.arange(len(rows)) - np.repeat(starts, lengths)
    return [order[turn == number] for number in range(int(lengths.max(initial=0)))]


def _check(actual_mbps: Floats, forecast_mbps: Floats) -> None:
    for name, rates in (("actual", actual_mbps), ("forecast", forecast_mbps)):
        wrong = np.flatnonzero(~((rates >= 0.0) & (rates < math.inf)))
        if len(wrong):
            raise InvalidInput(
                f"{name} is {rates[wrong[0]]} Mbps; rates are finite and at least 0. "
                "Leave out forecasts that were not scored."
            )
