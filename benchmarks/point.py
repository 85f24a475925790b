"""Accuracy of rules for the point forecast on val traces: `python -m benchmarks.point DIR`.

Accuracies are means over the sets; the mean absolute error is relative to that of the median.
"""

import sys
from pathlib import Path

import numpy as np

from benchmarks.int8 import MODELS, PER_SET, windows
from pba.evaluation import metrics
from pba.models import distribution
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.models.onnx_session import SessionSettings
from pba.registry import artifacts
from pba.types import HORIZONS, QUANTILES, Floats
from pba.types.profile import PROFILES

RULES = [(0.0, 0.003), (0.0, 0.006), (0.0, 0.02), (0.1, 0.003), (0.2, 0.003), (0.4, 0.003)]


def main(traces: Path) -> None:
    steps = ", ".join(map(str, HORIZONS))
    print(f"±20 %, ±10 % and MAE / MAE of the median, {steps} steps ahead")
    print("| mode | inner | tie |" + " |" * len(HORIZONS))
    print("| --- | --- | --- |" + " --- |" * len(HORIZONS))
    for mode in PROFILES:
        forecaster, _ = artifacts.load(str(MODELS / mode), mode, session=SessionSettings(threads=2))
        val, rng = windows(traces, mode), np.random.default_rng(0)
        parts = []
        for _, indices in val.by_set():
            if len(indices):
                batch = val.gather(rng.permutation(indices)[:PER_SET])
                parts.append((forecaster.predict(batch.telemetry), batch.future_mbps))
        for inner, tie in RULES:
            cells = [
                cell(parts, forecaster.bins, index, inner, tie) for index in range(len(HORIZONS))
            ]
            print(f"| {mode} | {inner} | {tie} | {' | '.join(cells)} |", flush=True)


def cell(
    parts: list[tuple[Prediction, Floats]], bins: Bins, index: int, inner: float, tie: float
) -> str:
    distribution._INNER, distribution._TIE = inner, tie
    bins = Bins(bins.edges)  # new bins have no cached tables of the rule before
    rows = []
    for prediction, future in parts:
        known = ~np.isnan(future[:, index])
        probabilities, level_mbps = prediction.probabilities[known], prediction.level_mbps[known]
        decoded = distribution.decode(probabilities, level_mbps, bins)
        point, actual = decoded.bandwidth_mbps[:, index], future[known, index]
        median = decoded.quantiles_mbps[:, index, QUANTILES.index(0.5)]
        ratio = metrics.mae(point, actual) / metrics.mae(median, actual)
        rows.append([metrics.accuracy(point, actual), metrics.accuracy(point, actual, 0.1), ratio])
    return " / ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
