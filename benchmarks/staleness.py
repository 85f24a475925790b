"""Forecasts whose newest samples are withheld: `python -m benchmarks.staleness --traces DIR`.

At a fixed random sample of moments, the newest k samples are not there yet: the newest known one is
k steps old. The forecasts are scored 1, 5 and 15 steps after the moment, k + 1, k + 5 and k + 15
steps after the newest known sample.
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.sampled_traces import Run, actual_mbps, sampled_runs, trace_runs
from pba.evaluation.metrics import calibration_error, in_band
from pba.forecasting import ForecastJob, ModelOutput, Query
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.types import HORIZONS, Floats, Forecast, History, NetworkMode
from pba.types.profile import PROFILES

WITHHELD = (0, 1, 2, 3, 5, 8, 15, 20, 30, 45, 60)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT_ONCE = 256
LIMIT = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--split", default="test", help="val to choose constants, test to report")
    parser.add_argument("--per-set", type=int, default=200, help="the most moments of a set")
    options = parser.parse_args()
    for mode in PROFILES:
        sets = trace_runs(options.traces, mode, options.split)
        model, _ = artifacts.load(str(Path("models") / mode), mode)
        runs = [run for of_set in sets.values() for run in sampled_runs(of_set, options.per_set)]
        forecasts = forecast_all(model, mode, runs)
        print(
            f"\n{mode}, {options.split} traces, {len(forecasts[0])} moments of {len(sets)} sets\n"
        )
        print(
            "| withheld | accuracy_20 at 1 / 5 / 15 | mean confidence | calibration error | all |"
        )
        print("|" + " --- |" * 5)
        for withheld, of_age in zip(WITHHELD, forecasts, strict=True):
            print(row(withheld, of_age, np.concatenate([actual_mbps(r, withheld) for r in runs])))


def forecast_all(
    model: OnnxForecaster, mode: NetworkMode, runs: Sequence[Run]
) -> list[list[Forecast]]:
    """Return the forecasts after each point of ``runs`` for each age of `WITHHELD`."""
    forecasts: list[list[Forecast]] = [[] for _ in WITHHELD]
    for queries in chunks(runs, mode):
        job = ForecastJob(queries)
        outputs = [
            ModelOutput(model.version, model.bins, model.predict(call.telemetry))
            for call in job.calls
        ]
        for of_age, withheld in zip(forecasts, WITHHELD, strict=True):
            for result in job.finish(outputs, NOW + timedelta(seconds=withheld)):
                if isinstance(result, Exception):
                    raise result
                of_age.append(result.forecast)
    return forecasts


def chunks(runs: Sequence[Run], mode: NetworkMode) -> Iterator[list[Query]]:
    """Yield the queries at each point of ``runs``, with a step of one second."""
    window = PROFILES[mode].window
    times_s = NOW.timestamp() + np.arange(1.0 - window, 1.0)
    queries = [
        Query(History(times_s, run.telemetry[at + 1 - window : at + 1]), mode)
        for run in runs
        for at in run.points.tolist()
    ]
    for start in range(0, len(queries), AT_ONCE):
        yield queries[start : start + AT_ONCE]


def row(withheld: int, forecasts: Sequence[Forecast], actual: Floats) -> str:
    horizons = [forecast.horizons for forecast in forecasts]
    points = np.array([[horizon.bandwidth_mbps for horizon in row] for row in horizons])
    confidence = np.array([[horizon.confidence for horizon in row] for row in horizons])
    ended = ~np.isnan(actual)
    hits = in_band(points, np.where(ended, actual, 0.0))
    columns = [(confidence[ended[:, i], i], hits[ended[:, i], i]) for i in range(len(HORIZONS))]
    errors = [calibration_error(*column) for column in columns]
    cells = [
        [float(of_horizon.mean()) for _, of_horizon in columns],
        [float(sure.mean()) for sure, _ in columns],
        errors,
        [calibration_error(confidence[ended], hits[ended])],
    ]
    texts = [" / ".join(f"{value:.3f}" for value in values) for values in cells]
    return f"| {withheld} | {' | '.join(texts)} |"


if __name__ == "__main__":
    main()
