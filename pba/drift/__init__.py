"""Has a link, or how well it or a whole mode is forecast, changed? ADWIN watches scored forecasts.

An alarm opens when the mean of a stream has changed, and ends when nothing more has for a while.
What to do about an alarm, and where it is stored, is the caller's.
"""

from pba.drift.alarms import Alarm, Change, Stage, Watched
from pba.drift.detector import SETTLED
from pba.drift.link import DriftDetector, Scored
from pba.drift.mode import ModeDriftDetector, Said

__all__ = [
    "SETTLED",
    "Alarm",
    "Change",
    "DriftDetector",
    "ModeDriftDetector",
    "Said",
    "Scored",
    "Stage",
    "Watched",
]
