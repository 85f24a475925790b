"""Counters of what one Monitor scored, its backlog, and former gauges of served versions."""

from types import SimpleNamespace
from typing import Any

import pytest

from deployments.ray_metrics import RayMetrics
from deployments.replicas.scoring_metrics import ScoringMetrics
from tests.support.metric_library import MetricLibrary


class Counted:
    """Metrics of scoring, and what Ray gets of them."""

    def __init__(self) -> None:
        self._library = MetricLibrary()
        self._metrics = RayMetrics(self._library)
        self.scoring = ScoringMetrics(self._metrics)

    def values(self, name: str) -> dict[tuple[str, ...], Any]:
        self._metrics.hand_on()
        return self._library.values(name)


@pytest.fixture
def counted() -> Counted:
    return Counted()


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


def test_former_gauges_have_the_figures_of_served_versions_alone(counted: Counted):
    versions = [version(3), version(5, served=False, accuracy=0.1)]
    counted.scoring.show_versions(versions)
    key = ("internet", "model", "a")
    assert counted.values("dwcp_pba_prediction_accuracy") == {key: 0.5}
    assert counted.values("dwcp_pba_confidence") == {key: 0.7}
    assert counted.values("dwcp_pba_model_version") == {key: 1}


SUMS = {"scored": 3.0, "hits": 2.0, "confidence": 2.25, "covered_90": 0.0}


def test_counters_have_what_this_monitor_scored_of_served_forecasts(counted: Counted):
    row = {"mode": 1, "source": 0, "arm": 1, "version": 7, "served": True, "steps": 1, **SUMS}
    others = [row | {"steps": 5}, row | {"served": False}, row | {"mode": 0, "version": 8}]
    scored = SimpleNamespace(
        sums=lambda: [row, *others], unscored=lambda: {1: 4}, waits_s=(0.5, 12.0)
    )
    counted.scoring.count(scored, {7: "a", 8: "b"})
    counted.scoring.count_sums([row], {7: "a", 8: "b"})
    assert counted.values("pba_forecasts_scored_total") == {
        ("internet", "model", "v3"): 6.0,
        ("datacenter", "model", "v3"): 3.0,
    }
    assert counted.values("dwcp_pba_predictions_scored_total") == {
        ("internet", "model", "a"): 6.0,
        ("datacenter", "model", "b"): 3.0,
    }
    internet = ("internet", "model", "v3")
    assert counted.values("pba_forecasts_in_band_total")[internet] == 4.0
    assert counted.values("pba_forecasts_expected_in_band_total")[internet] == 4.5
    assert counted.values("pba_forecasts_in_interval_total") == {}
    assert counted.values("pba_forecasts_unscored_total") == {("internet",): 4}
    assert counted.values("pba_scoring_seconds") == {(): [0.5, 12.0]}


def test_gauges_show_the_backlog(counted: Counted):
    counted.scoring.show_backlog(4, 1.5)
    assert counted.values("pba_due_links") == {(): 4}
    assert counted.values("pba_oldest_due_seconds") == {(): 1.5}
    counted.scoring.show_backlog(0, 0.0)
    assert counted.values("pba_oldest_due_seconds") == {(): 0.0}
