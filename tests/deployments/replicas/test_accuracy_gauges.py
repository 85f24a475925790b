"""Gauges of served versions, and counters of what one Monitor scored."""

from collections.abc import Mapping
from typing import Any

import pytest

from deployments.replicas import accuracy_gauges
from deployments.replicas.accuracy_gauges import AccuracyGauges


class Metric:
    """Records values by tags."""

    def __init__(self, name: str, description: str, *tags: str) -> None:
        self.tags = tags
        self.values: dict[tuple[str, ...], Any] = {}

    def set(self, value: Any, tags: Mapping[str, str] = {}) -> None:
        self.values[tuple(tags[name] for name in self.tags)] = value

    def inc(self, value: int, tags: dict[str, str]) -> None:
        key = tuple(tags[name] for name in self.tags)
        self.values[key] = self.values.get(key, 0) + value


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Metric]:
    created: dict[str, Metric] = {}

    def create(name: str, description: str, *tags: str) -> Metric:
        created[name] = Metric(name, description, *tags)
        return created[name]

    monkeypatch.setattr(accuracy_gauges, "gauge", create)
    monkeypatch.setattr(accuracy_gauges, "counter", create)
    return created


def version(scored: int, served: bool = True, accuracy: float = 0.5) -> dict[str, Any]:
    return {
        "mode": "internet",
        "source": "model",
        "version": "a",
        "served": served,
        "scored": scored,
        "accuracy_20": accuracy,
        "confidence": 0.7,
    }


def test_gauges_have_the_figures_of_served_versions_alone(metrics: dict[str, Metric]):
    gauges = AccuracyGauges()
    versions = [version(3), version(5, served=False, accuracy=0.1)]
    gauges.show_versions(versions)
    key = ("internet", "model", "a")
    assert metrics["dwcp_pba_prediction_accuracy"].values == {key: 0.5}
    assert metrics["dwcp_pba_confidence"].values == {key: 0.7}
    assert metrics["dwcp_pba_model_version"].values == {key: 1}


INTERNET = ("internet", "model", "a")
SUMS = {"scored": 3.0, "hits": 2.0, "confidence": 2.25, "covered_90": 0.0}


def test_counters_have_what_this_monitor_scored_of_served_forecasts(metrics: dict[str, Metric]):
    gauges = AccuracyGauges()
    row = {"mode": 1, "source": 0, "version": 7, "served": True, "steps": 1, **SUMS}
    others = [row | {"steps": 5}, row | {"served": False}, row | {"mode": 0, "version": 8}]
    gauges.count([row, *others], {7: "a", 8: "b"})
    gauges.count([row], {7: "a", 8: "b"})
    assert metrics["dwcp_pba_predictions_scored_total"].values == {
        ("internet", "model", "a"): 6.0,
        ("datacenter", "model", "b"): 3.0,
    }
    in_band = metrics["dwcp_pba_predictions_in_band_total"].values
    expected = metrics["dwcp_pba_predictions_expected_in_band_total"].values
    assert (in_band[INTERNET], expected[INTERNET]) == (4.0, 4.5)
    assert metrics["dwcp_pba_predictions_in_interval_total"].values == {}


def test_gauges_show_the_backlog(metrics: dict[str, Metric]):
    gauges = AccuracyGauges()
    gauges.show_backlog(4, 1.5)
    assert metrics["dwcp_pba_due_links"].values == {(): 4}
    assert metrics["dwcp_pba_oldest_due_seconds"].values == {(): 1.5}
    gauges.show_backlog(0, 0.0)
    assert metrics["dwcp_pba_oldest_due_seconds"].values == {(): 0.0}


def test_a_version_that_is_scored_for_the_first_time_is_to_be_shown(metrics: dict[str, Metric]):
    gauges = AccuracyGauges()
    assert not gauges.lacks_versions
    row = {"mode": 0, "source": 0, "version": 7, "steps": 1, **SUMS}
    gauges.count([row | {"served": False}], {7: "a"})
    assert not gauges.lacks_versions, "no caller has received its forecasts"
    gauges.count([row | {"mode": 1, "served": True}], {7: "a"})
    assert gauges.lacks_versions
    gauges.show_versions([version(3)])
    assert not gauges.lacks_versions
