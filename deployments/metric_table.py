"""Every metric of the service, in base units. Ray exports each as ``ray_`` and its name.

No label is a link or a caller, and a version only in ``pba_model_info``: series would have no end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "MODEL_METRICS", "MONITOR_METRICS", "ROUTER_METRICS", "Metric"]

_REQUEST_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
_RUN_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
_WINDOWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0)
_SCORING_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0, 1800.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as Prometheus knows it; ``bounds`` are the upper ends of a histogram's buckets."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    labels: tuple[str, ...]
    description: str
    bounds: tuple[float, ...] = ()


def _counter(name: str, labels: str, description: str) -> Metric:
    return Metric("counter", name, tuple(labels.split()), description)


def _gauge(name: str, labels: str, description: str) -> Metric:
    return Metric("gauge", name, tuple(labels.split()), description)


def _histogram(name: str, labels: str, description: str, bounds: tuple[float, ...]) -> Metric:
    return Metric("histogram", name, tuple(labels.split()), description, bounds)


ROUTER_METRICS = (
    _counter("pba_forecasts_total", "mode source", "Forecasts answered."),
    _histogram(
        "pba_forecast_seconds",
        "mode",
        "Time from reading the body of a request for one forecast to the forecast.",
        _REQUEST_S,
    ),
    _counter(
        "pba_errors_total", "call code", "Refused requests, and refused items of bulk requests."
    ),
    _counter("pba_limited_total", "role limit", "Calls over a limit of their caller."),
    _counter(
        "pba_samples_total",
        "result",
        "Reported samples: `stored`, `duplicate`, `expired`, `refused` for what they hold, or "
        "`lost`, when the store did not take them and their reporter was told so.",
    ),
    _counter(
        "pba_forecasts_not_recorded_total",
        "",
        "Forecasts of named links that the store did not take, so that they are not scored.",
    ),
    _histogram(
        "pba_store_seconds",
        "pool",
        "Time of a call of the store with its wait for a thread: `writes`, `reads` for forecasts, "
        "`flags`, `keys`, `reports`.",
        _REQUEST_S,
    ),
    _gauge("pba_writes_waiting", "", "Writes that wait for the transaction before them."),
    _gauge("pba_requests_in_flight", "", "Requests in flight, those of gRPC too."),
    _gauge("pba_streams", "", "Streams that are being sent."),
)
"""Of routers."""

MODEL_METRICS = (
    _histogram("pba_model_run_seconds", "model", "Time of a run of a model.", _RUN_S),
    _histogram("pba_model_run_windows", "model", "Windows that share a run: its batch.", _WINDOWS),
    _gauge("pba_model_info", "model version", "1 for the version that serves now."),
    _counter("pba_models_refused_total", "mode", "Versions that are refused on load."),
    _gauge("pba_registry_up", "model", "1 while the registry answers, 0 while it is away."),
)
"""Of routers, which run small requests themselves, and of model replicas."""

MONITOR_METRICS = (
    _counter(
        "pba_forecasts_scored_total",
        "mode source arm",
        "Forecasts one step ahead that callers received and this Monitor scored.",
    ),
    _counter("pba_forecasts_in_band_total", "mode source arm", "Those within 20 % of the actual."),
    _counter(
        "pba_forecasts_expected_in_band_total",
        "mode source arm",
        "The sum of their confidences: how many should be.",
    ),
    _counter(
        "pba_forecasts_in_interval_total",
        "mode source arm",
        "Those whose 90 % interval had the actual.",
    ),
    _counter(
        "pba_forecasts_unscored_total",
        "mode",
        "Forecasts that callers received and that closed without an actual one step ahead.",
    ),
    _histogram(
        "pba_scoring_seconds",
        "",
        "Time from a link's first sample that is not scored to the stored outcomes.",
        _SCORING_S,
    ),
    _gauge("pba_due_links", "", "Links with samples that no Monitor has scored."),
    _gauge("pba_oldest_due_seconds", "", "How long the longest of these has waited."),
    _gauge("pba_job_age_seconds", "job", "Time since a job of the Monitor last finished."),
    _gauge(
        "pba_accuracy_ratio",
        "mode",
        "Share in band of the forecasts of the last hour, one step ahead.",
    ),
    _gauge(
        "pba_confidence_ratio",
        "mode",
        "Their mean confidence, which equals that share while it is calibrated.",
    ),
    _gauge(
        "pba_coverage_ratio",
        "mode interval",
        "Share of them whose interval, `50` or `90` %, had the actual.",
    ),
    _gauge("pba_active_links", "", "Links that have reported in the last five minutes."),
    _gauge(
        "pba_drift_alarms",
        "mode of",
        "Open drift alarms: `of` the `mode` itself, 0 or 1, and `of` the `links` in it.",
    ),
    _gauge("pba_rollout_ratio", "", "Share of links that v3 serves, 0 with the kill switch."),
    _gauge("pba_rollout_evidence", "mode", "Evidence in the rollout's test, overall and by mode."),
    _gauge("pba_rollout_evidence_needed", "mode", "The evidence that decides the test."),
    _gauge("pba_flag", "flag", "1 for flags that are on."),
    _gauge(
        "pba_retraining_timestamp_seconds",
        "model decision",
        "When a retraining last ended with this decision of the gate, Unix time.",
    ),
)
"""Of Monitors. From ``pba_accuracy_ratio`` on they are of all links, the same of every Monitor."""

METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*ROUTER_METRICS, *MODEL_METRICS, *MONITOR_METRICS)
}
"""All by name."""
