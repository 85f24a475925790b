"""Forecasts from dirty samples, before and now: `python -m benchmarks.robustness --traces DIR`.

Test traces are replayed through the forecast path in one process, clean and with each fault of
`benchmarks.link_faults`. Modes follow every sample, as in the store; forecasts are made at a fixed
random sample of moments, and scored against the clean series.
"""

import argparse
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.link_faults import FAULTS
from benchmarks.sampled_traces import Run, actual_mbps, sampled_runs, trace_runs
from benchmarks.stored_arrivals import StoredArrivals
from benchmarks.two_trees import on_both
from pba.evaluation.metrics import calibration_error, in_band
from pba.forecasting import Query
from pba.registry import artifacts
from pba.serving.local_service import LocalService
from pba.telemetry.link_mode import LinkMode
from pba.types import HORIZONS, Floats, Forecast, History, NetworkMode
from pba.types.profile import PROFILES

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT_ONCE = 256
RECENT = 10
SENTINELS, WITH_RTT = "1 % sentinel RTT", "clean, sets with RTT"
Figures = dict[str, Any]


class Outcomes(NamedTuple):
    """Forecasts and what came: ``(forecast, horizon)``, or ``(forecast,)`` for the last two."""

    points_mbps: Floats
    confidence: Floats
    actual_mbps: Floats
    from_model: np.ndarray
    irregular: np.ndarray


class ModeCount(NamedTuple):
    switches: int
    samples: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--per-set", type=int, default=100, help="the most forecasts of a set")
    parser.add_argument("--json", action="store_true", help="the figures of this tree alone")
    options = parser.parse_args()
    if options.json:
        print(
            json.dumps({mode: measure(options.traces, mode, options.per_set) for mode in PROFILES})
        )
        return
    arguments = ["--json", "--traces", str(options.traces.resolve())]
    before, now = on_both("benchmarks.robustness", [*arguments, "--per-set", str(options.per_set)])
    for mode in PROFILES:
        print_table(mode, json.loads(before)[mode], json.loads(now)[mode])


def measure(folder: Path, mode: NetworkMode, per_set: int) -> dict[str, Figures]:
    """Return the figures of each condition."""
    service = frozen_service()
    sets = {name: sampled_runs(runs, per_set) for name, runs in trace_runs(folder, mode).items()}
    measured = [runs for runs in sets.values() if np.isfinite(runs[0].telemetry[:, 1]).any()]
    figures: dict[str, Figures] = {}
    for name in FAULTS:
        runs_of_sets = measured if name == SENTINELS else list(sets.values())
        if name == SENTINELS:
            figures[WITH_RTT] = condition(service, "clean", measured)
        figures[name] = condition(service, name, runs_of_sets)
    return figures


def frozen_service() -> LocalService:
    """Return the service of the models in the working directory, whose clock stands still."""
    models = {mode: artifacts.load(str(Path("models") / mode), mode)[0] for mode in PROFILES}
    return LocalService(models, clock=lambda: NOW)


def condition(service: LocalService, fault: str, sets: Sequence[Sequence[Run]]) -> Figures:
    """Return the figures over all ``sets`` with a fault."""
    queries, actual, counts = [], [], []
    for run in (run for runs in sets for run in runs):
        rng = np.random.default_rng(zlib.crc32(f"{run.trace_id} {fault}".encode()))
        stored = StoredArrivals.of(FAULTS[fault](run.times_s, run.telemetry, rng))
        modes, count = replay_modes(stored)
        counts.append(count)
        ends = stored.arrivals.newest[run.points].tolist()
        queries += [query(stored, at, modes[at]) for at in ends]
        actual.append(actual_mbps(run))
    chunks = (queries[start : start + AT_ONCE] for start in range(0, len(queries), AT_ONCE))
    forecasts = [forecast for chunk in chunks for forecast in service.forecasts(chunk)]
    return summary(outcomes(forecasts, np.concatenate(actual)), counts)


def replay_modes(stored: StoredArrivals) -> tuple[list[NetworkMode], ModeCount]:
    """Return the link's mode after each arrival, detected as in the store."""
    telemetry, stamped_s = stored.arrivals.telemetry, stored.arrivals.stamped_s
    ordered = bool((np.diff(stamped_s) > 0).all())
    link, modes = LinkMode(), []
    for at, newest_us in enumerate(stored.newest_us.tolist()):
        if link.due(newest_us):
            start = max(0, at + 1 - RECENT)
            recent = telemetry[start : at + 1] if ordered else stored.known(at)[1][-RECENT:]
            link = link.after(recent, newest_us)
        modes.append(link.mode or NetworkMode.INTERNET)
    return modes, ModeCount(link.switches, len(modes))


def query(stored: StoredArrivals, at: int, mode: NetworkMode) -> Query:
    """Return the query for the samples after arrival ``at``, moved so that it arrives now."""
    times_s, telemetry = stored.known(at)
    moved_s = times_s - stored.arrivals.arrived_s[at] + NOW.timestamp()
    return Query(History(moved_s, telemetry), mode)


def outcomes(forecasts: Sequence[Forecast], actual: Floats) -> Outcomes:
    horizons = [forecast.horizons for forecast in forecasts]
    return Outcomes(
        np.array([[horizon.bandwidth_mbps for horizon in row] for row in horizons]),
        np.array([[horizon.confidence for horizon in row] for row in horizons]),
        actual,
        np.array([forecast.source in ("model", "ensemble") for forecast in forecasts]),
        np.array(["irregular_window" in forecast.reasons for forecast in forecasts]),
    )


def summary(forecasts: Outcomes, counts: Sequence[ModeCount]) -> Figures:
    columns = list(by_horizon(forecasts))
    samples = sum(count.samples for count in counts)
    return {
        "forecasts": len(forecasts.actual_mbps),
        "accuracy_20": [float(hits.mean()) for _, hits in columns],
        "calibration error": [calibration_error(*column) for column in columns],
        "switches per 1000": 1000 * sum(count.switches for count in counts) / samples,
        "model": float(forecasts.from_model.mean()),
        "irregular": float(forecasts.irregular.mean()),
    }


def by_horizon(forecasts: Outcomes) -> Iterator[tuple[Floats, np.ndarray]]:
    """Yield confidence and hits at each horizon, where there is an actual."""
    for index in range(len(HORIZONS)):
        actual = forecasts.actual_mbps[:, index]
        ended = ~np.isnan(actual)
        hits = in_band(forecasts.points_mbps[ended, index], actual[ended])
        yield forecasts.confidence[ended, index], hits


def print_table(mode: str, before: Mapping[str, Figures], now: Mapping[str, Figures]) -> None:
    print(f"\n{mode}, test traces: before → now\n")
    print(
        "| samples | forecasts | accuracy_20 at 1 / 5 / 15 | calibration error at 1 / 5 / 15 "
        "| mode switches per 1000 | from models | `irregular_window` |"
    )
    print("|" + " --- |" * 7)
    for name, figures in now.items():
        pairs = [(before[name][key], figures[key]) for key in list(figures)[1:]]
        cells = " | ".join(f"{cell(one)} → {cell(other)}" for one, other in pairs)
        print(f"| {name} | {figures['forecasts']} | {cells} |")


def cell(value: float | Sequence[float]) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return " / ".join(f"{one:.3f}" for one in value)


if __name__ == "__main__":
    main()
