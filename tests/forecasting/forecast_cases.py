"""Histories, toy models and forecasts for the tests of the forecast path."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from pba.forecasting import ForecastJob, ForecastResult, ModelCall, ModelFailure, ModelOutput, Query
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.models.onnx import OnnxForecaster
from pba.types import Floats, Forecast, History, NetworkMode
from pba.types.profile import PROFILES
from tests.toy import toy_onnx

DATACENTER, INTERNET, HYBRID = NetworkMode.DATACENTER, NetworkMode.INTERNET, NetworkMode.HYBRID
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODELS: Mapping[str, OnnxForecaster] = {
    DATACENTER: OnnxForecaster(toy_onnx(DATACENTER, "dc-1")),
    INTERNET: OnnxForecaster(toy_onnx(INTERNET, "net-1", peak=0.4)),
    "v1": OnnxForecaster(toy_onnx("v1", "v1-1")),
}
MODELS_WITH_INTERVALS: Mapping[str, OnnxForecaster] = {
    mode: OnnxForecaster(toy_onnx(mode, "i-1", 0.4, PROFILES[mode].intervals))
    for mode in (DATACENTER, INTERNET)
}


def history(
    count: int, bandwidth_mbps: float = 100.0, rtt_ms: float = math.nan, step_s: float = 1.0
) -> History:
    """Return a steady history of ``count`` samples."""
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = bandwidth_mbps * (1 + 0.01 * np.sin(np.arange(count)))
    telemetry[:, 1] = rtt_ms
    return History(times_s(count, step_s), telemetry)


def times_s(count: int, step_s: float = 1.0) -> Floats:
    """Return the times of ``count`` samples, the last of them now."""
    return NOW.timestamp() - step_s * np.arange(count)[::-1]


def run(
    calls: Sequence[ModelCall],
    failures: Mapping[str, str] | None = None,
    models: Mapping[str, OnnxForecaster] = MODELS,
) -> list[ModelOutput | ModelFailure]:
    """Return the outputs of ``models``; those in ``failures`` fail for the given reason."""
    outputs: list[ModelOutput | ModelFailure] = []
    for call in calls:
        if failures and call.model in failures:
            outputs.append(ModelFailure(failures[call.model]))
        else:
            model = models[call.model]
            outputs.append(ModelOutput(model.version, model.bins, model.predict(call.telemetry)))
    return outputs


def results(
    queries: Sequence[Query],
    failures: Mapping[str, str] | None = None,
    models: Mapping[str, OnnxForecaster] = MODELS,
) -> list[ForecastResult]:
    """Return the result of each query, none of which may be refused."""
    job = ForecastJob(queries)
    items = job.finish(run(job.calls, failures, models), NOW)
    assert all(isinstance(item, ForecastResult) for item in items), items
    return [item for item in items if isinstance(item, ForecastResult)]


def forecast(query: Query, failures: Mapping[str, str] | None = None) -> Forecast:
    """Return the forecast for ``query``."""
    (result,) = results([query], failures)
    return result.forecast


def output(path: list[float], confidence: float) -> ModelOutput:
    """Return an output that is in band with probability ``confidence``, and predicts ``path``."""
    bins = Bins.spaced(122, 6.0, 0.05)
    mass = confidence * np.eye(122)[bins.index(np.float64(0.0))]
    mass = mass + (1 - confidence) * np.eye(122)[bins.index(np.float64(3.0))]
    rows = np.tile(mass, (1, 3, 1))
    return ModelOutput("v", bins, Prediction(rows, np.array([100.0]), np.array([path])))
