"""Accuracy right after steps, before and now: `python -m benchmarks.after_steps --traces DIR`.

A step is a rate over three times the one before it, or under a third. A new level is a step outside
a third to three times of each of the 30 rates before it, as an outlier is: what replaces outliers
must not slow down what follows levels. Forecasts follow 1, 2 and 3 samples of the step; they are
scored one step ahead, at a fixed random sample of steps in each set.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clustered import Mean, clustered_mean
from benchmarks.robustness import frozen_service
from benchmarks.sampled_traces import Run, sampled_runs, trace_runs
from benchmarks.two_trees import on_both
from pba.evaluation.metrics import in_band
from pba.forecasting import Query
from pba.serving.local_service import LocalService
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

FACTOR, AROUND, LEAST_MBPS = 3.0, 30, 0.01
SAMPLES_AFTER = (1, 2, 3)
SPLITS = ("val", "test")
KINDS = ("steps", "new levels")
AT_ONCE = 256
NOW_S = 1_772_323_200.0  # of the frozen service
Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument(
        "--per-set", type=int, default=140, help="the most steps of a kind in a set"
    )
    parser.add_argument("--json", action="store_true", help="the hits of this tree alone")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(list(measure(options.traces, options.per_set))))
        return
    arguments = ["--json", "--traces", str(options.traces.resolve())]
    before, now = on_both("benchmarks.after_steps", [*arguments, "--per-set", str(options.per_set)])
    print_table(json.loads(before), json.loads(now))


def measure(folder: Path, per_set: int) -> Iterator[Figures]:
    """Yield the hits ``(step, samples after)`` of each mode, split and kind, and their traces."""
    service = frozen_service()
    for mode in PROFILES:
        for split in SPLITS:
            sets = trace_runs(folder, mode, split)
            for kind in KINDS:
                runs = [
                    run
                    for of_set in sets.values()
                    for run in sampled_runs([with_steps(one, kind) for one in of_set], per_set)
                    if run.points.size
                ]
                if runs:
                    hits = hits_after(service, mode, runs).tolist()
                    traces = [run.trace_id for run in runs for _ in run.points]
                    yield {
                        "mode": mode,
                        "split": split,
                        "kind": kind,
                        "hits": hits,
                        "traces": traces,
                    }


def with_steps(run: Run, kind: str) -> Run:
    """Return ``run`` with the points that are steps and have all actuals."""
    rates = np.maximum(run.telemetry[:, 0], LEAST_MBPS)
    points = run.points[run.points + SAMPLES_AFTER[-1] < len(rates)]
    reach = 1 if kind == "steps" else AROUND
    before = np.lib.stride_tricks.sliding_window_view(rates, reach)
    if not points.size or points[0] < reach:
        points = points[points >= reach]
    around = before[points - reach]
    above = rates[points] > FACTOR * around.max(axis=1)
    below = FACTOR * rates[points] < around.min(axis=1)
    return run._replace(points=points[above | below])


def hits_after(service: LocalService, mode: NetworkMode, runs: Sequence[Run]) -> np.ndarray:
    """Return which forecasts one step ahead are in band, ``(step, samples after)``."""
    window = PROFILES[mode].window
    times_s = NOW_S + np.arange(1.0 - window, 1.0)
    ends = [
        (run, at + after) for run in runs for at in run.points.tolist() for after in SAMPLES_AFTER
    ]
    points: list[float] = []
    for start in range(0, len(ends), AT_ONCE):
        chunk = ends[start : start + AT_ONCE]
        windows = [run.telemetry[max(0, end - window) : end] for run, end in chunk]
        histories = [History(times_s[-len(one) :], one) for one in windows]
        forecasts = service.forecasts([Query(history, mode) for history in histories])
        points += [forecast.bandwidth_mbps for forecast in forecasts]
    actual = np.array([run.telemetry[end, 0] for run, end in ends])
    return in_band(np.array(points), actual).reshape(-1, len(SAMPLES_AFTER))


def print_table(before: Sequence[Figures], now: Sequence[Figures]) -> None:
    print(
        "| mode, traces | steps | accuracy_20 before → now, difference ± error, 1 sample after |",
        end="",
    )
    print(" 2 samples | 3 samples |\n" + "| --- " * 5 + "|")
    for one, other in zip(before, now, strict=True):
        traces = np.array(one["traces"])
        columns = zip(np.array(one["hits"]).T, np.array(other["hits"]).T, strict=True)
        cells = [cell(old, new, traces) for old, new in columns]
        label = f"{one['mode']}, {one['split']}"
        print(f"| {label} | {len(traces)} {one['kind']} | {' | '.join(cells)} |")


def cell(before: Floats, now: Floats, traces: np.ndarray) -> str:
    gained: Mean = clustered_mean(now.astype(float) - before, traces)
    return f"{before.mean():.3f} → {now.mean():.3f}, {gained}"


if __name__ == "__main__":
    main()
