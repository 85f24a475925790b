"""Predictive Bandwidth Allocation: how much bandwidth a link will have, and how sure that is."""

from pba.client import AsyncPBAClient, PBAClient
from pba.predictor import BandwidthPredictorV3, PredictionConfig
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import Forecast, NetworkMetrics, NetworkMode

__all__ = [
    "AsyncPBAClient",
    "BandwidthPredictorV3",
    "Forecast",
    "NetworkMetrics",
    "NetworkMode",
    "PBAClient",
    "PredictionConfig",
    "generate_synthetic_data",
]
