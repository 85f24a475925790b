"""ADWIN on a few parallel streams, and the alarm that they share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream
from pba.monitoring.drift.change_point import MIN_SEGMENT, confidence, split
from pba.types import Floats

__all__ = ["SETTLED", "Detector", "Stream"]

SETTLED = 120
"""An alarm ends after this many successive outcomes without another change."""

_RECENT = 256  # outcomes from which the time and size of a change are estimated
_CLOCK, _MIN_WINDOW, _GRACE_PERIOD = 2, 5, 30  # ADWIN's
_MIN_CONFIDENCE = 0.99
_CHECK_FOR, _CHECK_EVERY = 41, 4  # outcomes after ADWIN noticed a change


class Stream(NamedTuple):
    """A watched stream and its parameters.

    Parameters
    ----------
    what
        Its name.
    delta
        ADWIN's.
    unit
        The value that counts as 1 for ADWIN. It scales the second term of ADWIN's bound, and so
        the smallest change that is noticed.
    min_change
        Changes of the mean below this are ignored.
    to_report
        Converts a mean to the value that an alarm reports.
    """

    what: WatchedStream
    delta: float
    unit: float
    min_change: float
    to_report: Callable[[float], float] = float


class Detector:
    """Watches streams whose values arrive together, and keeps their open alarm.

    One ADWIN per stream notices changes of the mean: it keeps a window that grows while the stream
    is stationary, and drops the older part when the means of two parts differ significantly (Bifet
    and Gavalda, "Learning from time-changing data with adaptive windowing", SDM 2007). Time and
    size of the change are then estimated from the last 256 outcomes by least squares (Bai, "Least
    squares estimation of a shift in linear processes", Journal of Time Series Analysis, 1994). A
    change that is small, or that the stream's autocorrelation explains, is ignored. Changes that
    take longer than some 250 outcomes are too slow to be noticed.

    The state depends on the outcomes alone, so a detector is rebuilt from stored outcomes: pass the
    last reported alarm as ``last`` and replay the last outcomes, some 400 or more, in order.
    Changes that this alarm has reported are not reported again. Alarms that `update` returns during
    the replay are new: ends and changes that happened while no detector was running. Without
    ``last``, ignore the alarms returned during the replay.

    Parameters
    ----------
    streams
        In the order of `WatchedStream`.
    last
        The last reported alarm, open or ended; None if there was none.
    quiet_s
        An alarm stays open for at least this long after its newest change.
    """

    def __init__(
        self, streams: Sequence[Stream], last: Alarm | None = None, quiet_s: float = 0.0
    ) -> None:
        self._last = last
        self._open = last if last and last.ended_s is None else None
        self._quiet_s = quiet_s
        self._quiet = 0
        self._recent = _Recent(len(streams))
        self._monitors = [_StreamMonitor(at, stream) for at, stream in enumerate(streams)]

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._open

    def update(self, now_s: float, values: Sequence[float]) -> Alarm | None:
        """Process one value per stream; return the alarm if it opened, changed or ended.

        Parameters
        ----------
        now_s
            Unix seconds of the outcome, not before those of the last one.
        values
            In the order of the streams.
        """
        self._recent.add((*values, now_s))
        suspects = [
            monitor
            for monitor, value in zip(self._monitors, values, strict=True)
            if monitor.update(value)
        ]
        changes = [change for monitor in suspects if (change := self._change(monitor))]
        return self._raise(changes) if changes else self._settle(now_s)

    def _change(self, monitor: "_StreamMonitor") -> Change | None:
        """Return the stream's change; None if it is small, uncertain, or already reported."""
        count = self._recent.seen - monitor.started
        values, times_s = self._recent.last(monitor.column, count), self._recent.last(-1, count)
        if len(values) < 2 * MIN_SEGMENT:
            return None
        change = _estimate_change(monitor.stream, values, times_s)
        if change is None:
            return None
        monitor.started, monitor.checks_left = self._recent.seen, 0
        return None if self._was_reported(change) else change

    def _was_reported(self, change: Change) -> bool:
        """Return whether ``last``, or an alarm before it, has reported ``change``."""
        if self._last is None:
            return False
        reported = (other for other in self._last.changes if other.what is change.what)
        return change.flagged_s <= self._last.opened_s or any(
            change.since_s <= other.flagged_s for other in reported
        )

    def _raise(self, new: list[Change]) -> Alarm:
        self._quiet = 0
        alarm = self._open or Alarm(AlarmStage.OPENED, new[0].flagged_s, ())
        stage = AlarmStage.CHANGED if self._open else AlarmStage.OPENED
        latest = {change.what: change for change in (*alarm.changes, *new)}
        changes = tuple(latest[what] for what in WatchedStream if what in latest)
        self._open = replace(alarm, stage=stage, changes=changes)
        return self._open

    def _settle(self, now_s: float) -> Alarm | None:
        alarm = self._open
        if alarm is None or now_s <= alarm.flagged_s:
            return None
        self._quiet += 1
        if self._quiet < SETTLED or now_s - alarm.flagged_s < self._quiet_s:
            return None
        self._open = None
        return replace(alarm, stage=AlarmStage.ENDED, ended_s=now_s)


class _StreamMonitor:
    """One stream, its ADWIN, and how long to check for a change."""

    def __init__(self, column: int, stream: Stream) -> None:
        # river.drift imports pandas and scipy: seconds and 170 MB, which only detectors should pay.
        from river.drift import ADWIN

        self.column, self.stream = column, stream
        self.started = self.checks_left = 0
        self._adwin = ADWIN(
            stream.delta, clock=_CLOCK, min_window_length=_MIN_WINDOW, grace_period=_GRACE_PERIOD
        )

    def update(self, value: float) -> bool:
        """Pass ``value`` to the ADWIN; return whether to check for a change now.

        ADWIN often notices a change before it can be distinguished from autocorrelation, and then
        starts over and does not notice it again. So the stream is checked repeatedly for a while.
        """
        self._adwin.update(value / self.stream.unit)
        if self._adwin.drift_detected:
            self.checks_left = _CHECK_FOR
        elif self.checks_left:
            self.checks_left -= 1
        return self.checks_left % _CHECK_EVERY == 1


class _Recent:
    """The last values of the streams and their times, in a ring buffer: 2 kB per stream."""

    def __init__(self, streams: int) -> None:
        self._table = np.empty((_RECENT, streams + 1))
        self.seen = 0

    def add(self, row: tuple[float, ...]) -> None:
        self._table[self.seen % _RECENT] = row
        self.seen += 1

    def last(self, column: int, count: int) -> Floats:
        """Return up to ``count`` last values of ``column``, oldest first."""
        count = min(count, self.seen, _RECENT)
        rows = np.arange(self.seen - count, self.seen) % _RECENT
        return np.asarray(self._table[rows, column])


def _estimate_change(stream: Stream, values: Floats, times_s: Floats) -> Change | None:
    """Return time and size of the change in ``values``; None if small or uncertain."""
    index = split(values)
    before, after = float(values[:index].mean()), float(values[index:].mean())
    certainty = confidence(values, index)
    if abs(after - before) < stream.min_change or certainty < _MIN_CONFIDENCE:
        return None
    return Change(
        what=stream.what,
        before=stream.to_report(before),
        after=stream.to_report(after),
        since_s=float(times_s[index]),
        flagged_s=float(times_s[-1]),
        confidence=certainty,
    )
