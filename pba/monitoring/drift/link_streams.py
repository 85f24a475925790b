"""The streams of one link: its scored forecasts, one step ahead, and its bandwidth."""

import math
from collections import deque
from dataclasses import dataclass

from pba.errors import InvalidInput
from pba.monitoring.drift.alarms import Alarm, WatchedStream
from pba.monitoring.drift.detector import Detector, Stream

__all__ = ["DriftDetector", "LinkOutcome", "clamp", "log_rate"]

_MEDIAN_OF = 5  # actuals
_MIN_MBPS = 0.01
_MAX_DEVIATION = 2.0  # in the logarithm


@dataclass(frozen=True, slots=True)
class LinkOutcome:
    """One forecast of a link, one step ahead, and its actual.

    Parameters
    ----------
    timestamp_s
        Unix seconds of the actual.
    actual_mbps, forecast_mbps
        At least 0; an outage is 0.
    hit
        The result of `pba.evaluation.metrics.in_band`.

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


def _relative_error(root: float) -> float:
    return math.expm1(root**2)


_STREAMS = (
    Stream(WatchedStream.HITS, 1e-5, 1.0, 0.1),
    Stream(WatchedStream.BIAS, 1e-7, 0.05, math.log(1.1), math.exp),
    Stream(WatchedStream.ERROR, 1e-5, 0.02, 0.06, _relative_error),
    Stream(WatchedStream.LEVEL, 1e-8, 0.05, math.log(1.2), math.exp),
)
"""Tuned on synthetic streams and `val` traces; see docs/results/drift.md."""


class DriftDetector:
    """Watches the scored one-step forecasts of one link and keeps its open alarm.

    See `pba.monitoring.drift.detector.Detector`. The streams are

    - ``hits``: 1 or 0;
    - ``bias``: ``e = log(forecast / actual)``;
    - ``error``: ``sqrt(abs(e))``, whose variance is more stable than that of ``abs(e)``;
    - ``level``: ``log(actual)``.

    Parameters
    ----------
    last
        The last reported alarm of this link, open or ended; None if there was none.

    Examples
    --------
    >>> detector = DriftDetector()
    >>> for second in range(300):
    ...     mbps = (100.0 if second < 200 else 60.0) + second % 7
    ...     alarm = detector.update(LinkOutcome(second, mbps, mbps, hit=True))
    ...     if alarm:
    ...         level = alarm.changes[0]
    ...         print(alarm.stage, level.what, level.since_s, level.before, level.after)
    opened level 200.0 102.95 63.10
    """

    def __init__(self, last: Alarm | None = None) -> None:
        self._detector = Detector(_STREAMS, last)
        self._actuals = deque[float](maxlen=_MEDIAN_OF)

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._detector.alarm

    def update(self, outcome: LinkOutcome) -> Alarm | None:
        """Process the next outcome; return the alarm if it opened, changed or ended.

        Parameters
        ----------
        outcome
            Later than all outcomes before.
        """
        self._actuals.append(log_rate(outcome.actual_mbps))
        median = sorted(self._actuals)[len(self._actuals) // 2]
        return self._detector.update(outcome.timestamp_s, _values(outcome, median))


def _values(outcome: LinkOutcome, median: float) -> tuple[float, float, float, float]:
    """Return the values of the streams.

    Deviations are limited, so that one outage does not inflate a stream's variance for the next
    thousand samples.
    """
    actual = log_rate(outcome.actual_mbps)
    error = clamp(log_rate(outcome.forecast_mbps) - actual, 0.0, _MAX_DEVIATION)
    level = clamp(actual, median, _MAX_DEVIATION)
    return float(outcome.hit), error, math.sqrt(abs(error)), level


def log_rate(rate_mbps: float) -> float:
    """Return the logarithm of a rate, at least that of 0.01 Mbps."""
    return math.log(max(rate_mbps, _MIN_MBPS))


def clamp(value: float, centre: float, max_deviation: float) -> float:
    """Return ``value`` limited to ``centre - max_deviation`` … ``centre + max_deviation``."""
    return min(max(value, centre - max_deviation), centre + max_deviation)
