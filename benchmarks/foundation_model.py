"""A small foundation model as a rival without any training on networks: fracast.

It needs torch, so it has an environment of its own:

    python -m benchmarks.foundation_model moments DIR build/fracast
    python3.11 -m venv build/fracast/venv
    build/fracast/venv/bin/pip install --require-hashes -r requirements/fracast.txt
    build/fracast/venv/bin/python benchmarks/foundation_forecasts.py build/fracast
    python -m benchmarks.foundation_model table build/fracast

The rival sees what it was made for, up to 2048 samples before each moment; its point is its
median, and of a mean over the next steps the mean of its medians. Moments are of `test` traces,
at most 200 of each set, the same for all. The table states accuracy_20 beside the shipped models.
"""

import argparse
from pathlib import Path

import numpy as np

from pba.errors import NotEnoughData
from pba.evaluation import metrics
from pba.evaluation.baselines import ewma, last_value
from pba.evaluation.candidates import Candidate, served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.targets import TARGETS
from pba.models.onnx_session import SessionSettings
from pba.project import resolve
from pba.registry import artifacts
from pba.telemetry.datasets import WindowSet
from pba.telemetry.public_sets import public_set
from pba.telemetry.traces import read_sets
from pba.types import HORIZONS, INTERVALS, Floats
from pba.types.profile import PROFILES

CONTEXT, MOMENTS = 2048, 200
COLUMNS = ("fracast", "pba", "last_value", "ewma_0.3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    moments = commands.add_parser("moments", help="write the moments to forecast")
    moments.add_argument("traces", type=Path)
    moments.add_argument("folder", type=Path)
    table = commands.add_parser("table", help="print the table")
    table.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.command == "moments":
        write_moments(options.traces, options.folder)
    else:
        print("\n".join(accuracy_table(options.folder)))


def write_moments(traces: Path, folder: Path) -> None:
    """Write contexts, actuals and the forecasts of the other columns, a file for each set."""
    for mode, profile in PROFILES.items():
        model = artifacts.load(
            f"{resolve('models')}/{mode}", mode, session=SessionSettings(threads=2)
        )[0]
        others = [served_candidate(model, "pba"), last_value(), ewma(0.3)]
        for name, of_set in read_sets(traces, mode).items():
            if not public_set(name).is_counted:
                continue
            try:
                tests = [trace for trace in of_set if trace.split == "test"]
                points = EvaluationPoints.of(tests, profile.window)
            except NotEnoughData:
                continue
            path = folder / "moments" / f"{mode}-{name}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, points, others)


def _write(path: Path, points: EvaluationPoints, others: list[Candidate]) -> None:
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(points), min(MOMENTS, len(points)), replace=False))
    telemetry = points.windows.gather(rows).telemetry
    np.savez_compressed(
        path,
        context=_contexts(points.windows, rows),
        actual_mbps=points.actual_mbps[rows],
        **{one.name: one.forecast(telemetry).bandwidth_mbps for one in others},
    )


def _contexts(windows: WindowSet, rows: np.ndarray) -> Floats:
    """Return up to 2048 rates before each moment, NaN before those that its run has."""
    contexts = np.full((len(rows), CONTEXT), np.nan, dtype=np.float32)
    begins = np.unique(windows.stops)
    for place, row in enumerate(rows.tolist()):
        end = int(windows.ends[row]) + 1
        earlier = begins[begins < end]
        start = max(int(earlier[-1]) if len(earlier) else 0, end - CONTEXT)
        contexts[place, CONTEXT - (end - start) :] = windows.values[start:end, 0]
    return contexts


def accuracy_table(folder: Path) -> list[str]:
    """Return the accuracy of each column by set and target, and the mean over sets, in Markdown."""
    lines = [f"| set | target | {' | '.join(COLUMNS)} |", "| --- " * (2 + len(COLUMNS)) + "|"]
    by_mode: dict[str, list[Floats]] = {}
    for path in sorted((folder / "moments").glob("*.npz")):
        rates, actual_mbps = _forecasts(folder, path)
        accuracy = np.stack([_accuracy(rates[name], actual_mbps) for name in COLUMNS])
        mode, name = path.stem.split("-", 1)
        by_mode.setdefault(mode, []).append(accuracy)
        lines += _rows(name, accuracy)
    for mode, accuracies in by_mode.items():
        lines += _rows(f"**{mode}, mean of {len(accuracies)}**", np.nanmean(accuracies, axis=0))
    return lines


def _rows(name: str, accuracy: Floats) -> list[str]:
    return [
        f"| {name} | {target} | {' | '.join(f'{value:.3f}' for value in column)} |"
        for target, column in zip(TARGETS, accuracy.T, strict=True)
    ]


def _forecasts(folder: Path, path: Path) -> tuple[dict[str, Floats], Floats]:
    moments = np.load(path)
    medians = np.load(folder / "forecasts" / path.name)["median_mbps"]
    points = [medians[:, steps - 1] for steps in HORIZONS]
    means = [medians[:, :steps].mean(axis=1) for steps in INTERVALS]
    rates = {name: moments[name] for name in COLUMNS if name != "fracast"}
    return rates | {"fracast": np.stack([*points, *means], axis=1)}, moments["actual_mbps"]


def _accuracy(rates_mbps: Floats, actual_mbps: Floats) -> Floats:
    """Return the share in band of each target, NaN where nothing is known or forecast."""
    known = ~np.isnan(actual_mbps) & ~np.isnan(rates_mbps)
    hits = metrics.in_band(rates_mbps, actual_mbps) & known
    with np.errstate(invalid="ignore"):
        return np.asarray(hits.sum(axis=0) / known.sum(axis=0))


if __name__ == "__main__":
    main()
