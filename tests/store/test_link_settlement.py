"""Forecasts are scored once at every horizon, and the link's record follows."""

import pytest

from pba.store import Store
from tests.store.builders import sample_report, stored_forecast, write


def test_forecasts_are_scored_once_at_every_horizon(store: Store):
    write(store, sample_report("a", 0, 60))
    forecasts = [stored_forecast("a", 59), stored_forecast("a", 59, version="v2")]
    write(store, forecasts=forecasts)
    assert store.settle(["a"]) == {"a": ()}
    write(store, sample_report("a", 60, 1, mbps=45.0))
    first, second = store.settle(["a"])["a"]
    assert (first.steps, first.actual_mbps, first.hit) == (1, 45.0, True)
    assert {first.forecast.version, second.forecast.version} == {"v1", "v2"}
    assert store.settle(["a"]) == {"a": ()}
    write(store, sample_report("a", 61, 14, mbps=20.0))
    assert store.open_links() == ["a"]
    later = store.settle(["a"])["a"]
    results = sorted((outcome.steps, outcome.hit) for outcome in later)
    assert results == [(5, False)] * 2 + [(15, False)] * 2
    assert store.open_links() == []
    record = store.link("a").record
    assert (record.scored, record.hits) == (2, 2)
    assert record.reliability[0].expected == pytest.approx(0.9 + 0.9 * 0.998)


def test_horizons_behind_a_gap_are_not_scored(store: Store):
    reports = sample_report("a", 0, 62), sample_report("a", 500, 20)
    write(store, *reports, forecasts=[stored_forecast("a", 59)])
    (outcome,) = store.settle(["a"])["a"]
    assert outcome.steps == 1
    assert store.open_links() == []


def test_forecasts_for_comparison_update_their_arm_and_no_served_result(store: Store):
    write(store, sample_report("a", 0, 60))
    v3 = {"version": "internet-x", "served": False}
    write(store, forecasts=[stored_forecast("a", 59, 50.0, **v3)])
    write(store, sample_report("a", 60, 1))
    assert len(store.settle(["a"])["a"]) == 1
    record = store.link("a").record
    assert (record.scored, record.hits) == (1, 1)
    assert store.recent_outcomes("a", 100) == []
    assert store.summary()["overall"]["scored"] == 0


def test_an_unknown_link_has_nothing_to_score(store: Store):
    assert store.settle(["unknown"]) == {"unknown": ()}
