"""Links whose next sample is forecast to be as the last one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pba.store import SampleReport, Store, StoredForecast, WriteBatch
from tests.store.builders import Settled, settle

START_S = 1e9
CREATED_S = 1.9e9


def last_value_forecast(
    link_id: str, second: float, mbps: float, created_s: float = CREATED_S
) -> StoredForecast:
    """Return a forecast of ``mbps``, nearly certain, with an interquartile range of 6 %."""
    prediction = {
        "points_mbps": [mbps] * 3,
        "confidence": [0.99] * 3,
        "unadapted": [0.99] * 3,
        "quantiles_mbps": [[mbps * (1 + 0.03 * rank) for rank in range(-3, 4)]] * 3,
        "members": {"model": [mbps] * 3},
    }
    return StoredForecast(
        link_id, START_S + second, created_s, "internet", "model", "v1", 1.0, 2.0, prediction
    )


def write_series(
    store: Store, link_ids: Sequence[str], mbps: np.ndarray, first: int = 0, served: bool = True
) -> None:
    """Write samples ``(second, link)`` from second ``first`` on, and a forecast after each.

    Forecasts are computed a minute apart by the service's clock.
    """
    seconds = first + np.arange(len(mbps), dtype=float)
    reports = []
    for column, link_id in enumerate(link_ids):
        telemetry = np.full((len(mbps), 5), np.nan)
        telemetry[:, 0] = mbps[:, column]
        reports.append(SampleReport(link_id, START_S + seconds, telemetry))
    forecasts = [
        replace(
            last_value_forecast(link_id, second, rate, CREATED_S + 60.0 * second), served=served
        )
        for second, rates in zip(seconds.tolist(), mbps.tolist(), strict=True)
        for link_id, rate in zip(link_ids, rates, strict=True)
    ]
    store.write(WriteBatch(reports, forecasts))


def score_series(
    store: Store, link_ids: Sequence[str], mbps: np.ndarray, first: int = 0
) -> list[Settled]:
    """Write a series as `write_series` and score it; return the new outcomes."""
    write_series(store, link_ids, mbps, first)
    return settle(store)
