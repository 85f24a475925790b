"""Accuracy with and without `unstable_window` and `out_of_range`, in one process.

`python -m benchmarks.reasons DIR [SPLIT]` forecasts with the serving code at every point of the
traces with a whole window, and compares the forecasts with a reason to those without. Then 2000 of
the windows are forecast with their rates, or latency and jitter, times a factor.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pba.evaluation.metrics import in_band
from pba.forecasting.query import Query
from pba.serving.local_service import LocalService
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace, read_sets
from pba.telemetry.windows import runs
from pba.types import COLUMNS, HORIZONS, Floats, Forecast, History, NetworkMode
from pba.types.profile import PROFILES

PROJECT = Path(__file__).parents[1]
REASONS = ("unstable_window", "out_of_range")
FIGURES = ("in band", "above the 0.95 quantile", "mean confidence")
RATES, TIMES_MS = (0, 4), (1, 3)
FACTORS = {RATES: (1e-6, 1e-3, 1.0, 10.0), TIMES_MS: (1e-3, 1e-2, 1.0, 1e2, 1e3)}
AT_ONCE = 512
SECONDS = np.arange(60.0)


class Outcomes(NamedTuple):
    """Outcomes of forecasts, ``(forecast, horizon)``, or ``(forecast, reason)`` for ``reasons``."""

    hits: np.ndarray
    above: np.ndarray
    confidence: Floats
    known: np.ndarray
    reasons: np.ndarray

    def where(self, mask: np.ndarray) -> "Outcomes":
        return Outcomes(*(part[mask] for part in self))


def main(folder: Path, split: str) -> None:
    service = LocalService.load(PROJECT / "models")
    for mode in PROFILES:
        sets = read_sets(folder, mode).items()
        selected = {name: [one for one in traces if one.split == split] for name, traces in sets}
        outcomes = {
            name: Outcomes(*map(np.concatenate, zip(*parts, strict=True)))
            for name, traces in selected.items()
            if (parts := [part for one in traces for part in replay(service, one, mode)])
        }
        total = Outcomes(*map(np.concatenate, zip(*outcomes.values(), strict=True)))
        print_scaled(service, [one for traces in selected.values() for one in traces], mode)
        for index, reason in enumerate(REASONS):
            print(f"\n{mode}, {split}: {', '.join(FIGURES)}, with / without `{reason}`")
            print("| set | forecasts with it |" + "".join(f" {steps} |" for steps in HORIZONS))
            print("| --- | --- |" + " --- |" * len(HORIZONS))
            for name, one in {**outcomes, "**all**": total}.items():
                print(row(name, one, one.reasons[:, index]), flush=True)


def row(name: str, outcomes: Outcomes, mask: np.ndarray) -> str:
    parts = [outcomes.where(mask), outcomes.where(~mask)]
    cells = [
        ", ".join(cell(parts, horizon, figure) for figure in range(len(FIGURES)))
        for horizon in range(len(HORIZONS))
    ]
    return f"| {name} | {mask.mean():.4f} of {len(mask)} | {' | '.join(cells)} |"


def cell(parts: list[Outcomes], horizon: int, figure: int) -> str:
    columns = [part[figure][part.known[:, horizon], horizon] for part in parts]
    return " / ".join(f"{column.mean():.3f}" if column.size else "–" for column in columns)


def replay(service: LocalService, trace: Trace, mode: NetworkMode) -> Iterator[Outcomes]:
    """Yield the outcomes in each stretch of ``trace`` between gaps."""
    window = PROFILES[mode].window
    for _, telemetry, _ in runs(trace.timestamps_s, trace.telemetry):
        ends = range(window, len(telemetry))
        for start in range(0, len(ends), AT_ONCE):
            chunk = ends[start : start + AT_ONCE]
            queries = [
                Query(History(SECONDS[:window], telemetry[end - window : end]), mode)
                for end in chunk
            ]
            yield score(service.forecasts(queries), telemetry[:, 0], np.array(chunk))


def print_scaled(service: LocalService, traces: list[Trace], mode: NetworkMode) -> None:
    """Print the accuracy on windows whose measurements are multiplied by a factor."""
    windows = WindowSet.of({"": traces}, PROFILES[mode].window)
    order = np.random.default_rng(0).permutation(len(windows))
    print(f"\n{mode}: in band at 1 step with scaled measurements")
    for columns, factors in FACTORS.items():
        measured = np.isfinite(windows.values[windows.ends[order], columns[0]])
        batch = windows.gather(order[measured][:2000])
        actual = batch.future_mbps[:, 0]
        cells = []
        for factor in factors:
            telemetry = batch.telemetry.astype(float)
            telemetry[:, :, columns] = np.minimum(telemetry[:, :, columns] * factor, 1e6)
            queries = [Query(History(SECONDS[: len(one)], one), mode) for one in telemetry]
            points = np.array([one.bandwidth_mbps for one in service.forecasts(queries)])
            rescaled = points / factor if columns is RATES else points
            cells.append(f"x{factor:g} {in_band(rescaled, actual).mean():.3f}")
        named = ", ".join(COLUMNS[column] for column in columns)
        print(f"{named}, {len(actual)} windows: {', '.join(cells)}", flush=True)


def score(forecasts: list[Forecast], rate_mbps: Floats, ends: np.ndarray) -> Outcomes:
    """Return the outcomes of forecasts after ``ends`` samples."""
    ahead = ends[:, None] - 1 + np.array(HORIZONS)
    known = ahead < len(rate_mbps)
    actual = rate_mbps[np.where(known, ahead, 0)]
    rows = [forecast.horizons for forecast in forecasts]
    points = np.array([[horizon.bandwidth_mbps for horizon in row] for row in rows])
    highest = np.array([[horizon.quantiles_mbps[-1] for horizon in row] for row in rows])
    return Outcomes(
        in_band(points, actual),
        actual > highest,
        np.array([[horizon.confidence for horizon in row] for row in rows]),
        known,
        np.array([[reason in one.reasons for reason in REASONS] for one in forecasts]),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "test")
