"""What int8 weights (dynamic quantisation) gain and cost: `python -m benchmarks.int8 DIR`."""

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
        for name, one in (("fp32", content), ("int8", quantised(content))):
            print(f"| {mode} | {name} | {len(one) / 1e6:.1f} | {row(OnnxForecaster(one), val)} |")


def windows(traces: Path, mode: NetworkMode) -> WindowSet:
    sets = read_sets(traces, mode)
    val = {name: [t for t in found if t.split == "val"] for name, found in sets.items()}
    return WindowSet.of(val, PROFILES[mode].window)


def quantised(content: bytes) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        given.write_bytes(content)
        quantize_dynamic(given, made, weight_type=QuantType.QInt8)
        return made.read_bytes()


def row(forecaster: OnnxForecaster, val: WindowSet) -> str:
    rng = np.random.default_rng(0)
    shares = []
    for _, at in val.by_set():
        if len(at):
            batch = val.gather(rng.permutation(at)[:PER_SET])
            point = said(forecaster, batch.telemetry)[0]
            shares.append(metrics.accuracy(point, batch.future_mbps[:, 0]))
    some = val.gather(rng.permutation(len(val))[:ALONE]).telemetry
    together = said(forecaster, some)[1]
    alone = np.concatenate([said(forecaster, some[[i]])[1] for i in range(ALONE)])
    moved = np.abs(together - alone)
    times = [milliseconds(forecaster, some[:size]) / size for size in (1, 32)]
    cells = [*(f"{ms:.2f}" for ms in times), f"{np.mean(shares):.4f}"]
    return " | ".join([*cells, f"{moved.mean():.4f}, {moved.max():.4f}"])


def said(forecaster: OnnxForecaster, telemetry: Floats) -> tuple[Floats, Floats]:
    found = forecaster.predict(telemetry)
    read = decode(found.probabilities, found.level_mbps, forecaster.bins)
    return read.bandwidth_mbps[:, 0], read.confidence[:, 0]


def milliseconds(forecaster: OnnxForecaster, telemetry: Floats) -> float:
    def once() -> float:
        start = time.perf_counter()
        for _ in range(20):
            forecaster.predict(telemetry)
        return (time.perf_counter() - start) * 50.0

    return median(once() for _ in range(ROUNDS))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
