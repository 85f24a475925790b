"""Open forecasts and outcomes as arrays."""

from typing import Any

import numpy as np

from pba.forecasting.fixed_share import EXPERTS
from pba.scoring.batch import OpenForecasts, OutcomeTable

CREATED_US = 1_900_000_000_000_000


def forecast_table(count: int, **columns: Any) -> OpenForecasts:
    """Return served forecasts of 100 Mbps by v3's internet model, one a second, of one link."""
    seconds = np.arange(count)
    quantiles = np.broadcast_to([70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0], (count, 6, 7))
    table: dict[str, Any] = {
        "link": np.ones(count, dtype=np.int64),
        "after_us": seconds * 1_000_000,
        "arm": np.ones(count, dtype=np.int64),
        "version": np.ones(count, dtype=np.int64),
        "created_us": CREATED_US + seconds * 1_000_000,
        "mode": np.ones(count, dtype=np.int64),
        "source": np.zeros(count, dtype=np.int64),
        "served": np.ones(count, dtype=bool),
        "step_s": np.ones(count),
        "took_ms": np.full(count, 2.0),
        "actual_mbps": np.full((count, 6), np.nan),
        "points_mbps": np.full((count, 6), 100.0),
        "confidence": np.full((count, 6), 0.8),
        "unadapted": np.full((count, 6), 0.9),
        "quantiles_mbps": quantiles,
        "members_mbps": np.full((count, len(EXPERTS), 3), 100.0),
    }
    table |= {name: np.asarray(values) for name, values in columns.items()}
    return OpenForecasts(**table)


def outcome_table(rows: Any, target: int = 0, actual_mbps: float = 95.0) -> OutcomeTable:
    """Return hits of the forecasts ``rows`` at one target."""
    count = len(rows)
    return OutcomeTable(
        row=np.asarray(rows, dtype=np.int64),
        target=np.full(count, target, dtype=np.int64),
        at_us=np.arange(count) * 1_000_000,
        actual_mbps=np.full(count, actual_mbps),
        hit=np.ones(count, dtype=bool),
    )
