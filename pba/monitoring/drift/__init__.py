"""Has a link, or how well it or a whole mode is forecast, changed? ADWIN watches scored forecasts.

An alarm opens when the mean of a stream has changed, and ends when nothing more has for a while.
What to do about an alarm, and where it is stored, is the caller's.
"""

from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream
from pba.monitoring.drift.detector import SETTLED
from pba.monitoring.drift.link_streams import DriftDetector, LinkOutcome
from pba.monitoring.drift.mode_streams import ModeDriftDetector, ModeOutcome

__all__ = [
    "SETTLED",
    "Alarm",
    "Change",
    "DriftDetector",
    "ModeDriftDetector",
    "ModeOutcome",
    "LinkOutcome",
    "AlarmStage",
    "WatchedStream",
]
