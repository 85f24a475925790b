"""Gauges of served versions, and a counter that a restart of the figures does not turn back."""

from typing import Any

import pytest

from deployments.replicas import accuracy_gauges
from deployments.replicas.accuracy_gauges import AccuracyGauges


class Metric:
    """Records values by tags."""

    def __init__(self, name: str, description: str, *tags: str) -> None:
        self.tags = tags
        self.values: dict[tuple[str, ...], Any] = {}

    def set(self, value: Any, tags: dict[str, str]) -> None:
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
    gauges.update({"versions": [version(3), version(5, served=False, accuracy=0.1)]})
    key = ("internet", "model", "a")
    assert metrics["dwcp_pba_prediction_accuracy"].values == {key: 0.5}
    assert metrics["dwcp_pba_confidence"].values == {key: 0.7}
    assert metrics["dwcp_pba_model_version"].values == {key: 1}


def test_the_counter_adds_what_is_new_and_never_falls(metrics: dict[str, Metric]):
    gauges = AccuracyGauges()
    for scored in (3, 5, 5, 2, 4):  # it falls to 2 when the retention deletes outcomes
        gauges.update({"versions": [version(scored)]})
    assert list(metrics["dwcp_pba_predictions_scored_total"].values.values()) == [3 + 2 + 2]
