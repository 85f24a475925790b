"""Metrics of requests are by mode and source, or by call and code; never by link."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deployments.ingress.request_metrics import RequestMetrics
from deployments.ray_metrics import RayMetrics
from pba.errors import Busy, InvalidSample, NotFound
from pba.serving.local_service import LocalService
from pba.store import Receipt, RefusedSample
from pba.types import History, NetworkMode
from tests.store.builders import sample_report
from tests.support.metric_library import MetricLibrary

FORECAST = LocalService({}).forecast(History(np.arange(9.0), np.full((9, 5), 0.5)))


class Counted:
    """Metrics of requests, and what Ray gets of them."""

    def __init__(self) -> None:
        self._library = MetricLibrary()
        self._metrics = RayMetrics(self._library)
        self.requests = RequestMetrics(self._metrics)

    def values(self, name: str) -> dict[tuple[str, ...], Any]:
        self._metrics.hand_on()
        return self._library.values(name)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_forecast_counts_with_its_latency(counted: Counted):
    counted.requests.count_forecast(FORECAST, 0.25)
    assert counted.values("pba_forecasts_total") == {("internet", "heuristic"): 1}
    assert counted.values("pba_forecast_seconds") == {("internet",): [0.25]}


def test_a_refused_request_counts_by_call_and_code(counted: Counted):
    counted.requests.count_error("samples", Busy("full"))
    assert counted.values("pba_errors_total") == {("samples", "busy"): 1}


def test_items_of_a_bulk_request_count_by_source_or_code(counted: Counted):
    fast = replace(FORECAST, mode=NetworkMode.DATACENTER, source="model")
    error = InvalidSample("wrong", "history[0]")
    counted.requests.count_bulk([FORECAST, error, fast, FORECAST, NotFound("none"), error])
    assert counted.values("pba_forecasts_total") == {
        ("internet", "heuristic"): 2,
        ("datacenter", "model"): 1,
    }
    assert counted.values("pba_errors_total") == {
        ("item", "invalid_sample"): 2,
        ("item", "not_found"): 1,
    }
    assert counted.values("pba_forecast_seconds") == {}


def test_samples_count_by_what_became_of_them(counted: Counted):
    refused = RefusedSample(0, "a", InvalidSample("wrong", "samples[0]"))
    receipt = Receipt(5, 3, 1, 2, NetworkMode.INTERNET, refused=(refused,))
    counted.requests.count_samples([receipt, receipt])
    counted.requests.count_lost_samples([sample_report("a", 0, 4)])
    assert counted.values("pba_samples_total") == {
        ("stored",): 10,
        ("duplicate",): 6,
        ("expired",): 4,
        ("refused",): 2,
        ("lost",): 4,
    }


def test_the_store_counts_with_its_time_and_what_it_did_not_take(counted: Counted):
    counted.requests.time_store("writes", 0.01)
    counted.requests.count_not_recorded(3)
    assert counted.values("pba_store_seconds") == {("writes",): [0.01]}
    assert counted.values("pba_forecasts_not_recorded_total") == {(): 3}
