"""How much of ONNX Runtime's own speed remains in one bulk call of 1000 links over HTTP?"""

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
    """Return forecasts per second of both, and the median ratio of the rounds."""
    mode = NetworkMode.INTERNET
    model, _ = artifacts.load(str(MODELS / mode), mode)
    windows = np.stack([history.telemetry for history in request_bodies.histories(mode, COUNT)])
    body = request_bodies.bulk_body(mode, COUNT)
    load.run(url, "/v1/forecasts", body, 1, WARM_UP_S)
    model_rates, service_rates = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.predict(windows)
        model_rates.append(COUNT / (time.perf_counter() - started))
        result = load.run(url, "/v1/forecasts", body, 1, 0.1)
        service_rates.append(COUNT / (result.percentile(50) / 1000))
    ratios = [service / model for service, model in zip(service_rates, model_rates, strict=True)]
    return {
        "onnx_per_s": median(model_rates),
        "service_per_s": median(service_rates),
        "ratio": median(ratios),
    }
