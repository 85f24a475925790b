"""Speed and accuracy of int8 weights (dynamic quantisation): `python -m benchmarks.int8 DIR`."""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from pba.evaluation import metrics
from pba.models.distribution import decode
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import read_sets
from pba.types import Floats, NetworkMode
from pba.types.profile import PROFILES

MODELS = Path(__file__).parents[1] / "models"
PER_SET, ALONE, ROUNDS = 1000, 256, 5


def main(traces: Path) -> None:
    print(
        "| mode | weights | MB | ms alone | ms in a batch of 32 | accuracy_20 | "
        "change of confidence by neighbours: mean, worst |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for mode in PROFILES:
        content = artifacts.read(str(MODELS / mode), mode).onnx
        val = windows(traces, mode)
        for name, one in (("fp32", content), ("int8", quantise(content))):
            print(f"| {mode} | {name} | {len(one) / 1e6:.1f} | {row(OnnxForecaster(one), val)} |")


def windows(traces: Path, mode: NetworkMode) -> WindowSet:
    sets = read_sets(traces, mode)
    val = {name: [t for t in part if t.split == "val"] for name, part in sets.items()}
    return WindowSet.of(val, PROFILES[mode].window)


def quantise(content: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        source.write_bytes(content)
        quantize_dynamic(source, target, weight_type=QuantType.QInt8)
        return target.read_bytes()


def row(forecaster: OnnxForecaster, val: WindowSet) -> str:
    rng = np.random.default_rng(0)
    shares = []
    for _, indices in val.by_set():
        if len(indices):
            batch = val.gather(rng.permutation(indices)[:PER_SET])
            point = forecast(forecaster, batch.telemetry)[0]
            shares.append(metrics.accuracy(point, batch.future_mbps[:, 0]))
    sample = val.gather(rng.permutation(len(val))[:ALONE]).telemetry
    together = forecast(forecaster, sample)[1]
    alone = np.concatenate([forecast(forecaster, sample[[i]])[1] for i in range(ALONE)])
    change = np.abs(together - alone)
    times = [milliseconds(forecaster, sample[:size]) / size for size in (1, 32)]
    cells = [*(f"{ms:.2f}" for ms in times), f"{np.mean(shares):.4f}"]
    return " | ".join([*cells, f"{change.mean():.4f}, {change.max():.4f}"])


def forecast(forecaster: OnnxForecaster, telemetry: Floats) -> tuple[Floats, Floats]:
    prediction = forecaster.predict(telemetry)
    decoded = decode(prediction.probabilities, prediction.level_mbps, forecaster.bins)
    return decoded.bandwidth_mbps[:, 0], decoded.confidence[:, 0]


def milliseconds(forecaster: OnnxForecaster, telemetry: Floats) -> float:
    def once() -> float:
        start = time.perf_counter()
        for _ in range(20):
            forecaster.predict(telemetry)
        return (time.perf_counter() - start) * 50.0

    return median(once() for _ in range(ROUNDS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
