"""What does a GPU give a model, and does it agree? `python -m benchmarks.gpu_providers`

Run it on a machine with a GPU, with onnxruntime-gpu in place of onnxruntime. Each shipped model is
loaded as a replica loads it, which compares its golden answers, on each list of providers. Then the
windows of those answers, repeated, are computed in runs of several sizes.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from pba.errors import PBAError
from pba.models.onnx_session import CPU_SESSION, SessionSettings, open_session
from pba.registry import artifacts
from pba.types.profile import PROFILES

MODELS = Path(__file__).parents[1] / "models"
SESSIONS = (
    CPU_SESSION,
    SessionSettings(threads=8),
    SessionSettings(providers=("CUDA", "CPU")),
    SessionSettings(providers=("CUDA",)),
    SessionSettings(providers=("TensorRT", "CUDA", "CPU")),
    SessionSettings(providers=("OpenVINO",)),
)
SIZES, ROUNDS = (1, 32, 256, 2048), 15


def main() -> None:
    print(f"| mode | providers | threads | runs on | {_heads()} | largest difference |")
    print("| --- " * (5 + len(SIZES)) + "|")
    for mode in PROFILES:
        files = artifacts.read(str(MODELS / mode), mode)
        windows = np.asarray(files.golden["telemetry"], dtype=float).astype(np.float32)
        expected = artifacts.verify(files, mode).predict(windows).probabilities
        for session in SESSIONS:
            cells = (mode, ", ".join(session.providers), str(session.threads))
            try:
                forecaster = artifacts.verify(files, mode, session)
            except PBAError as error:
                print(f"| {' | '.join(cells)} | refused: {error} |", flush=True)
                continue
            given = forecaster.predict(windows).probabilities
            row = (*cells, *_row(files.onnx, session, windows))
            print(f"| {' | '.join(row)} | {np.abs(given - expected).max():.1e} |", flush=True)


def _heads() -> str:
    return " | ".join(f"ms of {size}" for size in SIZES)


def _row(model: bytes, settings: SessionSettings, windows: np.ndarray) -> Sequence[str]:
    """Return on what a model runs, and the median time of a run of each size in ms."""
    session = open_session(model, settings)
    times = []
    for size in SIZES:
        batch = np.resize(windows, (size, *windows.shape[1:]))
        took_s = []
        for _ in range(ROUNDS + 3):
            began_s = time.perf_counter()
            session.run(None, {"telemetry": batch})
            took_s.append(time.perf_counter() - began_s)
        times.append(f"{1000 * median(took_s[3:]):.2f}")
    return (session.get_providers()[0], *times)


if __name__ == "__main__":
    main()
