"""How much of ONNX Runtime's own speed remains in one bulk call of 1000 links over HTTP?

The histories come in rows and in columns, in turns.
"""

import time
from statistics import median

import numpy as np

from benchmarks import load, request_bodies
from benchmarks.bare import MODELS
from pba.registry import artifacts
from pba.types import NetworkMode

COUNT, ROUNDS = 1000, 7
WARM_UP_S = 5.0


def measure(url: str) -> dict[str, float]:
    """Return forecasts per second of ONNX Runtime and of the service, and the median ratios."""
    mode = NetworkMode.INTERNET
    model, _ = artifacts.load(str(MODELS / mode), mode)
    windows = np.stack([history.telemetry for history in request_bodies.histories(mode, COUNT)])
    bodies = {
        "rows": request_bodies.bulk_body(mode, COUNT),
        "columns": request_bodies.bulk_columns_body(mode, COUNT),
    }
    load.run(url, "/v1/forecasts", bodies["rows"], 1, WARM_UP_S)
    model_rates: list[float] = []
    service_rates: dict[str, list[float]] = {name: [] for name in bodies}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.predict(windows)
        model_rates.append(COUNT / (time.perf_counter() - started))
        for name, body in bodies.items():
            result = load.run(url, "/v1/forecasts", body, 1, 0.1)
            service_rates[name].append(COUNT / (result.percentile(50) / 1000))
    figures = {"onnx_per_s": median(model_rates)}
    for name, rates in service_rates.items():
        ratios = [service / model for service, model in zip(rates, model_rates, strict=True)]
        figures |= {f"{name}_per_s": median(rates), f"{name}_ratio": median(ratios)}
    return figures
