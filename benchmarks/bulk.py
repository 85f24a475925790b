"""How much of ONNX Runtime's own speed is left in one bulk call of 1000 links over HTTP?"""

import time
from statistics import median

import numpy as np

from benchmarks import bodies, load
from benchmarks.bare import MODELS
from pba.registry import artifacts
from pba.types import NetworkMode

COUNT, ROUNDS = 1000, 7


def measure(url: str) -> dict[str, float]:
    """Return forecasts a second of both, and the median ratio of the rounds."""
    mode = NetworkMode.INTERNET
    model, _ = artifacts.load(str(MODELS / mode), mode)
    windows = np.stack([history.telemetry for history in bodies.histories(mode, COUNT)])
    body = bodies.bulk(mode, COUNT)
    alone, service = [], []
    load.run(url, "/v1/forecasts", body, 1, 5.0)  # warm
    for _ in range(ROUNDS):
        started = time.perf_counter()
        model.predict(windows)
        alone.append(COUNT / (time.perf_counter() - started))
        ran = load.run(url, "/v1/forecasts", body, 1, 0.1)
        service.append(COUNT / (ran.percentile(50) / 1000))
    ratio = median(s / a for s, a in zip(service, alone, strict=True))
    return {"onnx_per_s": median(alone), "service_per_s": median(service), "ratio": ratio}
