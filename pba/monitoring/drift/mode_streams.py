"""The streams of a mode: all its links' scored forecasts, beside what was said of each."""

import math
from dataclasses import dataclass

from pba.monitoring.drift.alarms import Alarm, WatchedStream
from pba.monitoring.drift.detector import Detector, Stream
from pba.monitoring.drift.link_streams import log_rate, near

__all__ = ["QUIET_S", "ModeDriftDetector", "ModeOutcome"]

QUIET_S = 600.0
"""A mode's alarm stays open for this long at least: many links settle a stream in a moment."""

_LEAST_WIDTH, _FARTHEST = 0.02, 4.0


@dataclass(frozen=True, slots=True)
class ModeOutcome:
    """One forecast of any link, one step ahead, what it said of itself, and what came.

    Parameters
    ----------
    timestamp_s
        When it was made, Unix seconds: links' own clocks need not agree.
    actual_mbps, forecast_mbps
        At least 0.
    low_mbps, high_mbps
        The quartiles that it gave.
    confidence
        The probability of a hit that it gave.
    hit
        What `pba.evaluation.metrics.in_band` said.
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
"""Found by experiment on synthetic streams and `val` traces; see docs/drift.md."""


class ModeDriftDetector:
    """Watches the scored one-step forecasts of all links of a mode and keeps its open alarm.

    Links come, go, and report in batches, one steady and the next one wild. A stream of their hits
    changes its mean with every such turn though no forecast has become worse. So each outcome is
    held against what its own forecast said, which makes the mean of a stream the same whoever it is
    of, as long as forecasts are as good as they say. As `pba.monitoring.drift.detector.Detector`, with

    - ``hits``: 1 or 0, less the confidence;
    - ``bias``: ``e = log(forecast / actual)``, in widths of the middle half that was forecast,
      ``log(high / low)``, which count as at least 0.02;
    - ``error``: the square root of the size of that.

    Parameters
    ----------
    last
        The alarm of this mode that was told last, open or ended; None if there was none.

    Examples
    --------
    >>> detector = ModeDriftDetector()
    >>> for number in range(400):  # in turn of a link that is always hit, and of one that is half
    ...     sure, missed = number % 2 == 0, number % 4 == 3 or number >= 200
    ...     low, high = (99.0, 101.0) if sure else (80.0, 120.0)
    ...     mbps = 75.0 if missed else 100.0
    ...     said = Said(number, mbps, 100.0, low, high, 1.0 if sure else 0.5, not missed)
    ...     told = detector.update(said)
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

    def update(self, said: ModeOutcome) -> Alarm | None:
        """Take in the next outcome; return the alarm if it opened, changed or ended by it.

        What was made before one that is scored already counts as made with it.
        """
        self._now_s = max(self._now_s, said.timestamp_s)
        return self._detector.update(self._now_s, _values(said))


def _values(said: ModeOutcome) -> tuple[float, float, float]:
    width = max(log_rate(said.high_mbps) - log_rate(said.low_mbps), _LEAST_WIDTH)
    error = log_rate(said.forecast_mbps) - log_rate(said.actual_mbps)
    widths = near(error / width, 0.0, _FARTHEST)
    return float(said.hit) - said.confidence, widths, math.sqrt(abs(widths))
