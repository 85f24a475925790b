"""Detections and false alarms of drift detection: `python -m benchmarks.drift [DIR]`.

Noise is log-normal around 100 Mbps, AR(1) in the logarithm; forecasts are an EWMA or the last
value. With DIR, a folder of traces, also the alarms on the links of the test traces.
"""

import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pba.evaluation.metrics import in_band
from pba.monitoring.drift import Alarm, AlarmStage, LinkDriftTable
from pba.telemetry.traces import read_sets
from pba.types import Floats
from pba.types.profile import PROFILES

ALPHA = {"ewma": 0.5, "last": 1.0}
SPREADS, MEMORIES, LONGER = (0.02, 0.1, 0.2, 0.3), (0.0, 0.5), (0.7, 0.9)
RUNS, BEFORE, WITHIN = 100, (150, 300, 1000), 60
LONG_RUNS, LONG = 5, 10_000
BATCH, STEPS = 500, 300


def main(traces: Path | None) -> None:
    planted()
    stationary()
    costs()
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
    first = dict[int, int]()
    for index, alarms in enumerate(advance(100.0 * np.exp(noise.T), alpha), start=1):
        for run, alarm in alarms:
            if alarm.stage is not AlarmStage.ENDED and index >= before:
                first.setdefault(run, index - before + 1)
    return list(first.values())


def stationary() -> None:
    print(f"\nNothing changes: alarms in {LONG_RUNS} runs of {LONG} samples")
    print("| forecast | spread |" + "".join(f" AR(1) {phi} |" for phi in MEMORIES + LONGER))
    print("| --- | --- |" + " --- |" * len(MEMORIES + LONGER))
    rng, memories = np.random.default_rng(27), MEMORIES + LONGER
    kinds = list(itertools.product(ALPHA, SPREADS, memories))
    noise = [ar1(rng, (LONG_RUNS, LONG), phi) * spread for _, spread, phi in kinds]
    alpha = np.repeat([ALPHA[name] for name, _, _ in kinds], LONG_RUNS)
    alarms = np.zeros(len(kinds), dtype=int)
    for step in advance(100.0 * np.exp(np.concatenate(noise).T), alpha):
        for row, alarm in step:
            alarms[row // LONG_RUNS] += alarm.stage is AlarmStage.OPENED
    counts = alarms.reshape(-1, len(memories))
    for (name, spread), row in zip(itertools.product(ALPHA, SPREADS), counts, strict=True):
        print(f"| {name} | {spread:.0%} | {' | '.join(map(str, row.tolist()))} |")
    samples = len(counts) * LONG_RUNS * LONG
    rates = counts.sum(axis=0) / samples * 1e4
    print(f"| per 10 000 of {samples} | | {' | '.join(f'{rate:.2f}' for rate in rates)} |")


def costs() -> None:
    """Print bytes and CPU of an outcome of a link, the state read and written each time."""
    rng = np.random.default_rng(28)
    rate_mbps = 100.0 * np.exp(0.1 * ar1(rng, (BATCH, STEPS), 0.5).T)
    forecast_mbps = smoothed(rate_mbps, ALPHA["ewma"])
    rows, states = np.arange(BATCH), list[bytes | None]([None] * BATCH)
    start = time.process_time()
    for step in range(1, STEPS):
        table = LinkDriftTable.from_bytes(states)
        hits = in_band(forecast_mbps[step - 1], rate_mbps[step])
        at_us = np.full(BATCH, step * 1_000_000)
        table.advance(rows, at_us, rate_mbps[step], forecast_mbps[step - 1], hits)
        states = [*table.to_bytes()]
    each_us = (time.process_time() - start) / (STEPS - 1) / BATCH * 1e6
    sizes = [len(state or b"") for state in states]
    print(f"\n{each_us:.1f} us of CPU an outcome in batches of {BATCH} links, read and written;")
    print(f"{min(sizes)} bytes a link")


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
    """Return the samples, the alarms, the streams that opened them, and the time in alarm."""
    longest, count = max(map(len, rates_mbps)), len(rates_mbps)
    rate_mbps = np.full((longest, count), np.nan)
    for link, rates in enumerate(rates_mbps):
        rate_mbps[: len(rates), link] = rates
    opened, ended, streams = dict[int, int](), 0, Counter[str]()
    during = 0
    for step, alarms in enumerate(advance(rate_mbps, ALPHA["ewma"]), start=1):
        for link, alarm in alarms:
            if alarm.stage is AlarmStage.OPENED:
                opened[link] = step
                streams.update(change.what.value for change in alarm.changes)
            elif alarm.stage is AlarmStage.ENDED:
                during, ended = during + step - opened.pop(link), ended + 1
    during += sum(len(rates_mbps[link]) - step for link, step in opened.items())
    samples, total = sum(map(len, rates_mbps)), ended + len(opened)
    named = ", ".join(f"{name} {number}" for name, number in sorted(streams.items()))
    return f"{samples} | {total / samples * 1e3:.1f} | {named} | {during / samples:.2f}"


def advance(rate_mbps: Floats, alpha: float | Floats) -> Iterator[list[tuple[int, Alarm]]]:
    """Yield the alarms of links after each sample; a link ends with its first NaN.

    Parameters
    ----------
    rate_mbps
        ``(sample, link)``.
    alpha
        Of the EWMA that forecasts them, or of each link's.
    """
    table = LinkDriftTable.from_bytes([None] * rate_mbps.shape[1])
    forecast_mbps = smoothed(rate_mbps, alpha)
    for step in range(1, len(rate_mbps)):
        rows = np.flatnonzero(np.isfinite(rate_mbps[step]))
        actual, forecast = rate_mbps[step, rows], forecast_mbps[step - 1, rows]
        at_us = np.full(len(rows), step * 1_000_000)
        yield table.advance(rows, at_us, actual, forecast, in_band(forecast, actual))


def smoothed(rate_mbps: Floats, alpha: float | Floats) -> Floats:
    """Return `pba.models.ewma.Ewma` of a series of any length instead of a window."""
    return recursion(rate_mbps * alpha, 1.0 - alpha, rate_mbps[0])


def ar1(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> Floats:
    """Return standard normal values with a correlation of ``phi`` between neighbours in a row."""
    noise = rng.standard_normal(shape)
    drive = np.sqrt(1.0 - phi**2) * noise.T
    return recursion(drive, phi, noise[:, 0]).T


def recursion(drive: Floats, keep: float | Floats, first: Floats) -> Floats:
    values = np.empty_like(drive)
    values[0] = first
    for index in range(1, len(drive)):
        values[index] = drive[index] + keep * values[index - 1]
    return values


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
