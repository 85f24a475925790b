"""The sums of a batch are those of its outcomes one by one."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.batch_settlement import settle_batch
from pba.scoring.outcome_sums import outcome_sums
from pba.store.aggregate_tables import aggregate_deltas
from tests.scoring.link_batches import batch_of, random_link

MINUTE_US = 60_000_000
KEYS = ("minute_us", "mode", "source", "arm", "steps", "version", "served")
STEPS = (1, 5, 15, -5, -15, -60)


def settled_batch() -> tuple[OpenForecasts, OutcomeTable]:
    """Return forecasts of 30 random links, and their outcomes."""
    batch = batch_of([random_link(seed, True, False, 1.0) for seed in range(30)])
    return batch.forecasts, settle_batch(batch, now_us=0, wait_us=10**15).outcomes


def plain_sums(forecasts: OpenForecasts, outcomes: OutcomeTable) -> dict[tuple[Any, ...], Any]:
    """Return sums by key, in a loop over the outcomes."""
    sums: dict[tuple[Any, ...], Any] = defaultdict(lambda: np.zeros(39))
    for at, row in enumerate(outcomes.row):
        horizon, actual = outcomes.target[at], outcomes.actual_mbps[at]
        point, quantiles = forecasts.points_mbps[row, horizon], forecasts.quantiles_mbps[row]
        minute_us = forecasts.created_us[row] - forecasts.created_us[row] % MINUTE_US
        codes = (forecasts.mode[row], forecasts.source[row], forecasts.arm[row])
        key = (minute_us, *codes, STEPS[horizon], forecasts.version[row], forecasts.served[row])
        hit = abs(point - actual) <= 0.2 * actual if actual > 0 else point < 0.05
        sums[key][:9] += np.array(
            [
                1,
                hit,
                not hit and point > actual,
                not hit and point < actual,
                quantiles[horizon][2] <= actual <= quantiles[horizon][4],
                quantiles[horizon][0] <= actual <= quantiles[horizon][6],
                forecasts.confidence[row, horizon],
                point - actual,
                abs(point - actual),
            ],
            dtype=float,
        )
        confidence = forecasts.confidence[row, horizon]
        place = next(at for at in range(9, -1, -1) if confidence >= at / 10)
        sums[key][[9 + place, 29 + place]] += 1, confidence
        sums[key][19 + place] += hit
    return sums


def test_sums_are_those_of_a_plain_loop():
    forecasts, outcomes = settled_batch()
    rows = outcome_sums(forecasts, outcomes)
    plain = plain_sums(forecasts, outcomes)
    assert len(plain) > 100
    assert {tuple(row[name] for name in KEYS) for row in rows} == plain.keys()
    assert len(rows) == len(plain)
    assert max(row["newest_us"] for row in rows) == forecasts.created_us[outcomes.row].max()
    assert all(0 <= row["newest_us"] - row["minute_us"] < MINUTE_US for row in rows)
    for row in rows:
        key = tuple(row[name] for name in KEYS)
        values = [value for name, value in row.items() if name not in (*KEYS, "newest_us")]
        assert values == pytest.approx(plain[key].tolist())
    assert all(type(row["served"]) is bool and type(row["minute_us"]) is int for row in rows)


def test_rows_have_the_columns_of_their_table():
    columns = {column.name for column in aggregate_deltas.c} - {"id"}
    assert set(outcome_sums(*settled_batch())[0]) == columns


def test_no_outcomes_give_no_rows():
    forecasts, outcomes = settled_batch()
    none = np.array([], dtype=np.int64)
    empty = OutcomeTable(none, none, none, outcomes.actual_mbps[:0], outcomes.hit[:0])
    assert outcome_sums(forecasts, empty) == []
