"""What do `unstable_window` and `out_of_range` tell? `python -m benchmarks.reasons DIR [SPLIT]`.

Every moment of the traces with a whole window before it, through the path that serves, in one
process: how the forecasts that carry a reason turned out, beside those that do not. Then what is
no reason: 2000 of the windows with their rates, or latency and jitter, times a factor.
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
from pba.telemetry.windows import split_at_gaps
from pba.types import COLUMNS, HORIZONS, Floats, Forecast, History, NetworkMode
from pba.types.profile import PROFILES

PROJECT = Path(__file__).parents[1]
REASONS = ("unstable_window", "out_of_range")
FIGURES = ("in band", "above the 0.95 quantile", "mean confidence")
RATES, TIMES_MS = (0, 4), (1, 3)
FACTORS = {RATES: (1e-6, 1e-3, 1.0, 10.0), TIMES_MS: (1e-3, 1e-2, 1.0, 1e2, 1e3)}
AT_ONCE = 512
SECONDS = np.arange(60.0)


class Turned(NamedTuple):
    """How forecasts turned out, ``(forecast, …)``: horizons, or `REASONS` for ``reasons``."""

    hits: np.ndarray
    above: np.ndarray
    confidence: Floats
    known: np.ndarray
    reasons: np.ndarray

    def where(self, which: np.ndarray) -> "Turned":
        return Turned(*(part[which] for part in self))


def main(folder: Path, split: str) -> None:
    service = LocalService.load(PROJECT / "models")
    for mode in PROFILES:
        sets = read_sets(folder, mode).items()
        chosen = {name: [one for one in found if one.split == split] for name, found in sets}
        turned = {
            name: Turned(*map(np.concatenate, zip(*parts, strict=True)))
            for name, traces in chosen.items()
            if (parts := [part for one in traces for part in live(service, one, mode)])
        }
        total = Turned(*map(np.concatenate, zip(*turned.values(), strict=True)))
        far(service, [one for traces in chosen.values() for one in traces], mode)
        for at, reason in enumerate(REASONS):
            print(f"\n{mode}, {split}: {', '.join(FIGURES)}, with / without `{reason}`")
            print("| set | forecasts with it |" + "".join(f" {steps} |" for steps in HORIZONS))
            print("| --- | --- |" + " --- |" * len(HORIZONS))
            for name, one in {**turned, "**all**": total}.items():
                print(row(name, one, one.reasons[:, at]), flush=True)


def row(name: str, one: Turned, told: np.ndarray) -> str:
    parts = [one.where(told), one.where(~told)]
    cells = [", ".join(cell(parts, at, which) for which in range(3)) for at in range(len(HORIZONS))]
    return f"| {name} | {told.mean():.4f} of {len(told)} | {' | '.join(cells)} |"


def cell(parts: list[Turned], at: int, which: int) -> str:
    values = [part[which][part.known[:, at], at] for part in parts]
    return " / ".join(f"{found.mean():.3f}" if found.size else "–" for found in values)


def live(service: LocalService, trace: Trace, mode: NetworkMode) -> Iterator[Turned]:
    """Yield how it went in each stretch of ``trace`` between pauses."""
    window = PROFILES[mode].window
    for telemetry in split_at_gaps(trace.timestamps_s, trace.telemetry):
        ends = range(window, len(telemetry))
        for start in range(0, len(ends), AT_ONCE):
            some = ends[start : start + AT_ONCE]
            queries = [
                Query(History(SECONDS[:window], telemetry[end - window : end]), mode)
                for end in some
            ]
            yield against(service.forecasts(queries), telemetry[:, 0], np.array(some))


def far(service: LocalService, traces: list[Trace], mode: NetworkMode) -> None:
    """Print how many are in band when what was measured is of another size."""
    windows = WindowSet.of({"": traces}, PROFILES[mode].window)
    order = np.random.default_rng(0).permutation(len(windows))
    print(f"\n{mode}: in band at 1 step where what was measured is multiplied")
    for columns, factors in FACTORS.items():
        measured = np.isfinite(windows.values[windows.ends[order], columns[0]])
        given = windows.gather(order[measured][:2000])
        actual = given.future_mbps[:, 0]
        cells = []
        for factor in factors:
            telemetry = given.telemetry.astype(float)
            telemetry[:, :, columns] = np.minimum(telemetry[:, :, columns] * factor, 1e6)
            queries = [Query(History(SECONDS[: len(one)], one), mode) for one in telemetry]
            points = np.array([one.bandwidth_mbps for one in service.forecasts(queries)])
            told = points / factor if columns is RATES else points
            cells.append(f"x{factor:g} {in_band(told, actual).mean():.3f}")
        named = ", ".join(COLUMNS[column] for column in columns)
        print(f"{named}, {len(actual)} windows: {', '.join(cells)}", flush=True)


def against(said: list[Forecast], rate_mbps: Floats, ends: np.ndarray) -> Turned:
    """Hold forecasts made after ``ends`` samples against what came."""
    ahead = ends[:, None] - 1 + np.array(HORIZONS)
    known = ahead < len(rate_mbps)
    actual = rate_mbps[np.where(known, ahead, 0)]
    horizons = [one.horizons for one in said]
    points = np.array([[found.bandwidth_mbps for found in one] for one in horizons])
    highest = np.array([[found.quantiles_mbps[-1] for found in one] for one in horizons])
    return Turned(
        in_band(points, actual),
        actual > highest,
        np.array([[found.confidence for found in one] for one in horizons]),
        known,
        np.array([[reason in one.reasons for reason in REASONS] for one in said]),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "test")
