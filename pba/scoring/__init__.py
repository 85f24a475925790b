"""Stored forecasts against what was measured afterwards. Pure: rows in, outcomes out."""

from pba.scoring.settlement import OpenForecast, Outcome, Settlement, settle

__all__ = ["Outcome", "OpenForecast", "Settlement", "settle"]
