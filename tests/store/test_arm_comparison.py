"""The arms are compared on forecasts of one link after one sample."""

import numpy as np
import pytest

from pba.security import Author
from pba.store import Store
from pba.store.report_tables import pair_deltas
from tests.store.builders import NOW_S, START_S, write_both_arms
from tests.store.deltas import MINUTE_US, append, random_pair_deltas


def test_arms_are_compared_after_the_same_samples(store: Store):
    rng = np.random.default_rng(5)
    v1, v3 = rng.uniform(30, 80, 40).tolist(), rng.uniform(35, 65, 30).tolist()
    write_both_arms(store, v1, v3)
    report = store.compare(0.0)["modes"]["internet"]
    pairs = list(zip(v1, v3, strict=False))  # the last ten samples have no v3 forecast
    hits = [(abs(a - 50) <= 10, abs(b - 50) <= 10) for a, b in pairs]
    assert report["pairs"] == 30
    assert report["v3_only"] == sum(b and not a for a, b in hits)
    assert report["v1_only"] == sum(a and not b for a, b in hits)
    for index, (arm, took_ms) in enumerate((("v1", 2.0), ("v3", 6.0))):
        errors = np.array([pair[index] - 50 for pair in pairs])
        accuracy = np.mean([hit[index] for hit in hits])
        assert report[arm]["accuracy_20"] == pytest.approx(accuracy)
        assert report[arm]["mae_mbps"] == pytest.approx(np.abs(errors).mean())
        assert report[arm]["bias_mbps"] == pytest.approx(errors.mean())
        assert report[arm]["latency_ms"] == pytest.approx(took_ms)
    assert store.compare(0.0)["versions"] == {"v1": ["v1-x"], "v3": ["internet-x"]}


def test_forecasts_from_before_the_period_do_not_count(store: Store):
    write_both_arms(store, [50.0] * 5, [50.0] * 5)
    assert store.compare(NOW_S)["overall"]["pairs"] == 5
    later = store.compare(NOW_S + 60)
    assert later["overall"]["pairs"] == 0
    assert later["overall"]["v1"]["accuracy_20"] is None
    assert later["modes"] == {}


def test_pairs_since_the_last_change_of_the_flags_are_exact(url: str):
    clock = Clock()
    store = Store(url, clock).ready()
    write_both_arms(store, [50.0] * 5, [50.0] * 5)
    clock.now_s += 1.0
    store.change_flags({"v3_rollout_percentage": 10}, 0, Author("test", "operator"))
    assert store.compare()["overall"]["pairs"] == 0, "these are from the second before"
    write_both_arms(store, [100.0] * 3, [50.0] * 3, first=65, created_s=clock.now_s)
    since = store.compare()["overall"]
    assert (since["pairs"], since["v3_only"]) == (3, 3)
    while store.jobs.fold(1):
        pass
    assert store.compare()["overall"] == since
    assert store.compare(NOW_S + 0.5)["overall"]["pairs"] == 8, "by minutes since other times"
    store.close()


@pytest.mark.parametrize("since_minute", [0, 1, 15, 46, 60, 61, 120, 165, 166])
def test_pairs_of_whole_hours_and_of_the_minutes_before_them_are_added_up(
    store: Store, since_minute: int
):
    deltas = random_pair_deltas(300)
    append(store, pair_deltas, deltas)
    since_us = since_minute * MINUTE_US
    pairs = sum(row["pairs"] for row in deltas if row["from_us"] >= since_us)
    for folded in (100, 1000):
        store.jobs.fold(folded)
        report = store.compare(since_us / 1e6 + 7.0)
        assert report["overall"]["pairs"] == pairs, folded
        assert sum(mode["pairs"] for mode in report["modes"].values()) == pairs


class Clock:
    now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def test_each_forecast_has_its_arm_and_whether_it_was_served(store: Store):
    write_both_arms(store, [100.0], [50.0])
    rows = store.history("a", START_S + 59, START_S + 59, 10)[1]
    assert {(row["arm"], row["served"]) for row in rows} == {("v1", True), ("v3", False)}
