"""Many links at once are settled exactly as each alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.forecasting.fixed_share import EXPERTS
from pba.scoring import Outcome, settle
from pba.scoring.batch_settlement import settle_batch
from pba.telemetry.windows import GAP_INTERVALS
from tests.scoring.random_links import Link, batch_of, open_forecasts, random_link

LONG_US = 10**15

links = st.builds(
    random_link,
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.1, 1.0, 15.0]),
)


def assert_settled_as_alone(several: list[Link], gap_intervals: float = GAP_INTERVALS) -> int:
    """Settle all links together and one by one, compare, and return the number of outcomes."""
    batch = batch_of(several)
    together = settle_batch(batch, now_us=0, wait_us=LONG_US, gap_intervals=gap_intervals)
    outcomes: list[Outcome] = []
    closed: set[int] = set()
    for row, link in enumerate(several):
        first = int(np.searchsorted(batch.forecasts.link, batch.links[row]))
        forecasts = open_forecasts(link, first)
        at_us, rates = np.array(link.at_us, dtype=np.int64), np.array(link.bandwidth_mbps)
        alone = settle(forecasts, at_us, rates, link.record, gap_intervals)
        outcomes += alone.outcomes
        closed.update(alone.closed)
        record = together.records.record(row)
        for name in EXPERTS:
            assert record.weights[name] == pytest.approx(alone.record.weights[name], rel=1e-12)
        assert replace(record, weights={}) == replace(alone.record, weights={})
    table = together.outcomes
    rows = zip(table.row, table.horizon, table.at_us, table.actual_mbps, table.hit, strict=True)
    assert [tuple(value.item() for value in row) for row in rows] == [
        (one.forecast.id, one.horizon, one.at_us, one.actual_mbps, one.hit) for one in outcomes
    ]
    assert set(np.flatnonzero(together.closed).tolist()) == closed
    return len(outcomes)


@settings(max_examples=60, deadline=None)
@given(st.lists(links, max_size=4), st.sampled_from([2.0, 10.0]))
def test_links_are_settled_together_as_each_alone(several: list[Link], gap_intervals: float):
    assert_settled_as_alone(several, gap_intervals)


def test_a_hundred_links_are_settled_together_as_each_alone():
    several = [random_link(seed, seed % 5 == 0, seed % 3 == 0, 1.0) for seed in range(100)]
    assert assert_settled_as_alone(several) > 1000


def test_a_forecast_closes_when_it_has_waited_long_enough_by_the_clock_of_the_service():
    """Horizon and gap are 25 s here, and it waits at least twice that."""
    batch = batch_of([one_forecast(created_us=7_000_000)])

    def closed(after_s: int, wait_s: int) -> list[bool]:
        now_us = 7_000_000 + after_s * 1_000_000
        return settle_batch(batch, now_us, wait_s * 1_000_000).closed.tolist()

    assert [closed(second, 100) for second in (0, 99, 100)] == [[False], [False], [True]]
    assert [closed(second, 10) for second in (10, 49, 50)] == [[False], [False], [True]]


def one_forecast(created_us: int) -> Link:
    """Return a link of one sample a second, one of which follows its only forecast."""
    link = random_link(1, varies=False, merges=False, step_s=1.0)
    at_us = [10**15, 10**15 + 1_000_000]
    changes = {
        "after_us": at_us[0],
        "created_us": created_us,
        "step_s": 1.0,
        "actual_mbps": [np.nan] * 3,
    }
    return replace(
        link, at_us=at_us, bandwidth_mbps=[100.0, 100.0], forecasts=[link.forecasts[0] | changes]
    )


def test_a_batch_without_outcomes_leaves_records_as_they_are():
    link = one_forecast(created_us=0)
    batch = batch_of([replace(link, at_us=link.at_us[:1], bandwidth_mbps=[100.0])])
    settlement = settle_batch(batch, now_us=0, wait_us=LONG_US)
    assert len(settlement.outcomes) == 0
    assert settlement.closed.tolist() == [False]
    assert settlement.records.to_bytes() == batch.records.to_bytes()
