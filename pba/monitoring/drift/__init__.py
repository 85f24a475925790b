"""Drift detection: ADWIN on scored forecasts notices changes of a link, or of their accuracy.

An alarm opens when the mean of a stream has changed, and ends when no stream has changed for a
while. Pure state machines: outcomes in, alarms out. Storing alarms and acting on them is the
caller's task.
"""

from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream
from pba.monitoring.drift.detector import SETTLED
from pba.monitoring.drift.link_streams import DriftDetector, LinkOutcome
from pba.monitoring.drift.mode_streams import ModeDriftDetector, ModeOutcome

__all__ = [
    "SETTLED",
    "Alarm",
    "AlarmStage",
    "Change",
    "DriftDetector",
    "LinkOutcome",
    "ModeDriftDetector",
    "ModeOutcome",
    "WatchedStream",
]
