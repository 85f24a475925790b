"""Accuracy is over all outcomes ever scored, latency over the newest forecasts."""

import pytest

from pba.store import Store
from tests.store.builders import sample_report, settle, stored_forecast, write, write_both_arms


def test_aggregates_outlive_their_rows_and_separate_too_high_from_too_low(store: Store):
    write(store, sample_report("a", 0, 60), sample_report("a", 60, 3, mbps=30.0))
    points = {59: 50.0, 60: 20.0, 61: 30.0}
    write(store, forecasts=[stored_forecast("a", after, mbps) for after, mbps in points.items()])
    settle(store)
    write(store, sample_report("a", 200_000, 1))
    store.tidy()
    assert store.history("a", 0, 9e9, 100)[1] == []
    overall = store.summary()["overall"]
    assert (overall["scored"], overall["accuracy_20"]) == (3, pytest.approx(1 / 3))
    assert (overall["missed_over"], overall["missed_under"]) == (pytest.approx(1 / 3),) * 2
    assert overall["mae_mbps"] == pytest.approx(10.0)
    assert overall["bias_mbps"] == pytest.approx(10 / 3)
    assert overall["coverage_90"] == 0.0


def test_forecasts_for_comparison_count_in_versions_alone(store: Store):
    write_both_arms(store, [100.0] * 20, [50.0] * 20)
    summary = store.summary()
    assert summary["overall"]["accuracy_20"] == 0.0
    assert summary["modes"]["internet"]["scored"] == 20
    versions = {row["version"]: (row["arm"], row["accuracy_20"]) for row in summary["versions"]}
    assert versions == {"v1-x": ("v1", 0.0), "internet-x": ("v3", 1.0)}


def test_latency_is_that_of_served_forecasts(store: Store):
    write(store, sample_report("a", 0, 60))
    forecasts = [stored_forecast("a", after, took_ms=float(after)) for after in range(10, 30)]
    slow = stored_forecast("a", 30, took_ms=999.0, served=False)
    write(store, forecasts=[*forecasts, slow])
    latency = store.summary()["overall"]["latency_ms"]
    assert latency == pytest.approx({"avg": 19.5, "p95": 28.05, "max": 29.0})


def test_an_empty_store_has_no_figures(store: Store):
    summary = store.summary()
    assert (summary["links"], summary["modes"], summary["versions"]) == (0, {}, [])
    assert summary["overall"]["accuracy_20"] is None
    assert summary["overall"]["latency_ms"] is None
