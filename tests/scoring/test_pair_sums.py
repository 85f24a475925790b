"""Pairs of forecasts are summed up once, in the period to which they belong."""

import numpy as np
import pytest

from pba.scoring.latency_sums import MINUTE_US
from pba.scoring.pair_sums import pair_sums
from tests.scoring.batches import CREATED_US, forecast_table, outcome_table

MINUTE = CREATED_US // MINUTE_US * MINUTE_US


def test_sums_are_those_of_a_plain_loop():
    rng = np.random.default_rng(4)
    points = rng.uniform(60.0, 140.0, (60, 3))
    forecasts = forecast_table(
        60,
        after_us=np.repeat(np.arange(30), 2),
        arm=np.tile([0, 1], 30),
        points_mbps=points,
        created_us=MINUTE + np.repeat(np.arange(30), 2),
        took_ms=rng.uniform(1.0, 9.0, 60),
    )
    scored = [row for row in range(60) if row not in (7, 12)]
    (sums,) = pair_sums(forecasts, outcome_table(scored, actual_mbps=100.0), 0)
    pairs = [(at, at + 1) for at in range(0, 60, 2) if not {at, at + 1} & {7, 12}]
    hits = [[abs(points[row, 0] - 100.0) <= 20.0 for row in pair] for pair in pairs]
    assert (sums["from_us"], sums["mode"], sums["pairs"]) == (MINUTE, 1, 28)
    assert sums["v3_only"] == sum(v3 and not v1 for v1, v3 in hits)
    assert sums["v1_only"] == sum(v1 and not v3 for v1, v3 in hits)
    for place, arm in enumerate(("v1", "v3")):
        rows = [pair[place] for pair in pairs]
        errors = points[rows, 0] - 100.0
        assert sums[f"{arm}_hits"] == sum(pair[place] for pair in hits)
        assert sums[f"{arm}_error_mbps"] == pytest.approx(errors.sum())
        assert sums[f"{arm}_absolute_error_mbps"] == pytest.approx(np.abs(errors).sum())
        assert sums[f"{arm}_took_ms"] == pytest.approx(forecasts.took_ms[rows].sum())


def test_a_pair_counts_when_its_second_outcome_is_new_and_not_again():
    known = np.full((2, 3), np.nan)
    known[0, 0] = 100.0
    forecasts = forecast_table(2, after_us=[5, 5], arm=[0, 1], actual_mbps=known)
    (sums,) = pair_sums(forecasts, outcome_table([1]), 0)
    assert sums["pairs"] == 1
    known = np.full((2, 3), 100.0)
    both = forecast_table(2, after_us=[5, 5], arm=[0, 1], actual_mbps=known)
    assert pair_sums(both, outcome_table([0, 1], target=1), 0) == []


def test_pairs_from_before_and_after_a_change_of_the_flags_are_apart():
    seconds = np.repeat([10, 20, 30, 90], 2) * 1_000_000
    forecasts = forecast_table(
        8, after_us=seconds, arm=np.tile([0, 1], 4), created_us=MINUTE + seconds
    )
    changed_us = MINUTE + 20_000_000
    rows = pair_sums(forecasts, outcome_table(range(8)), changed_us)
    assert [(row["from_us"], row["pairs"]) for row in rows] == [
        (MINUTE, 1),
        (changed_us, 2),
        (MINUTE + MINUTE_US, 1),
    ]
