"""Open forecasts of 100 Mbps on a link with one sample a second."""

from typing import Any

from pba.scoring import OpenForecast

SECOND_US = 1_000_000
PREDICTION: dict[str, Any] = {
    "points_mbps": [100.0, 100.0, 100.0],
    "confidence": [0.8, 0.7, 0.6],
    "unadapted": [0.9, 0.9, 0.9],
    "quantiles_mbps": [[70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0]] * 3,
    "members": {"model": [100.0] * 3, "last_value": [50.0] * 3},
}


def open_forecast(
    number: int = 1, after: int = 0, settled: frozenset[int] = frozenset()
) -> OpenForecast:
    """Return a forecast based on samples up to second ``after``."""
    after_us = after * SECOND_US
    return OpenForecast(
        number, after_us, 1.0, "internet", "model", "v1", 0, PREDICTION, settled=settled
    )
