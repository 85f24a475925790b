"""The numbers that stand for modes, sources and arms where many forecasts are scored or stored.

They are stored: append to these, and never change the order.
"""

from pba.rollout import Arm
from pba.types import HORIZONS, INTERVALS, NetworkMode

__all__ = ["ARMS", "MODES", "SOURCES", "TARGET_STEPS"]

MODES = (NetworkMode.DATACENTER, NetworkMode.INTERNET, NetworkMode.HYBRID)
"""The mode of each code."""

SOURCES = ("model", "ensemble", "expert", "heuristic")
"""The source of each code."""

ARMS = (Arm.V1, Arm.V3)
"""The arm of each code."""

TARGET_STEPS = (*HORIZONS, *(-steps for steps in INTERVALS))
"""The ``steps`` of each target of a forecast: -n is that of the mean over the next n steps."""
