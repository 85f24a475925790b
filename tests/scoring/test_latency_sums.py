"""Latencies are counted in bins that add up."""

import numpy as np
import pytest

from pba.scoring.latency_sums import MINUTE_US, latency_percentile, latency_sums
from tests.scoring.batches import CREATED_US, forecast_table, outcome_table


def test_a_percentile_from_sums_is_that_of_the_forecasts_to_a_bin():
    took_ms = np.random.default_rng(3).lognormal(1.0, 1.0, 4000)
    forecasts = forecast_table(4000, took_ms=took_ms)
    rows = latency_sums(forecasts, outcome_table(range(4000)))
    assert sum(row["forecasts"] for row in rows) == 4000
    assert sum(row["took_ms"] for row in rows) == pytest.approx(took_ms.sum())
    assert max(row["most_ms"] for row in rows) == took_ms.max()
    for percent in (50, 95, 99):
        expected = np.percentile(took_ms, percent)
        assert latency_percentile(rows, percent) == pytest.approx(expected, rel=0.05)


def test_each_served_forecast_counts_once_in_its_minute():
    forecasts = forecast_table(
        3,
        created_us=[CREATED_US // MINUTE_US * MINUTE_US + at for at in (0, 59_999_999, MINUTE_US)],
        served=[True, False, True],
    )
    first = latency_sums(forecasts, outcome_table(range(3)))
    minute_us = CREATED_US // MINUTE_US * MINUTE_US
    assert [(row["minute_us"], row["forecasts"]) for row in first] == [
        (minute_us, 1),
        (minute_us + MINUTE_US, 1),
    ]
    assert latency_sums(forecasts, outcome_table(range(3), target=2)) == []
