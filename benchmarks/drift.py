"""What drift detection sees and what it imagines: `python -m benchmarks.drift [DIR]`.

Noise is log-normal around 100 Mbps, AR(1) in the logarithm; forecasts are an EWMA's or the last
value. With DIR, a folder of traces, also how often the links of the test traces change.
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


def cell(found: list[list[int]]) -> str:
    return f"{' / '.join(str(len(one)) for one in found)}; {np.median(sum(found, [])):.0f}"


def delays(noise: Floats, before: int, alpha: float) -> list[int]:
    """Samples from the change to the first alarm after it, both counted, of runs that have one."""
    found = (delay(outcomes(100.0 * np.exp(row), alpha), before) for row in noise)
    return [one for one in found if one is not None]


def delay(found: Iterator[LinkOutcome], before: int) -> int | None:
    detector = DriftDetector()
    for at, outcome in enumerate(found, start=1):
        told = detector.update(outcome)
        if told and told.stage is not AlarmStage.ENDED and at >= before:
            return at - before + 1
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
    print(f"\n{each_us:.0f} us an outcome")


def false_alarms(rng: np.random.Generator, spread: float, phi: float, name: str) -> int:
    noise = ar1(rng, (LONG_RUNS, LONG), phi) * spread
    return sum(opened(outcomes(100.0 * np.exp(row), ALPHA[name]))[0] for row in noise)


def on_traces(folder: Path, split: str) -> None:
    print(f"\nAlarms on {split} traces, EWMA forecasts")
    print("| mode | set | samples | alarms per 1000 | streams | share of time in alarm |")
    print("| --- | --- | --- | --- | --- | --- |")
    for mode in PROFILES:
        for name, found in read_sets(folder, mode).items():
            rates = [trace.telemetry[:, 0] for trace in found if trace.split == split]
            if rates:
                print(f"| {mode} | {name} | {restless(rates)} |", flush=True)


def restless(rates_mbps: list[Floats]) -> str:
    alarms, during, what = 0, 0, dict[str, int]()
    for rate_mbps in rates_mbps:
        count, open_for, changed = opened(outcomes(rate_mbps, ALPHA["ewma"]))
        alarms, during = alarms + count, during + open_for
        for one in changed:
            what[one] = what.get(one, 0) + 1
    samples = sum(map(len, rates_mbps))
    named = ", ".join(f"{name} {count}" for name, count in sorted(what.items()))
    return f"{samples} | {alarms / samples * 1e3:.1f} | {named} | {during / samples:.2f}"


def opened(found: Iterator[LinkOutcome]) -> tuple[int, int, list[str]]:
    """Alarms that opened, outcomes during which one was open, and what it opened for."""
    detector, alarms, during, what = DriftDetector(), 0, 0, []
    for outcome in found:
        told = detector.update(outcome)
        during += detector.alarm is not None
        if told and told.stage is AlarmStage.OPENED:
            alarms += 1
            what += [change.what.value for change in told.changes]
    return alarms, during, what


def outcomes(rate_mbps: Floats, alpha: float) -> Iterator[LinkOutcome]:
    forecast = smoothed(rate_mbps, alpha)[:-1]
    actual = rate_mbps[1:]
    hits = in_band(forecast, actual)
    rows = zip(actual.tolist(), forecast.tolist(), hits.tolist(), strict=True)
    yield from (LinkOutcome(float(at), *row) for at, row in enumerate(rows, start=1))


def smoothed(rate_mbps: Floats, alpha: float) -> Floats:
    """`pba.models.ewma.Ewma` over a series of any length, where that one takes a window."""
    return folded(rate_mbps * alpha, 1.0 - alpha, rate_mbps[0])


def ar1(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> Floats:
    """Standard normal values of which neighbours in a row correlate by ``phi``."""
    noise = rng.standard_normal(shape)
    drive = np.sqrt(1.0 - phi**2) * noise.T
    return folded(drive, phi, noise[:, 0]).T


def folded(drive: Floats, keep: float, first: Floats) -> Floats:
    found = np.empty_like(drive)
    found[0] = first
    for at in range(1, len(drive)):
        found[at] = drive[at] + keep * found[at - 1]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
