"""Has a link, or how well it is forecast, changed? ADWIN watches one link's scored forecasts.

Four streams are watched; an alarm opens when the mean of one of them has changed, and ends when the
link has settled. What to do about an alarm, and where it is stored, is the caller's.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from pba.errors import InvalidInput
from pba.types import Floats

if TYPE_CHECKING:
    from river.drift import ADWIN

__all__ = ["SETTLED", "Alarm", "Change", "DriftDetector", "Scored", "Stage", "Watched"]

SETTLED = 120
"""An alarm ends after this many outcomes in a row in which nothing more has changed."""

_REMEMBERED = 256  # outcomes, to say what changed and since when
_USUAL = 5  # actuals, whose median a level is compared with
_FEWEST = 5  # outcomes on either side of a change
_LEAST_MBPS = 0.01
_FARTHEST = 2.0  # in the logarithm


class Watched(StrEnum):
    """What can change: the mean of one of four streams.

    ``HITS`` is the share of forecasts in band; ``BIAS`` by how much forecasts are too high or low;
    ``ERROR`` how far off they are, to whichever side; ``LEVEL`` the bandwidth itself, because
    forecasts follow a link to its new level within a few samples.
    """

    HITS = "hits"
    BIAS = "bias"
    ERROR = "error"
    LEVEL = "level"


class Stage(StrEnum):
    """What an alarm is told for: it opened, something else changed meanwhile, or it ended."""

    OPENED = "opened"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Scored:
    """One forecast, one step ahead, and what came of it: an outcome.

    Parameters
    ----------
    timestamp_s
        Unix seconds of the actual.
    actual_mbps, forecast_mbps
        At least 0; an outage is 0.
    hit
        What `pba.metrics.in_band` said.

    Raises
    ------
    InvalidInput
        For a rate that is negative, infinite or NaN.
    """

    timestamp_s: float
    actual_mbps: float
    forecast_mbps: float
    hit: bool

    def __post_init__(self) -> None:
        if not (0.0 <= self.actual_mbps < math.inf and 0.0 <= self.forecast_mbps < math.inf):
            raise InvalidInput(
                f"actual is {self.actual_mbps} Mbps, forecast {self.forecast_mbps} Mbps; both are "
                "finite and at least 0. Leave out forecasts that were not scored."
            )


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, since when, and how sure that is.

    Parameters
    ----------
    what
        The stream whose mean changed.
    before, after
        Its mean on either side: a share for ``hits``; the geometric mean of forecast / actual for
        ``bias`` (1.1: 10 % too high); how far off forecasts typically are, as a share, for
        ``error``; the geometric mean in Mbps for ``level``. A rate counts as at least 0.01 Mbps, an
        error as at most e² (7.4) times, and an actual as that near the median of the last five.
    since_s
        Unix seconds of the first outcome after the change, as estimated.
    flagged_s
        Unix seconds of the outcome at which it was noticed.
    confidence
        One less the chance that a stream which did not change looks like this somewhere; see
        `_confidence`. It counts for one stream at one moment, not for all links at all times.
    """

    what: Watched
    before: float
    after: float
    since_s: float
    flagged_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """Changes of one link that belong together, from the first until the link has settled.

    Parameters
    ----------
    stage
        What it was told for last.
    opened_s
        Unix seconds of the outcome at which it opened; names it among the alarms of a link.
    changes
        The latest `Change` of each stream that changed, at least one, in the order of `Watched`.
    ended_s
        Unix seconds of the outcome at which it ended; None while it is open.
    """

    stage: Stage
    opened_s: float
    changes: tuple[Change, ...]
    ended_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {**asdict(self), "since_s": self.since_s}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the alarm that ``body``, its wire form, describes."""
        changes = (Change(**{**one, "what": Watched(one["what"])}) for one in body["changes"])
        return cls(Stage(body["stage"]), body["opened_s"], tuple(changes), body["ended_s"])

    @property
    def since_s(self) -> float:
        """Unix seconds of its earliest change."""
        return min(change.since_s for change in self.changes)

    @property
    def flagged_s(self) -> float:
        """Unix seconds at which its newest change was noticed."""
        return max(change.flagged_s for change in self.changes)


class _Watch(NamedTuple):
    """How one stream is watched.

    ``delta`` is ADWIN's; ``unit`` is what it takes for 1, which scales the second term of its bound
    and so sets the change too small to see; ``least`` is the change too small to matter.
    """

    delta: float
    unit: float
    least: float


_WATCHES = {
    Watched.HITS: _Watch(1e-5, 1.0, 0.1),
    Watched.BIAS: _Watch(1e-7, 0.05, math.log(1.1)),
    Watched.ERROR: _Watch(1e-5, 0.02, 0.06),
    Watched.LEVEL: _Watch(1e-8, 0.05, math.log(1.2)),
}
"""Found by experiment on synthetic streams and `val` traces; see docs/drift.md."""

_CLOCK, _SHORTEST, _GRACE = 2, 5, 30
_LEAST_SURE = 0.99
_LOOKS, _EVERY = 41, 4


@dataclass(slots=True)
class _Recent:
    """The last values of the streams and their times, in a ring: 10 kB a link."""

    table: Floats = field(default_factory=lambda: np.empty((_REMEMBERED, 5)))
    seen: int = 0

    def add(self, row: tuple[float, ...]) -> None:
        self.table[self.seen % _REMEMBERED] = row
        self.seen += 1

    def last(self, column: int, count: int) -> Floats:
        """Return the last ``count`` values of ``column``, or as many as there are, oldest first."""
        count = min(count, self.seen, _REMEMBERED)
        rows = np.arange(self.seen - count, self.seen) % _REMEMBERED
        return np.asarray(self.table[rows, column])


class DriftDetector:
    """Watches the scored one-step forecasts of one link and keeps its open alarm.

    One ADWIN a stream notices that the mean has changed: it keeps a window that grows while the
    stream is steady, and drops its older part when the means of two parts differ by more than
    chance allows (Bifet and Gavalda, "Learning from time-changing data with adaptive windowing",
    SDM 2007). When and by how much is then estimated from the last 256 outcomes by least squares
    (Bai, "Least squares estimation of a shift in linear processes", Journal of Time Series
    Analysis, 1994). A change that is small, or that the stream's own memory explains, is passed
    over. The streams are

    - ``hits``: 1 or 0;
    - ``bias``: ``e = log(forecast / actual)``;
    - ``error``: the square root of ``abs(e)``, whose spread is steadier than that of ``abs(e)``;
    - ``level``: ``log(actual)``.

    Changes that take longer than some 250 outcomes are too slow to be noticed.

    It depends on nothing but the outcomes, so it is rebuilt from stored ones instead of stored
    itself: give the link's last told alarm and feed the last outcomes, some 400 or more, in order.
    What that alarm told is not told again, so what `update` returns meanwhile is news: the end of
    an alarm that ended unheard, or a change that nobody watched. Without ``last``, ignore what it
    returns meanwhile.

    Parameters
    ----------
    last
        The alarm of this link that was told last, open or ended; None if there was none.

    Examples
    --------
    >>> detector = DriftDetector()
    >>> for second in range(300):
    ...     mbps = (100.0 if second < 200 else 60.0) + second % 7
    ...     told = detector.update(Scored(second, mbps, mbps, hit=True))
    ...     if told:
    ...         level = told.changes[0]
    ...         print(told.stage, level.what, level.since_s, level.before, level.after)
    opened level 200.0 102.95 63.10
    """

    def __init__(self, last: Alarm | None = None) -> None:
        self._last = last
        self._open = last if last and last.ended_s is None else None
        self._recent = _Recent()
        self._actuals = deque[float](maxlen=_USUAL)
        self._quiet = 0
        self._started = dict.fromkeys(Watched, 0)
        self._looks = dict.fromkeys(Watched, 0)
        self._adwins = {what: _adwin(watch.delta) for what, watch in _WATCHES.items()}

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._open

    def update(self, outcome: Scored) -> Alarm | None:
        """Take in the next outcome; return the alarm if it opened, changed or ended by it.

        Parameters
        ----------
        outcome
            Later than all before it.
        """
        self._actuals.append(_log(outcome.actual_mbps))
        usual = sorted(self._actuals)[len(self._actuals) // 2]
        values = _values(outcome, usual)
        self._recent.add((*values, outcome.timestamp_s))
        suspect = [
            what for what, value in zip(Watched, values, strict=True) if self._see(what, value)
        ]
        found = [change for what in suspect if (change := self._change(what))]
        return self._raise(found) if found else self._settle(outcome.timestamp_s)

    def _see(self, what: Watched, value: float) -> bool:
        """Show ``value`` to the stream's ADWIN; return whether to look for a change now.

        ADWIN starts anew after it noticed a change, often so early that it cannot be told from the
        stream's own memory. It would not notice it twice: one looks again for a while instead.
        """
        adwin = self._adwins[what]
        adwin.update(value / _WATCHES[what].unit)
        if adwin.drift_detected:
            self._looks[what] = _LOOKS
        elif self._looks[what]:
            self._looks[what] -= 1
        return self._looks[what] % _EVERY == 1

    def _change(self, what: Watched) -> Change | None:
        """Return the stream's change; None where it is small, not sure enough, or was told."""
        count = self._recent.seen - self._started[what]
        values, times_s = self._recent.last(_COLUMN[what], count), self._recent.last(-1, count)
        found = _located(what, values, times_s) if len(values) >= 2 * _FEWEST else None
        if found is None:
            return None
        self._started[what], self._looks[what] = self._recent.seen, 0
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
        now_s = found[0].flagged_s
        alarm = self._open or Alarm(Stage.OPENED, now_s, ())
        stage = Stage.CHANGED if self._open else Stage.OPENED
        latest = {change.what: change for change in (*alarm.changes, *found)}
        changes = tuple(latest[what] for what in Watched if what in latest)
        self._open = replace(alarm, stage=stage, changes=changes)
        return self._open

    def _settle(self, now_s: float) -> Alarm | None:
        alarm = self._open
        if alarm is None or now_s <= alarm.flagged_s:
            return None
        self._quiet += 1
        if self._quiet < SETTLED:
            return None
        self._open = None
        return replace(alarm, stage=Stage.ENDED, ended_s=now_s)


