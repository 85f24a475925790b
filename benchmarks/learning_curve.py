"""More traces, or more networks? `python -m benchmarks.learning_curve DIR [--output FOLDER]`.

One network each learns from an eighth, a quarter, a half and all of every set's `train` traces, and
seven more of other seeds from all, at one small budget. The table states accuracy_20 on the `test`
traces: by the share of traces, and of ensembles of one to eight networks. What both leave open is
the ceiling of this input and this network. A run that was interrupted goes on.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pba.errors import NotEnoughData
from pba.evaluation import metrics
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.targets import TARGETS
from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import SessionSettings
from pba.registry import artifacts
from pba.telemetry.datasets import WindowBatch
from pba.telemetry.outliers import clean_windows
from pba.telemetry.public_sets import public_set
from pba.telemetry.trace_writer import write_traces
from pba.telemetry.traces import Trace, read_sets
from pba.types import Floats, NetworkMode
from pba.types.profile import PROFILES

MODE = NetworkMode.INTERNET
SHARES = (8, 4, 2, 1)  # one of so many traces
NETWORKS = 8
POINTS = 2000  # of a set
BUDGET, EPOCHS, RATE = 400_000, 6, 0.0015
SETTINGS = ("--epochs", str(EPOCHS), "--learning-rate", str(RATE), "--workers", "2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", type=Path)
    parser.add_argument("--output", type=Path, default=Path("build/learning_curve"))
    parser.add_argument("--budget", type=int, default=BUDGET, help="windows of each network")
    options = parser.parse_args()
    learned = _learned_sets(options.traces)
    trained = [
        _train(options.output / f"one-of-{share}", folder, options.budget, seed)
        for share, seed, folder in write_shares(options.traces, options.output)
    ]
    by_share, networks = trained[: len(SHARES)], trained[len(SHARES) - 1 :]
    cases = {name: _points(traces) for name, traces in learned.items()}
    cases = {name: case for name, case in cases.items() if case is not None}
    print("\n".join(_tables(by_share, networks, cases, options.budget)))


def write_shares(traces: Path, output: Path) -> Iterator[tuple[int, int, Path]]:
    """Write the shares of the traces; yield share, seed and folder of each network to train."""
    learned = _learned_sets(traces)
    for share in SHARES:
        folder = output / f"one-of-{share}"
        _write_share(learned, share, folder)
        yield share, 0, folder / "models"
    for seed in range(1, NETWORKS):
        yield SHARES[-1], seed, folder / f"models-{seed}"


def _learned_sets(folder: Path) -> dict[str, list[Trace]]:
    sets = read_sets(folder, MODE)
    return {name: traces for name, traces in sets.items() if public_set(name).is_counted}


def _write_share(sets: Mapping[str, Sequence[Trace]], share: int, folder: Path) -> None:
    """Write the sets with one of ``share`` of their `train` traces, and all others."""
    for name, traces in sets.items():
        path = folder / MODE / f"{name}.parquet"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        of_training = [trace for trace in traces if trace.split == "train"]
        order = np.random.default_rng(0).permutation(len(of_training))
        count = max(1, round(len(of_training) / share))
        chosen = [of_training[at] for at in sorted(order[:count].tolist())]
        if share > 1 and len(of_training) < share:  # a part in time of a set of few traces
            chosen = [_beginning(trace, share) for trace in of_training]
        write_traces(path, [*chosen, *(trace for trace in traces if trace.split != "train")])


def _beginning(trace: Trace, share: int) -> Trace:
    part = slice(max(1, len(trace) // share))
    return replace(trace, timestamps_s=trace.timestamps_s[part], telemetry=trace.telemetry[part])


def _train(traces: Path, output: Path, budget: int, seed: int) -> OnnxForecaster:
    folder = output / MODE
    if not (folder / "card.json").exists():
        command = [sys.executable, "-m", "train", "--traces", str(traces), "--mode", MODE]
        command += ["--budget", str(budget), "--seed", str(seed), "--output", str(output)]
        subprocess.run([*command, *SETTINGS, "--resume"], check=True)
    return artifacts.load(str(folder), MODE, session=SessionSettings(threads=2))[0]


def _points(traces: Sequence[Trace]) -> tuple[WindowBatch, Floats] | None:
    """Return windows of `test` traces, at most 2000, and their actuals; None for too short ones."""
    try:
        points = EvaluationPoints.of(
            [trace for trace in traces if trace.split == "test"], PROFILES[MODE].window
        )
    except NotEnoughData:
        return None
    count = min(POINTS, len(points))
    rows = np.sort(np.random.default_rng(0).choice(len(points), count, replace=False))
    return points.windows.gather(rows), points.actual_mbps[rows]


def _tables(
    by_share: Sequence[OnnxForecaster],
    networks: Sequence[OnnxForecaster],
    cases: Mapping[str, tuple[WindowBatch, Floats]],
    budget: int,
) -> list[str]:
    shares = np.stack([_accuracies([network], cases) for network in by_share])
    counts = [2**power for power in range(NETWORKS.bit_length())]
    ensembles = np.stack([_accuracies(networks[:count], cases) for count in counts])
    lines = [f"{budget} windows a network; mean accuracy_20 over {len(cases)} sets.", ""]
    header = ["", *TARGETS]
    rows = [
        *(
            [f"1/{share} of the traces", *_cells(row)]
            for share, row in zip(SHARES, shares, strict=True)
        ),
        *(
            [f"{count} network{'s' * (count > 1)}", *_cells(row)]
            for count, row in zip(counts, ensembles, strict=True)
        ),
    ]
    return [*lines, _row(header), _row(["---"] * len(header)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(values: Floats) -> list[str]:
    return [f"{value:.3f}" for value in values]


def _accuracies(
    networks: Sequence[OnnxForecaster], cases: Mapping[str, tuple[WindowBatch, Floats]]
) -> Floats:
    """Return the accuracy of the networks' mean distribution, the mean over sets, by target."""
    by_set = []
    for windows, actual_mbps in cases.values():
        telemetry = clean_windows(windows.telemetry)
        parts = [network.predict(telemetry) for network in networks]
        points_mbps = _pooled_points(parts, networks[0].bins)
        hits = metrics.in_band(points_mbps, actual_mbps).astype(float)
        hits[np.isnan(actual_mbps)] = np.nan
        known = ~np.isnan(hits).all(axis=0)
        by_set.append(np.where(known, np.nanmean(np.where(known, hits, 0.0), axis=0), np.nan))
    return np.asarray(np.nanmean(by_set, axis=0))


def _pooled_points(parts: Sequence[Prediction], bins: Bins) -> Floats:
    """Return the points of the linear pool; networks of one kind share level and bins."""
    mass = np.mean([part.distributions for part in parts], axis=0)
    return decode(mass, parts[0].level_mbps, bins).bandwidth_mbps


if __name__ == "__main__":
    main()
