"""The streams of one link: its scored forecasts, one step ahead, and its bandwidth."""

import math
from collections import deque
from dataclasses import dataclass

from pba.errors import InvalidInput
from pba.monitoring.drift.alarms import Alarm, WatchedStream
from pba.monitoring.drift.detector import Detector, Stream

__all__ = ["DriftDetector", "LinkOutcome", "log_rate", "near"]

_USUAL = 5  # actuals, whose median a level is compared with
_LEAST_MBPS = 0.01
_FARTHEST = 2.0  # in the logarithm


@dataclass(frozen=True, slots=True)
class LinkOutcome:
    """One forecast, one step ahead, and what came of it: an outcome.

    Parameters
    ----------
    timestamp_s
        Unix seconds of the actual.
    actual_mbps, forecast_mbps
        At least 0; an outage is 0.
    hit
        What `pba.evaluation.metrics.in_band` said.

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


def _off(root: float) -> float:
    return math.expm1(root**2)


_STREAMS = (
    Stream(WatchedStream.HITS, 1e-5, 1.0, 0.1),
    Stream(WatchedStream.BIAS, 1e-7, 0.05, math.log(1.1), math.exp),
    Stream(WatchedStream.ERROR, 1e-5, 0.02, 0.06, _off),
    Stream(WatchedStream.LEVEL, 1e-8, 0.05, math.log(1.2), math.exp),
)
"""Found by experiment on synthetic streams and `val` traces; see docs/drift.md."""


class DriftDetector:
    """Watches the scored one-step forecasts of one link and keeps its open alarm.

    As `pba.monitoring.drift.detector.Detector`, with the streams

    - ``hits``: 1 or 0;
    - ``bias``: ``e = log(forecast / actual)``;
    - ``error``: the square root of ``abs(e)``, whose spread is steadier than that of ``abs(e)``;
    - ``level``: ``log(actual)``.

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
        self._detector = Detector(_STREAMS, last)
        self._actuals = deque[float](maxlen=_USUAL)

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._detector.alarm

    def update(self, outcome: LinkOutcome) -> Alarm | None:
        """Take in the next outcome; return the alarm if it opened, changed or ended by it.

        Parameters
        ----------
        outcome
            Later than all before it.
        """
        self._actuals.append(log_rate(outcome.actual_mbps))
        usual = sorted(self._actuals)[len(self._actuals) // 2]
        return self._detector.update(outcome.timestamp_s, _values(outcome, usual))


def _values(scored: LinkOutcome, usual: float) -> tuple[float, float, float, float]:
    """Return what the streams see.

    What is far off counts as no farther than ``_FARTHEST``, so that one outage does not make a
    stream look wild for the next thousand samples.
    """
    actual = log_rate(scored.actual_mbps)
    error = near(log_rate(scored.forecast_mbps) - actual, 0.0, _FARTHEST)
    return float(scored.hit), error, math.sqrt(abs(error)), near(actual, usual, _FARTHEST)


def log_rate(rate_mbps: float) -> float:
    """Return the logarithm of a rate that counts as at least 0.01 Mbps."""
    return math.log(max(rate_mbps, _LEAST_MBPS))


def near(value: float, middle: float, farthest: float) -> float:
    """Return ``value``, or where it is farther from ``middle``, what is ``farthest`` from it."""
    return min(max(value, middle - farthest), middle + farthest)
