"""The numbers that stand for modes, sources and arms where many forecasts are scored or stored.

They are stored: append to these, and never change the order.
"""

from pba.rollout import Arm
from pba.types import NetworkMode

__all__ = ["ARMS", "MODES", "SOURCES"]

MODES = (NetworkMode.DATACENTER, NetworkMode.INTERNET, NetworkMode.HYBRID)
"""The mode of each code."""

SOURCES = ("model", "ensemble", "expert", "heuristic")
"""The source of each code."""

ARMS = (Arm.V1, Arm.V3)
"""The arm of each code."""
