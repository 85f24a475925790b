"""Forecasts are scored once at every horizon, and the link's record follows."""

import pytest

from pba.store import Store
from tests.store.builders import sample_report, settle, stored_forecast, write


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
