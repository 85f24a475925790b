"""Stretches of traces without gaps, and a fixed random sample of the moments to forecast at."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from pba.telemetry.traces import read_sets
from pba.types import HORIZONS, Floats, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["Run", "actual_mbps", "sampled_runs", "trace_runs"]

NOT_COUNTED = ("hairpin_gaming", "zhuge_wifi_4g_200ms")
"""Not capacity, and the same recordings as another set."""

GAP_INTERVALS = 10.0


class Run(NamedTuple):
    """A stretch of one trace; forecasts follow its samples at ``points``, shape ``(point,)``."""

    trace_id: str
    times_s: Floats
    telemetry: Floats
    points: np.ndarray


def trace_runs(folder: Path, mode: NetworkMode, split: str = "test") -> dict[str, list[Run]]:
    """Return each set's stretches that hold a whole window and a sample after it, and its points.

    The points are all samples that end a window of the mode and have a sample after them.
    """
    window = PROFILES[mode].window
    sets = {}
    for name, traces in read_sets(folder, mode).items():
        runs = [
            Run(trace.trace_id, times_s, telemetry, np.arange(window - 1, len(times_s) - 1))
            for trace in traces
            if trace.split == split
            for times_s, telemetry in _gap_free(trace.timestamps_s, trace.telemetry)
            if len(times_s) > window
        ]
        if runs and name not in NOT_COUNTED:
            sets[name] = runs
    return sets


def sampled_runs(runs: list[Run], most: int, seed: int = 0) -> list[Run]:
    """Return ``runs`` with at most ``most`` of their points, drawn without repetition."""
    counts = [len(run.points) for run in runs]
    drawn = np.random.default_rng(seed).permutation(sum(counts))[:most]
    stops = np.cumsum(counts)
    return [
        run._replace(
            points=run.points[
                np.sort(drawn[(drawn >= stop - count) & (drawn < stop)]) - (stop - count)
            ]
        )
        for run, count, stop in zip(runs, counts, stops.tolist(), strict=True)
    ]


def actual_mbps(run: Run, ahead: int = 0) -> Floats:
    """Return the rate at each horizon after ``ahead`` samples after each point, or NaN.

    Returns
    -------
    Floats
        Shape ``(point, horizon)``.
    """
    samples = run.points[:, None] + ahead + np.array(HORIZONS)
    measured = samples < len(run.telemetry)
    return np.where(measured, run.telemetry[np.where(measured, samples, 0), 0], np.nan)


def _gap_free(times_s: Floats, telemetry: Floats) -> list[tuple[Floats, Floats]]:
    if len(times_s) < 2:
        return [(times_s, telemetry)]
    intervals = np.diff(times_s)
    starts = np.flatnonzero(intervals > GAP_INTERVALS * np.median(intervals)) + 1
    parts = zip(np.split(times_s, starts), np.split(telemetry, starts), strict=True)
    return list(parts)
