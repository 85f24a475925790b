"""Forecasts are scored once at every horizon and interval, and the link's record follows."""

import pytest

from pba.store import Store
from tests.store.builders import (
    START_S,
    sample_report,
    settle,
    stored_forecast,
    with_intervals,
    write,
)


def test_forecasts_are_scored_once_at_every_horizon(store: Store):
    write(store, sample_report("a", 0, 60))
    forecasts = [stored_forecast("a", 59), stored_forecast("a", 59, version="v2")]
    write(store, forecasts=forecasts)
    assert settle(store) == []
    write(store, sample_report("a", 60, 1, mbps=45.0))
    first, second = settle(store)
    assert (first.steps, first.actual_mbps, first.hit) == (1, 45.0, True)
    assert first.version != second.version
    assert settle(store) == []
    write(store, sample_report("a", 61, 14, mbps=20.0))
    later = settle(store)
    results = sorted((outcome.steps, outcome.hit) for outcome in later)
    assert results == [(5, False)] * 2 + [(15, False)] * 2
    write(store, sample_report("a", 75, 1))
    assert settle(store) == [], "they are closed"
    record = store.link("a").record
    assert (record.scored, record.hits) == (2, 2)
    assert record.reliability[0].expected == pytest.approx(0.9 + 0.9 * 0.998, abs=1e-4)


def test_intervals_are_scored_once_when_samples_reach_their_ends(store: Store):
    write(store, sample_report("a", 0, 60), forecasts=[with_intervals(stored_forecast("a", 59))])
    outcomes = []
    for second in range(60, 125):  # a new level of half the rate after 20 steps
        write(store, sample_report("a", second, 1, mbps=50.0 if second < 80 else 20.0))
        outcomes += settle(store)
    ends = [(one.steps, one.at_us / 1e6 - START_S - 59) for one in outcomes]
    assert ends == [(1, 1), (5, 5), (-5, 5), (15, 15), (-15, 15), (-60, 60)]
    means = {one.steps: one.actual_mbps for one in outcomes if one.steps < 0}
    assert means == pytest.approx({-5: 50.0, -15: 50.0, -60: (20 * 50.0 + 40 * 20.0) / 60})
    assert [one.hit for one in outcomes if one.steps < 0] == [True, True, False]
    record = store.link("a").record
    assert [one.outcomes for one in record.reliability] == [1.0] * 6
    assert record.reliability[5].expected == pytest.approx(0.75, abs=1e-4)
    (past,) = store.history("a", 0, 9e9, 100)[1]
    assert past["actual_mean_mbps"] == pytest.approx({5: 50.0, 15: 50.0, 60: 30.0})
    assert len(past["said"]["points_mbps"]) == 6
    assert past["said"]["members"] == {}, "it is closed"


def test_a_forecast_of_two_intervals_closes_with_its_last_horizon(store: Store):
    forecasts = [with_intervals(stored_forecast("a", 59), targets=5)]
    write(store, sample_report("a", 0, 60), forecasts=forecasts)
    write(store, sample_report("a", 60, 15))
    assert sorted(one.steps for one in settle(store)) == [-15, -5, 1, 5, 15]
    (past,) = store.history("a", 0, 9e9, 100)[1]
    assert past["said"]["members"] == {}


def test_between_its_last_horizon_and_the_end_of_its_last_interval_a_forecast_is_not_read(
    store: Store,
):
    forecasts = [with_intervals(stored_forecast("a", after)) for after in (58, 59)]
    write(store, sample_report("a", 0, 60), forecasts=forecasts)
    write(store, sample_report("a", 60, 20))
    settle(store)
    write(store, sample_report("a", 80, 38))  # up to second 117
    assert _forecasts_read(store) == 0
    write(store, sample_report("a", 118, 1))
    assert _forecasts_read(store) == 1
    assert [(one.steps, one.at_us / 1e6 - START_S) for one in settle(store)] == [(-60, 118)]


def test_an_interval_with_a_gap_is_closed_unscored(store: Store):
    write(store, sample_report("a", 0, 60), forecasts=[with_intervals(stored_forecast("a", 59))])
    write(store, sample_report("a", 60, 20), sample_report("a", 200, 5))
    assert sorted(one.steps for one in settle(store)) == [-15, -5, 1, 5, 15]
    (past,) = store.history("a", 0, 9e9, 100)[1]
    assert past["actual_mean_mbps"].keys() == {5, 15}
    assert past["said"]["members"] == {}, "it is closed"


def _forecasts_read(store: Store) -> int:
    claim = store.scoring.claim(100, 1.0)
    count = len(store.scoring.read(claim).forecasts.link)
    store.scoring.release(claim)
    return count
