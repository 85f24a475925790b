"""What replaced outliers change in the model's accuracy on real traces.

`python -m benchmarks.cleaned_windows --traces DIR` forecasts with the model alone at every
evaluation point of test traces, from raw windows and from windows without outliers, as
`pba evaluate` does. Windows that cleaning does not change differ by nothing; of the others, a fixed
random sample in each set stands for all.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.clustered import clustered_mean
from benchmarks.sampled_traces import NOT_COUNTED
from pba.errors import NotEnoughData
from pba.evaluation.candidates import as_candidate, served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.metrics import in_band
from pba.models.base import Forecaster
from pba.registry import artifacts
from pba.telemetry.outliers import clean_windows
from pba.telemetry.traces import read_sets
from pba.types import HORIZONS, Floats
from pba.types.profile import PROFILES

AT_ONCE = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument(
        "--per-set", type=int, default=400, help="the most changed windows of a set"
    )
    options = parser.parse_args()
    for mode, profile in PROFILES.items():
        model, _ = artifacts.load(str(Path("models") / mode), mode)
        print(f"\n{mode}, {options.split} traces\n")
        print("| set | windows | with outliers | accuracy_20 at 1 / 5 / 15, cleaned less raw |")
        print("| --- | --- | --- | --- |")
        for name, traces in read_sets(options.traces, mode).items():
            chosen = [trace for trace in traces if trace.split == options.split]
            if name in NOT_COUNTED:
                continue
            try:
                points = EvaluationPoints.of(chosen, profile.window)
            except NotEnoughData:
                continue
            print(row(name, model, points, options.per_set), flush=True)


def row(name: str, model: Forecaster, points: EvaluationPoints, most: int) -> str:
    changed = changed_windows(points)
    gains = np.zeros(points.actual_mbps.shape)
    if changed.size:
        drawn = np.random.default_rng(0).permutation(changed)[:most]
        gains[drawn] = gain(model, points, drawn) * (len(changed) / len(drawn))
    cells = []
    for index in range(len(HORIZONS)):
        ended = ~np.isnan(points.actual_mbps[:, index])
        cells.append(str(clustered_mean(gains[ended, index], points.trace[ended])))
    return f"| {name} | {len(points)} | {len(changed)} | {' / '.join(cells)} |"


def gain(model: Forecaster, points: EvaluationPoints, chosen: np.ndarray) -> Floats:
    """Return the hits from cleaned windows less those from raw ones, ``(point, horizon)``."""
    hits = []
    for candidate in (as_candidate(model), served_candidate(model, model.name)):
        parts = np.split(chosen, range(AT_ONCE, len(chosen), AT_ONCE))
        forecasts = [candidate.forecast(points.windows.gather(part).telemetry) for part in parts]
        bandwidth_mbps = np.concatenate([one.bandwidth_mbps for one in forecasts])
        hits.append(in_band(bandwidth_mbps, np.nan_to_num(points.actual_mbps[chosen])))
    raw, cleaned = hits
    return np.asarray(cleaned.astype(float) - raw)


def changed_windows(points: EvaluationPoints) -> np.ndarray:
    """Return the points whose windows have outliers."""
    changed = []
    for start in range(0, len(points), AT_ONCE):
        raw = points.windows.gather(np.arange(start, min(start + AT_ONCE, len(points)))).telemetry
        cleaned = clean_windows(raw)
        same = (cleaned == raw) | (np.isnan(cleaned) & np.isnan(raw))
        changed.append(start + np.flatnonzero(~same.all(axis=(1, 2))))
    return np.concatenate(changed)


if __name__ == "__main__":
    main()
