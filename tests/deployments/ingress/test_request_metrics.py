"""Metrics of requests are by mode and source, or by call and code; never by link."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deployments.ingress import request_metrics
from deployments.ingress.request_metrics import RequestMetrics
from pba.errors import Busy, InvalidSample, NotFound
from pba.serving.local_service import LocalService
from pba.types import History, NetworkMode

FORECAST = LocalService({}).forecast(History(np.arange(9.0), np.full((9, 5), 0.5)))


class Metric:
    """Records counts and observations by the values of their tags."""

    def __init__(self) -> None:
        self.counts = Counter[tuple[str, ...]]()
        self.observations: list[tuple[float, tuple[str, ...]]] = []

    def inc(self, value: int = 1, tags: dict[str, str] | None = None) -> None:
        self.counts[tuple((tags or {}).values())] += value

    def observe(self, value: float, tags: dict[str, str]) -> None:
        self.observations.append((value, tuple(tags.values())))


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Metric]:
    created: dict[str, Metric] = {}

    def create(name: str, *_: Any, **options: Any) -> Metric:
        created[name.removeprefix("dwcp_pba_")] = metric = Metric()
        return metric

    monkeypatch.setattr(request_metrics, "counter", create)
    monkeypatch.setattr(request_metrics, "Histogram", create)
    return created


def test_a_forecast_counts_with_its_latency(metrics: dict[str, Metric]):
    RequestMetrics().count_forecast(FORECAST, 0.25)
    assert metrics["predictions_total"].counts == {("internet", "heuristic"): 1}
    assert metrics["prediction_latency_ms"].observations == [(250.0, ("internet",))]


def test_a_refused_request_counts_by_call_and_code(metrics: dict[str, Metric]):
    RequestMetrics().count_error("samples", Busy("full"))
    assert metrics["errors_total"].counts == {("samples", "busy"): 1}


def test_items_of_a_bulk_request_count_by_source_or_code(metrics: dict[str, Metric]):
    fast = replace(FORECAST, mode=NetworkMode.DATACENTER, source="model")
    error = InvalidSample("wrong", "history[0]")
    items = [FORECAST, error, fast, FORECAST, NotFound("none"), error]
    RequestMetrics().count_bulk(items)
    assert metrics["predictions_total"].counts == {
        ("internet", "heuristic"): 2,
        ("datacenter", "model"): 1,
    }
    assert metrics["errors_total"].counts == {
        ("item", "invalid_sample"): 2,
        ("item", "not_found"): 1,
    }
    assert metrics["prediction_latency_ms"].observations == []
