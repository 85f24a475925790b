"""Drift detection: changes of links, or of how accurately they and a mode are forecast.

An alarm opens when the mean of a stream has changed, and ends when no stream has changed for a
while. Outcomes in, alarms out; the state between is bytes. Storing alarms and states and acting on
them is the caller's task.
"""

from pba.monitoring.drift.alarms import Alarm, AlarmStage, Change, WatchedStream
from pba.monitoring.drift.link_drift import SETTLED, LinkDriftTable
from pba.monitoring.drift.mode_drift import ModeDrift

__all__ = [
    "SETTLED",
    "Alarm",
    "AlarmStage",
    "Change",
    "LinkDriftTable",
    "ModeDrift",
    "WatchedStream",
]