def _adwin(delta: float) -> "ADWIN":
    # river.drift brings pandas and scipy: seconds and 170 MB that only watchers should pay.
    from river.drift import ADWIN

    return ADWIN(delta, clock=_CLOCK, min_window_length=_SHORTEST, grace_period=_GRACE)


def _values(scored: Scored, usual: float) -> tuple[float, float, float, float]:
    """Return what the streams see, in the order of `Watched`.

    What is far off counts as no farther than ``_FARTHEST``, so that one outage does not make a
    stream look wild for the next thousand samples.
    """
    actual = _log(scored.actual_mbps)
    error = _near(_log(scored.forecast_mbps) - actual, 0.0)
    return float(scored.hit), error, math.sqrt(abs(error)), _near(actual, usual)


def _log(rate_mbps: float) -> float:
    return math.log(max(rate_mbps, _LEAST_MBPS))


def _near(value: float, middle: float) -> float:
    return min(max(value, middle - _FARTHEST), middle + _FARTHEST)


def _located(what: Watched, values: Floats, times_s: Floats) -> Change | None:
    """Return where and how ``values`` changed; None if by little or not surely."""
    at = _split(values)
    before, after = float(values[:at].mean()), float(values[at:].mean())
    sure = _confidence(values, at)
    if abs(after - before) < _WATCHES[what].least or sure < _LEAST_SURE:
        return None
    read = _READ[what]
    return Change(what, read(before), read(after), float(times_s[at]), float(times_s[-1]), sure)


