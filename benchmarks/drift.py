"""Detections and false alarms of drift detection: `python -m benchmarks.drift [DIR]`.

Noise is log-normal around 100 Mbps, AR(1) in the logarithm; forecasts are an EWMA or the last
value. With DIR, a folder of traces, also the alarms on the links of the test traces.
"""

import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pba.evaluation.metrics import in_band
from pba.monitoring.drift import AlarmStage, DriftDetector, LinkOutcome
from pba.telemetry.traces import read_sets
from pba.types import Floats
from pba.types.profile import PROFILES

ALPHA = {"ewma": 0.5, "last": 1.0}
SPREADS, MEMORIES, LONGER = (0.02, 0.1, 0.2, 0.3), (0.0, 0.5), (0.7, 0.9)
RUNS, BEFORE, WITHIN = 100, (150, 300, 1000), 60
LONG_RUNS, LONG = 5, 10_000


def main(traces: Path | None) -> None:
    planted()
    stationary()
    if traces:
        on_traces(traces, "test")


def planted() -> None:
    steady = " / ".join(map(str, BEFORE))
    print(f"Changed after {steady} samples: runs of {RUNS} flagged within {WITHIN}; median delay")
    print("| forecast | spread | AR(1) | mean -40 % | noise x3 |")
    print("| --- | --- | --- | --- | --- |")
    rng = np.random.default_rng(26)
    for name, spread, phi in itertools.product(ALPHA, SPREADS, MEMORIES):
        lower, wilder = [], []
        for before in BEFORE:
            noise = ar1(rng, (RUNS, before + WITHIN), phi) * spread
            after = np.arange(before + WITHIN) >= before
            lower.append(delays(noise + np.where(after, np.log(0.6), 0.0), before, ALPHA[name]))
            wilder.append(delays(noise * np.where(after, 3.0, 1.0), before, ALPHA[name]))
        print(f"| {name} | {spread:.0%} | {phi} | {cell(lower)} | {cell(wilder)} |", flush=True)


def cell(delays_by_start: list[list[int]]) -> str:
    counts = " / ".join(str(len(one)) for one in delays_by_start)
    return f"{counts}; {np.median(sum(delays_by_start, [])):.0f}"


def delays(noise: Floats, before: int, alpha: float) -> list[int]:
    """Return the samples from the change to the first alarm, inclusive, of runs with an alarm."""
    each = (delay(outcomes(100.0 * np.exp(row), alpha), before) for row in noise)
    return [one for one in each if one is not None]


def delay(run: Iterator[LinkOutcome], before: int) -> int | None:
    detector = DriftDetector()
    for index, outcome in enumerate(run, start=1):
        alarm = detector.update(outcome)
        if alarm and alarm.stage is not AlarmStage.ENDED and index >= before:
            return index - before + 1
    return None


def stationary() -> None:
    print(f"\nNothing changes: alarms in {LONG_RUNS} runs of {LONG} samples")
    print("| forecast | spread |" + "".join(f" AR(1) {phi} |" for phi in MEMORIES + LONGER))
    print("| --- | --- |" + " --- |" * len(MEMORIES + LONGER))
    rng, counts, start = np.random.default_rng(27), [], time.perf_counter()
    for name, spread in itertools.product(ALPHA, SPREADS):
        counts.append([false_alarms(rng, spread, phi, name) for phi in MEMORIES + LONGER])
        print(f"| {name} | {spread:.0%} | {' | '.join(map(str, counts[-1]))} |", flush=True)
    samples = len(counts) * LONG_RUNS * LONG
    rates = np.sum(counts, axis=0) / samples * 1e4
    print(f"| per 10 000 of {samples} | | {' | '.join(f'{rate:.2f}' for rate in rates)} |")
    each_us = (time.perf_counter() - start) / samples / len(rates) * 1e6
    print(f"\n{each_us:.0f} us per outcome")


def false_alarms(rng: np.random.Generator, spread: float, phi: float, name: str) -> int:
    noise = ar1(rng, (LONG_RUNS, LONG), phi) * spread
    return sum(count_alarms(outcomes(100.0 * np.exp(row), ALPHA[name]))[0] for row in noise)


def on_traces(folder: Path, split: str) -> None:
    print(f"\nAlarms on {split} traces, EWMA forecasts")
    print("| mode | set | samples | alarms per 1000 | streams | share of time in alarm |")
    print("| --- | --- | --- | --- | --- | --- |")
    for mode in PROFILES:
        for name, traces in read_sets(folder, mode).items():
            rates = [trace.telemetry[:, 0] for trace in traces if trace.split == split]
            if rates:
                print(f"| {mode} | {name} | {alarm_rates(rates)} |", flush=True)


def alarm_rates(rates_mbps: list[Floats]) -> str:
    alarms, during, streams = 0, 0, dict[str, int]()
    for rate_mbps in rates_mbps:
        count, open_for, changed = count_alarms(outcomes(rate_mbps, ALPHA["ewma"]))
        alarms, during = alarms + count, during + open_for
        for stream in changed:
            streams[stream] = streams.get(stream, 0) + 1
    samples = sum(map(len, rates_mbps))
    named = ", ".join(f"{name} {count}" for name, count in sorted(streams.items()))
    return f"{samples} | {alarms / samples * 1e3:.1f} | {named} | {during / samples:.2f}"


def count_alarms(run: Iterator[LinkOutcome]) -> tuple[int, int, list[str]]:
    """Return the alarms, the outcomes during an alarm, and the streams that raised them."""
    detector, alarms, during, streams = DriftDetector(), 0, 0, []
    for outcome in run:
        alarm = detector.update(outcome)
        during += detector.alarm is not None
        if alarm and alarm.stage is AlarmStage.OPENED:
            alarms += 1
            streams += [change.what.value for change in alarm.changes]
    return alarms, during, streams


def outcomes(rate_mbps: Floats, alpha: float) -> Iterator[LinkOutcome]:
    forecast = smoothed(rate_mbps, alpha)[:-1]
    actual = rate_mbps[1:]
    hits = in_band(forecast, actual)
    rows = zip(actual.tolist(), forecast.tolist(), hits.tolist(), strict=True)
    yield from (LinkOutcome(float(second), *row) for second, row in enumerate(rows, start=1))


def smoothed(rate_mbps: Floats, alpha: float) -> Floats:
    """Return `pba.models.ewma.Ewma` of a series of any length instead of a window."""
    return recursion(rate_mbps * alpha, 1.0 - alpha, rate_mbps[0])


def ar1(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> Floats:
    """Return standard normal values with a correlation of ``phi`` between neighbours in a row."""
    noise = rng.standard_normal(shape)
    drive = np.sqrt(1.0 - phi**2) * noise.T
    return recursion(drive, phi, noise[:, 0]).T


def recursion(drive: Floats, keep: float, first: Floats) -> Floats:
    values = np.empty_like(drive)
    values[0] = first
    for index in range(1, len(drive)):
        values[index] = drive[index] + keep * values[index - 1]
    return values


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
