"""Scoring: stored forecasts are compared with the samples measured afterwards.

Pure functions and values: rows in, outcomes out. Reading and writing them is `pba.store`'s, and
when to score is decided by `pba.monitoring`.
"""

from pba.scoring.outcome import OpenForecast, Outcome
from pba.scoring.settlement import Settlement, settle

__all__ = ["OpenForecast", "Outcome", "Settlement", "settle"]
