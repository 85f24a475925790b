"""ADWIN on a few streams that are watched together, and the one alarm that they share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream
from pba.monitoring.drift.change_point import FEWEST, confidence, split
from pba.types import Floats

__all__ = ["SETTLED", "Detector", "Stream"]

SETTLED = 120
"""An alarm ends after this many outcomes in a row in which nothing more has changed."""

_REMEMBERED = 256  # outcomes, to say what changed and since when
_CLOCK, _SHORTEST, _GRACE = 2, 5, 30
_LEAST_SURE = 0.99
_LOOKS, _EVERY = 41, 4


class Stream(NamedTuple):
    """What is watched, and how.

    Parameters
    ----------
    what
        Its name.
    delta
        ADWIN's.
    unit
        What ADWIN takes for 1: it scales the second term of its bound, and so sets the change too
        small to see.
    least
        The change of the mean that is too small to matter.
    read
        From a mean to what an alarm says of it.
    """

    what: WatchedStream
    delta: float
    unit: float
    least: float
    read: Callable[[float], float] = float


class Detector:
    """Watches streams whose values come together, and keeps their open alarm.

    One ADWIN a stream notices that the mean has changed: it keeps a window that grows while the
    stream is steady, and drops its older part when the means of two parts differ by more than
    chance allows (Bifet and Gavalda, "Learning from time-changing data with adaptive windowing",
    SDM 2007). When and by how much is then estimated from the last 256 outcomes by least squares
    (Bai, "Least squares estimation of a shift in linear processes", Journal of Time Series
    Analysis, 1994). A change that is small, or that the stream's own memory explains, is passed
    over. Changes that take longer than some 250 outcomes are too slow to be noticed.

    It depends on nothing but what it is given, so it is rebuilt from stored outcomes instead of
    stored itself: give the alarm that was told last and feed the last outcomes, some 400 or more,
    in order. What that alarm told is not told again, so what `update` returns meanwhile is news:
    the end of an alarm that ended unheard, or a change that nobody watched. Without ``last``,
    ignore what it returns meanwhile.

    Parameters
    ----------
    streams
        In the order of `WatchedStream`.
    last
        The alarm that was told last, open or ended; None if there was none.
    quiet_s
        An alarm stays open for this long after the newest change at least.
    """

    def __init__(
        self, streams: Sequence[Stream], last: Alarm | None = None, quiet_s: float = 0.0
    ) -> None:
        self._last = last
        self._open = last if last and last.ended_s is None else None
        self._quiet_s = quiet_s
        self._quiet = 0
        self._recent = _Recent(len(streams))
        self._watches = [_Watch(at, stream) for at, stream in enumerate(streams)]

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._open

    def update(self, now_s: float, values: Sequence[float]) -> Alarm | None:
        """Take in one value a stream; return the alarm if it opened, changed or ended by them.

        Parameters
        ----------
        now_s
            Unix seconds of the outcome, not before the last.
        values
            In the order of the streams.
        """
        self._recent.add((*values, now_s))
        suspect = [
            watch for watch, value in zip(self._watches, values, strict=True) if watch.see(value)
        ]
        found = [change for watch in suspect if (change := self._change(watch))]
        return self._raise(found) if found else self._settle(now_s)

    def _change(self, watch: "_Watch") -> Change | None:
        """Return the stream's change; None where it is small, not sure enough, or was told."""
        count = self._recent.seen - watch.started
        values, times_s = self._recent.last(watch.at, count), self._recent.last(-1, count)
        found = _located(watch.stream, values, times_s) if len(values) >= 2 * FEWEST else None
        if found is None:
            return None
        watch.started, watch.looks = self._recent.seen, 0
        return None if self._was_told(found) else found

    def _was_told(self, change: Change) -> bool:
        """Return whether the alarm given at the start, or one before it, told of ``change``."""
        if self._last is None:
            return False
        told_s = [one.flagged_s for one in self._last.changes if one.what is change.what]
        of_old = change.flagged_s <= self._last.opened_s
        return of_old or any(change.since_s <= one_s for one_s in told_s)

    def _raise(self, found: list[Change]) -> Alarm:
        self._quiet = 0
        alarm = self._open or Alarm(AlarmStage.OPENED, found[0].flagged_s, ())
        stage = AlarmStage.CHANGED if self._open else AlarmStage.OPENED
        latest = {change.what: change for change in (*alarm.changes, *found)}
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


class _Watch:
    """One stream, its ADWIN, and what is to be looked at."""

    def __init__(self, at: int, stream: Stream) -> None:
        # river.drift brings pandas and scipy: seconds and 170 MB that only watchers should pay.
        from river.drift import ADWIN

        self.at, self.stream = at, stream
        self.started = self.looks = 0
        self._adwin = ADWIN(
            stream.delta, clock=_CLOCK, min_window_length=_SHORTEST, grace_period=_GRACE
        )

    def see(self, value: float) -> bool:
        """Show ``value`` to the ADWIN; return whether to look for a change now.

        ADWIN starts anew after it noticed a change, often so early that it cannot be told from the
        stream's own memory. It would not notice it twice: one looks again for a while instead.
        """
        self._adwin.update(value / self.stream.unit)
        if self._adwin.drift_detected:
            self.looks = _LOOKS
        elif self.looks:
            self.looks -= 1
        return self.looks % _EVERY == 1


class _Recent:
    """The last values of the streams and their times, in a ring: 2 kB a stream."""

    def __init__(self, streams: int) -> None:
        self._table = np.empty((_REMEMBERED, streams + 1))
        self.seen = 0

    def add(self, row: tuple[float, ...]) -> None:
        self._table[self.seen % _REMEMBERED] = row
        self.seen += 1

    def last(self, column: int, count: int) -> Floats:
        """Return the last ``count`` values of ``column``, or as many as there are, oldest first."""
        count = min(count, self.seen, _REMEMBERED)
        rows = np.arange(self.seen - count, self.seen) % _REMEMBERED
        return np.asarray(self._table[rows, column])


def _located(stream: Stream, values: Floats, times_s: Floats) -> Change | None:
    """Return where and how ``values`` changed; None if by little or not surely."""
    at = split(values)
    before, after = float(values[:at].mean()), float(values[at:].mean())
    sure = confidence(values, at)
    if abs(after - before) < stream.least or sure < _LEAST_SURE:
        return None
    read = stream.read
    return Change(
        stream.what, read(before), read(after), float(times_s[at]), float(times_s[-1]), sure
    )
