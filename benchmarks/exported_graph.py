"""How fast is ONNX Runtime alone on the shipped files, beside those of the baseline?

One thread, the files in turns, medians.
"""

import time
from pathlib import Path
from statistics import median

import numpy as np
import onnx

from benchmarks import servers
from pba.models.onnx import OnnxForecaster
from pba.nets.onnx_export import varied_windows
from pba.registry import artifacts
from pba.types import Floats, NetworkMode

BATCHES = {1: 400, 8: 100, 32: 40}
"""Runs of each batch size."""

MODES = (NetworkMode.DATACENTER, NetworkMode.INTERNET)


def lines() -> list[str]:
    """Return a table in Markdown; the last column is the largest difference of probabilities."""
    heads = [f"batch {size}, ms before / now, ratio" for size in BATCHES]
    rows = [
        f"| ONNX Runtime alone | nodes before / now | {' | '.join(heads)} | difference |",
        "| --- " * (len(heads) + 3) + "|",
    ]
    with servers.baseline() as before:
        for mode in MODES:
            name = artifacts.onnx_name(mode)
            files = [Path(project, "models", mode, name) for project in (before, servers.PROJECT)]
            rows.append(f"| {mode} | {' | '.join(_cells([file.read_bytes() for file in files]))} |")
    return rows


def _cells(contents: list[bytes]) -> list[str]:
    models = [OnnxForecaster(content) for content in contents]
    nodes = [len(onnx.load_from_string(content).graph.node) for content in contents]
    cells = [" / ".join(map(str, nodes))]
    rng = np.random.default_rng(0)
    for size, runs in BATCHES.items():
        old_ms, new_ms = _in_turns(models, varied_windows(rng, size, models[0].window), runs)
        cells.append(f"{old_ms:.2f} / {new_ms:.2f}, {new_ms / old_ms:.2f}")
    windows = varied_windows(rng, 500, models[0].window)
    old, new = (model.predict(windows).probabilities for model in models)
    return [*cells, f"{np.abs(old - new).max():.1e}"]


def _in_turns(models: list[OnnxForecaster], windows: Floats, runs: int) -> list[float]:
    """Return the median ms of each model; the models take turns."""
    latencies_ms: list[list[float]] = [[] for _ in models]
    for _ in range(runs):
        for model, of_model in zip(models, latencies_ms, strict=True):
            started = time.perf_counter()
            model.predict(windows)
            of_model.append((time.perf_counter() - started) * 1000)
    return [median(of_model) for of_model in latencies_ms]


if __name__ == "__main__":
    print(*lines(), sep="\n")