def _split(values: Floats) -> int:
    """Return where the second part of ``values`` begins: the best fit by two means.

    >>> _split(np.array([1.0, 1.1, 0.9, 1.0, 1.1, 5.0, 5.1, 4.9, 5.0, 5.1, 5.0]))
    5
    """
    count = np.arange(1, len(values))
    excess = np.cumsum(values - values.mean())[:-1]
    gain = excess**2 / (count * (len(values) - count))
    return _FEWEST + int(np.argmax(gain[_FEWEST - 1 : 1 - _FEWEST]))


def _confidence(values: Floats, at: int) -> float:
    """Return how sure it is that the mean of ``values`` changes at ``at``.

    One less the two-sided p-value of the difference of the means, times the number of places at
    which the split could have been (Bonferroni). Each part's variance is its own or that of both,
    whichever is greater, times ``(1 + r) / (1 - r)``, ``r`` the correlation of neighbours: what the
    mean of an AR(1) series varies by (Box, Jenkins and Reinsel, "Time series analysis", 2.1).
    Approximate: ``r`` is estimated, and memory longer than an AR(1)'s is not seen.

    >>> _confidence(np.array([1.0, 2.0] * 10 + [2.0, 3.0] * 10), 20)
    0.999
    """
    parts = values[:at], values[at:]
    rest = np.concatenate([part - part.mean() for part in parts])
    both = float(rest @ rest) / len(rest)
    if both == 0.0:
        return 1.0
    neighbours = min(max(float(rest[1:] @ rest[:-1]) / float(rest @ rest), 0.0), 0.99)
    memory = (1.0 + neighbours) / (1.0 - neighbours)
    square = sum(max(float(part.var()), both) / len(part) for part in parts) * memory
    z = abs(float(parts[1].mean() - parts[0].mean())) / math.sqrt(square)
    return 1.0 - min(1.0, (len(values) - 2 * _FEWEST + 1) * math.erfc(z / math.sqrt(2.0)))


def _off(root: float) -> float:
    return math.expm1(root**2)


_COLUMN = {what: at for at, what in enumerate(Watched)}
_READ = {Watched.HITS: float, Watched.BIAS: math.exp, Watched.ERROR: _off, Watched.LEVEL: math.exp}
