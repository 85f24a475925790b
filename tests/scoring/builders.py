"""Open forecasts of 100 Mbps on a link with one sample a second."""

from collections.abc import Collection
from typing import Any

import numpy as np

from pba.scoring.codes import TARGET_STEPS
from pba.scoring.forecast_body import pack

SECOND_US = 1_000_000
PREDICTION: dict[str, Any] = {
    "points_mbps": [100.0, 100.0, 100.0],
    "confidence": [0.8, 0.7, 0.6],
    "unadapted": [0.9, 0.9, 0.9],
    "quantiles_mbps": [[70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0]] * 3,
    "members": {"model": [100.0] * 3, "last_value": [50.0] * 3},
}
WITH_INTERVALS: dict[str, Any] = PREDICTION | {
    "points_mbps": [100.0] * 6,
    "confidence": [0.8, 0.7, 0.6, 0.85, 0.8, 0.75],
    "unadapted": [0.9] * 6,
    "quantiles_mbps": PREDICTION["quantiles_mbps"] * 2,
}


def forecast_row(after: int = 0, scored: Collection[int] = (), **changes: Any) -> dict[str, Any]:
    """Return v3's forecast based on samples up to second ``after``, some steps of it scored."""
    row = {
        "after_us": after * SECOND_US,
        "arm": 1,
        "version": 1,
        "created_us": 0,
        "mode": 1,
        "source": 0,
        "served": True,
        "step_s": 1.0,
        "took_ms": 2.0,
        "actual_mbps": [100.0 if steps in scored else np.nan for steps in TARGET_STEPS],
        "body": pack(PREDICTION),
    }
    return row | changes
