"""Accuracy is over all outcomes ever scored, latency over the newest forecasts."""

import numpy as np
import pytest

from pba.scoring.latency_sums import latency_bin
from pba.store import Store
from pba.store.link_counts import link_counts
from pba.store.report_tables import latency_deltas, minute_latencies
from tests.store.builders import (
    NOW_S,
    sample_report,
    settle,
    stored_forecast,
    with_intervals,
    write,
    write_both_arms,
)
from tests.store.deltas import MINUTE_US, append, append_all


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


def test_intervals_have_their_own_accuracy_and_do_not_count_as_forecasts(store: Store):
    write(store, sample_report("a", 0, 60), forecasts=[with_intervals(stored_forecast("a", 59))])
    write(store, sample_report("a", 60, 4), sample_report("a", 64, 11, mbps=20.0))
    settle(store)
    summary = store.summary()
    for part in (summary["overall"], summary["modes"]["internet"]):
        assert (part["scored"], part["accuracy_20"]) == (1, 1.0)
        of_intervals = {
            steps: (own["scored"], own["accuracy_20"], own["missed_over"])
            for steps, own in part["intervals"].items()
        }
        assert of_intervals == {"5": (1, 1.0, 0.0), "15": (1, 0.0, 1.0)}
    assert [row["scored"] for row in summary["versions"]] == [1]


def test_forecasts_for_comparison_count_in_versions_alone(store: Store):
    write_both_arms(store, [100.0] * 20, [50.0] * 20)
    summary = store.summary()
    assert summary["overall"]["accuracy_20"] == 0.0
    assert summary["modes"]["internet"]["scored"] == 20
    versions = {row["version"]: (row["arm"], row["accuracy_20"]) for row in summary["versions"]}
    assert versions == {"v1-x": ("v1", 0.0), "internet-x": ("v3", 1.0)}


def test_latency_is_that_of_served_forecasts_whose_first_step_is_scored(store: Store):
    write(store, sample_report("a", 0, 40))
    forecasts = [stored_forecast("a", after, took_ms=float(after)) for after in range(10, 30)]
    slow = stored_forecast("a", 30, took_ms=999.0, served=False)
    unscored = stored_forecast("a", 39, took_ms=999.0)
    write(store, forecasts=[*forecasts, slow, unscored])
    settle(store)
    latency = store.summary()["overall"]["latency_ms"]
    assert (latency["avg"], latency["max"]) == (pytest.approx(19.5), 29.0)
    assert latency["p95"] == pytest.approx(28.05, rel=0.05)


def test_latency_is_that_of_the_newest_minutes_with_enough_forecasts(store: Store):
    def of_minute(minute: int, took_ms: float) -> dict[str, float]:
        place = int(latency_bin(np.array(took_ms)))
        sums = {"forecasts": 6000.0, "took_ms": 6000.0 * took_ms, "most_ms": took_ms}
        return {"minute_us": minute * MINUTE_US, "mode": 1, "bin": place} | sums

    append(store, minute_latencies, [of_minute(minute, 100.0) for minute in range(5)])
    append(store, minute_latencies, [of_minute(5, 10.0)])
    append(store, latency_deltas, [of_minute(6, 20.0)])
    latency = store.summary()["overall"]["latency_ms"]
    assert (latency["avg"], latency["max"]) == (15.0, 20.0)


def test_a_report_is_the_same_before_and_after_deltas_are_added_to_the_sums(store: Store):
    append_all(store, 300)
    before = store.summary(), store.compare(0.0)
    assert before[0]["overall"]["scored"] > 0
    assert before[1]["overall"]["pairs"] > 0
    store.jobs.fold(100)
    assert (store.summary(), store.compare(0.0)) == before, "some are added"
    while store.jobs.fold(1000):
        pass
    assert (store.summary(), store.compare(0.0)) == before


def test_scoring_says_how_many_links_are_due_and_since_when(url: str):
    times_s = iter([NOW_S, NOW_S + 7.5, *[NOW_S + 9.0] * 9])
    store = Store(url, lambda: next(times_s)).ready()
    for name in ("a", "b"):
        write(store, sample_report(name, 0, 5), forecasts=[stored_forecast(name, 3)])
    assert store.summary()["scoring"] == {"due": 2, "oldest_due_s": 9.0}
    settle(store)
    assert store.summary()["scoring"] == {"due": 0, "oldest_due_s": None}
    store.close()


def test_over_many_links_the_count_is_the_last_one(store: Store):
    write(store, *(sample_report(f"l{number}", 0, 1) for number in range(5)))

    def counts() -> tuple[int, int]:
        return store._database.read(link_counts, 3)

    assert counts() == (5, 0), "nobody has counted yet"
    store.jobs.count_links()
    write(store, sample_report("l9", 0, 1))
    assert counts() == (5, 0)
    assert store.summary()["links"] == 6, "few are counted each time"
    store.jobs.count_links()
    assert counts() == (6, 0)


def test_an_empty_store_has_no_figures(store: Store):
    summary = store.summary()
    assert (summary["links"], summary["modes"], summary["versions"]) == (0, {}, [])
    assert summary["scoring"] == {"due": 0, "oldest_due_s": None}
    assert summary["overall"]["accuracy_20"] is None
    assert summary["overall"]["latency_ms"] is None
