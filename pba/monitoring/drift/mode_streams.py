"""The streams of a mode: the scored forecasts of all its links, relative to what they predicted."""

import math
from dataclasses import dataclass

from pba.monitoring.drift.alarms import Alarm, WatchedStream
from pba.monitoring.drift.detector import Detector, Stream
from pba.monitoring.drift.link_streams import clamp, log_rate

__all__ = ["QUIET_S", "ModeDriftDetector", "ModeOutcome"]

QUIET_S = 600.0
"""A mode's alarm stays open for at least this long: the outcomes of many links arrive quickly."""

_MIN_WIDTH, _MAX_WIDTHS = 0.02, 4.0


@dataclass(frozen=True, slots=True)
class ModeOutcome:
    """One forecast of any link, one step ahead, with its uncertainty and its actual.

    Parameters
    ----------
    timestamp_s
        When the forecast was computed, Unix seconds; the clocks of links need not agree.
    actual_mbps, forecast_mbps
        At least 0.
    low_mbps, high_mbps
        The predicted quartiles.
    confidence
        The predicted probability of a hit.
    hit
        The result of `pba.evaluation.metrics.in_band`.
    """

    timestamp_s: float
    actual_mbps: float
    forecast_mbps: float
    low_mbps: float
    high_mbps: float
    confidence: float
    hit: bool


def _square(root: float) -> float:
    return root**2


_STREAMS = (
    Stream(WatchedStream.HITS, 1e-5, 1.0, 0.1),
    Stream(WatchedStream.BIAS, 1e-7, 0.25, 0.5),
    Stream(WatchedStream.ERROR, 1e-5, 0.07, 0.2, _square),
)
"""Tuned on synthetic streams and `val` traces; see docs/results/drift.md."""


class ModeDriftDetector:
    """Watches the scored one-step forecasts of all links of a mode and keeps its open alarm.

    Links come and go, and report in batches, some steady and others volatile. The mean of their
    hits changes with the mix of links even if no forecast becomes worse. So each outcome is taken
    relative to its own forecast's uncertainty, which makes the streams comparable across links as
    long as forecasts are calibrated. See `pba.monitoring.drift.detector.Detector`. The streams are

    - ``hits``: 1 or 0, minus the confidence;
    - ``bias``: ``log(forecast / actual)`` divided by the predicted interquartile range
      ``log(high / low)``, which is at least 0.02;
    - ``error``: the square root of the absolute value of ``bias``.

    Parameters
    ----------
    last
        The last reported alarm of this mode, open or ended; None if there was none.

    Examples
    --------
    >>> detector = ModeDriftDetector()
    >>> for number in range(400):  # a steady and a volatile link in turn
    ...     sure, missed = number % 2 == 0, number % 4 == 3 or number >= 200
    ...     low, high = (99.0, 101.0) if sure else (80.0, 120.0)
    ...     mbps = 75.0 if missed else 100.0
    ...     confidence = 1.0 if sure else 0.5
    ...     outcome = ModeOutcome(number, mbps, 100.0, low, high, confidence, not missed)
    ...     alarm = detector.update(outcome)
    >>> hits = detector.alarm.changes[0]
    >>> print(hits.what, round(hits.since_s, -1), hits.before, hits.after)
    hits 200.0 0.00 -0.74
    """

    def __init__(self, last: Alarm | None = None) -> None:
        self._detector = Detector(_STREAMS, last, QUIET_S)
        self._now_s = -math.inf

    @property
    def alarm(self) -> Alarm | None:
        """The open alarm; None while there is none."""
        return self._detector.alarm

    def update(self, outcome: ModeOutcome) -> Alarm | None:
        """Process the next outcome; return the alarm if it opened, changed or ended.

        A timestamp before that of an earlier outcome counts as equal to it.
        """
        self._now_s = max(self._now_s, outcome.timestamp_s)
        return self._detector.update(self._now_s, _values(outcome))


def _values(outcome: ModeOutcome) -> tuple[float, float, float]:
    """Return the values of the streams."""
    width = max(log_rate(outcome.high_mbps) - log_rate(outcome.low_mbps), _MIN_WIDTH)
    error = log_rate(outcome.forecast_mbps) - log_rate(outcome.actual_mbps)
    widths = clamp(error / width, 0.0, _MAX_WIDTHS)
    return float(outcome.hit) - outcome.confidence, widths, math.sqrt(abs(widths))
