"""What is counted reaches Ray a little later, under the new name and the former one."""

import re
import threading
from pathlib import Path

import pytest

from deployments import ray_metrics
from deployments.former_metrics import FORMER, FORMER_GAUGES
from deployments.metric_table import METRICS
from deployments.ray_metrics import RayMetrics
from tests.support.metric_library import MetricLibrary
from tests.support.waiting import wait_until

PROJECT = Path(__file__).parents[2]
UNITS = ("_total", "_seconds", "_ratio", "_info")
COUNTS = {  # gauges of things that are counted
    *("pba_writes_waiting", "pba_requests_in_flight", "pba_streams", "pba_due_links"),
    *("pba_active_links", "pba_drift_alarms", "pba_flag", "pba_registry_up"),
    *("pba_rollout_evidence", "pba_rollout_evidence_needed", "pba_model_run_windows"),
}


@pytest.fixture
def library() -> MetricLibrary:
    return MetricLibrary()


def test_counts_add_up_until_they_are_handed_on(library: MetricLibrary):
    metrics = RayMetrics(library)
    errors = metrics.counter("pba_errors_total")
    for _ in range(3):
        errors.inc(("samples", "busy"))
    errors.inc(("forecast", "busy"), 0)
    assert library.values("pba_errors_total") == {}
    metrics.hand_on()
    metrics.hand_on()
    assert library.values("pba_errors_total") == {("samples", "busy"): 3}


def test_a_gauge_is_handed_on_again_because_ray_forgets_it(library: MetricLibrary):
    metrics = RayMetrics(library)
    metrics.gauge("pba_due_links").set(4)
    metrics.gauge("pba_writes_waiting").follow(lambda: {(): 7})
    for _ in range(2):
        metrics.hand_on()
        assert library.values("pba_due_links") == {(): 4}
        assert library.values("pba_writes_waiting") == {(): 7}
        library.values("pba_due_links").clear()
        library.values("pba_writes_waiting").clear()


def test_a_gauge_forgets_the_labels_that_are_replaced(library: MetricLibrary):
    metrics = RayMetrics(library)
    info = metrics.gauge("pba_model_info")
    info.replace({("internet", "a"): 1})
    metrics.hand_on()
    library.values("pba_model_info").clear()
    info.replace({("internet", "b"): 1})
    metrics.hand_on()
    assert library.values("pba_model_info") == {("internet", "b"): 1}


def test_former_names_have_the_same_values_in_their_units(library: MetricLibrary):
    metrics = RayMetrics(library)
    metrics.histogram("pba_forecast_seconds").observe(0.25, ("internet",))
    metrics.counter("pba_forecasts_scored_total").inc(("internet", "model", "v3", "champion"), 2)
    metrics.hand_on()
    assert library.values("pba_forecast_seconds") == {("internet",): [0.25]}
    assert library.values("dwcp_pba_prediction_latency_ms") == {("internet",): [250.0]}
    assert library.metrics["dwcp_pba_prediction_latency_ms"].boundaries[-1] == 2500.0
    assert library.values("pba_forecasts_scored_total") == {("internet", "model", "v3"): 2}
    former = library.values("dwcp_pba_predictions_scored_total")
    assert former == {("internet", "model", "champion"): 2}


def test_what_fails_to_read_is_logged_and_tried_again(
    library: MetricLibrary, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(ray_metrics, "_EVERY_S", 0.001)
    calls: list[int] = []

    def read() -> dict[tuple[str, ...], float]:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("not yet")
        return {(): float(len(calls))}

    metrics = RayMetrics(library)
    metrics.gauge("pba_streams").follow(read)
    metrics.start()
    wait_until(lambda: bool(library.values("pba_streams")), "the second reading")
    metrics.stop()
    assert [record.message for record in caplog.records] == ["metrics_failed"]
    assert "metrics" not in {thread.name for thread in threading.enumerate()}


def test_counting_in_several_threads_loses_nothing(library: MetricLibrary):
    metrics = RayMetrics(library)
    counter = metrics.counter("pba_forecasts_total")

    def count() -> None:
        for _ in range(2000):
            counter.inc(("internet", "model"))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        metrics.hand_on()
    for thread in threads:
        thread.join()
    metrics.stop()
    assert library.values("pba_forecasts_total") == {("internet", "model"): 8000}


def test_names_have_base_units_and_no_label_without_end():
    for metric in METRICS.values():
        assert re.fullmatch(r"pba_[a-z_]+", metric.name)
        assert metric.name.endswith(UNITS) != (metric.name in COUNTS), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert (metric.kind == "histogram") == bool(metric.bounds)
        assert "version" not in metric.labels or metric.name == "pba_model_info"
        assert {"link", "link_id", "caller"}.isdisjoint(metric.labels)
    request = METRICS["pba_forecast_seconds"].bounds
    assert (request[0], 0.1 in request, 1.0 in request) == (0.001, True, True)


def test_every_metric_is_used_and_every_former_one_belongs_to_one():
    definitions = {"metric_table.py", "former_metrics.py"}
    source = "".join(
        path.read_text()
        for path in (PROJECT / "deployments").rglob("*.py")
        if path.name not in definitions
    )
    assert set(re.findall(r'"(pba_[a-z_]+)"', source)) >= set(METRICS)
    assert set(FORMER) < set(METRICS)
    names = [*(former.name for former in FORMER.values()), *FORMER_GAUGES]
    assert len(set(names)) == len(names)
