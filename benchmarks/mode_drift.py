"""Detections and false alarms of mode drift detection: `python -m benchmarks.mode_drift [DIR]`.

Links of different volatility are forecast with the true spread of their errors. They report in
turn, several outcomes at a time. With DIR, a folder of traces, also how often the model's forecasts
of 50 test traces at a time raise an alarm.
"""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import astuple
from math import log
from pathlib import Path
from statistics import NormalDist

import numpy as np

from benchmarks.drift import ar1
from pba.errors import NotEnoughData
from pba.evaluation.metrics import in_band
from pba.models.distribution import decode
from pba.monitoring.drift import AlarmStage, ModeDriftDetector, ModeOutcome
from pba.registry import artifacts
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import read_sets
from pba.types import QUANTILES, Floats, NetworkMode
from pba.types.profile import PROFILES

PROJECT = Path(__file__).parents[1]
SPREADS = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4)
POOLS = tuple(itertools.product((5, 50), (1, 20, 100)))
RUNS, LONG = 10, 10_000
PLANTED, BEFORE, WITHIN = 100, 1000, 500
CHANGES = {"errors x1.5": (1.5, 0.0), "errors x2": (2.0, 0.0), "15 % too high": (1.0, log(1.15))}
AT_ONCE = 50


def main(traces: Path | None) -> None:
    stationary()
    changing_links()
    planted()
    if traces:
        on_traces(traces, "test")


def stationary() -> None:
    print(f"Nothing changes: alarms and changes reported in {RUNS} runs of {LONG} outcomes")
    print("| links | in turn | calibrated forecasts | autocorrelated errors, AR(1) 0.5 |")
    print("spread wrong by 20 % per link | plain hits, for comparison |")
    print("| --- | --- | --- | --- | --- | --- |")
    rng, total = np.random.default_rng(51), np.zeros(4, dtype=int)
    for links, turn in POOLS:
        counts = [0] * 4
        for _ in range(RUNS):
            plain = pool(rng, links, turn, LONG)
            kinds = (
                plain,
                pool(rng, links, turn, LONG, 0.5),
                pool(rng, links, turn, LONG, off=0.2),
            )
            for index, kind in enumerate((*kinds, plain_hits(plain))):
                counts[index] += len(reports(kind, links))
        total += counts
        print(f"| {links} | {turn} | {' | '.join(map(str, counts))} |", flush=True)
    rates = total / (RUNS * LONG * len(POOLS)) * 1e4
    print(f"| per 10 000 | | {' | '.join(f'{rate:.2f}' for rate in rates)} |")


def changing_links() -> None:
    print("\nOther links: the calmer half stops reporting. Runs of 20 with an alarm after it")
    print("| links | in turn | relative to confidence | plain hits |\n| --- | --- | --- | --- |")
    rng = np.random.default_rng(52)
    for links, turn in POOLS:
        alarms = np.zeros(2, dtype=int)
        for _ in range(20):
            outcomes = pool(rng, links, turn, 4 * BEFORE, calm_until=2 * BEFORE)
            for index, kind in enumerate((outcomes, plain_hits(outcomes))):
                alarms[index] += any(when >= 2 * BEFORE for when in reports(kind, links))
        print(f"| {links} | {turn} | {alarms[0]} | {alarms[1]} |", flush=True)


def planted() -> None:
    print(f"\nChanged after {BEFORE} outcomes: runs of {PLANTED} flagged within {WITHIN}; median")
    print("delay in outcomes; share in band before, after")
    print("| links | in turn |" + "".join(f" {name} |" for name in CHANGES))
    print("| --- | --- |" + " --- |" * len(CHANGES))
    rng = np.random.default_rng(53)
    for links, turn in POOLS:
        cells = [cell(rng, links, turn, *change) for change in CHANGES.values()]
        print(f"| {links} | {turn} | {' | '.join(cells)} |", flush=True)


def cell(rng: np.random.Generator, links: int, turn: int, times: float, more: float) -> str:
    delays, shares = [], []
    for _ in range(PLANTED):
        outcomes = pool(rng, links, turn, BEFORE + WITHIN, times=times, more=more)
        detections = [when for when in reports(outcomes, links) if when >= BEFORE]
        delays += [detections[0] - BEFORE + 1] if detections else []
        hits = np.array([outcome.hit for outcome in outcomes])
        shares.append((hits[:BEFORE].mean(), hits[BEFORE:].mean()))
    before, after = np.mean(shares, axis=0)
    return f"{len(delays)}; {np.median(delays):.0f}; {before:.2f}, {after:.2f}"


def pool(
    rng: np.random.Generator,
    links: int,
    turn: int,
    count: int,
    phi: float = 0.0,
    off: float = 0.0,
    times: float = 1.0,
    more: float = 0.0,
    calm_until: int | None = None,
) -> list[ModeOutcome]:
    """Return outcomes of ``links``, ``turn`` of each at a time, in random order of links.

    From `BEFORE` on, errors are ``times`` as large and higher by ``more``, in the logarithm.
    """
    spread = rng.choice(SPREADS, links)
    stated_spread = spread * np.exp(off * rng.standard_normal(links))
    turns = -(-count // (turn * links)) + 1
    order = np.concatenate([np.repeat(rng.permutation(links), turn) for _ in range(turns)])
    noise = ar1(rng, (links, turns * turn), phi) * spread[:, None]
    if calm_until is not None:
        wild = np.arange(len(order)) < calm_until
        order = order[wild | (spread[order] >= np.median(spread))][:count]
    order, used = order[:count], np.zeros(links, dtype=int)
    outcomes = []
    for index, link in enumerate(order.tolist()):
        error = noise[link, used[link]]
        used[link] += 1
        if calm_until is None and index >= BEFORE:
            error = times * error + more
        spread_of_link = float(stated_spread[link])
        outcomes.append(make_outcome(index / links, 100.0 * np.exp(-error), spread_of_link))
    return outcomes


def make_outcome(at_s: float, actual_mbps: float, spread: float) -> ModeOutcome:
    """Return the outcome of a log-normal forecast of 100 Mbps with ``spread``."""
    log_ratio = NormalDist(0.0, spread)
    hit = bool(in_band(np.array(100.0), np.array(actual_mbps)))
    low, high = (100.0 * np.exp(log_ratio.inv_cdf(share)) for share in (0.25, 0.75))
    confidence = log_ratio.cdf(log(1.2)) - log_ratio.cdf(log(0.8))
    return ModeOutcome(at_s, float(actual_mbps), 100.0, low, high, confidence, hit)


def plain_hits(outcomes: list[ModeOutcome]) -> list[ModeOutcome]:
    """Return the same outcomes with the same interval and confidence for every forecast."""
    return [
        ModeOutcome(one.timestamp_s, one.actual_mbps, one.forecast_mbps, 80.0, 120.0, 0.0, one.hit)
        for one in outcomes
    ]


def reports(outcomes: list[ModeOutcome], links: int) -> list[int]:
    """Return the outcomes at which an alarm opened or changed."""
    detector = ModeDriftDetector()
    alarms = ((index, detector.update(one)) for index, one in enumerate(outcomes))
    return [index for index, alarm in alarms if alarm and alarm.stage is not AlarmStage.ENDED]


def on_traces(folder: Path, split: str) -> None:
    print(f"\nThe models' forecasts of {split} traces, {AT_ONCE} links at a time")
    print("| mode | outcomes | alarms | reports in all | share of outcomes in alarm |")
    print("| --- | --- | --- | --- | --- |")
    for mode in PROFILES:
        detector, stages, during, count = ModeDriftDetector(), [], 0, 0
        for outcome in interleave(list(forecast(folder, mode, split))):
            alarm = detector.update(outcome)
            stages += [alarm.stage] if alarm else []
            during, count = during + (detector.alarm is not None), count + 1
        opened, ended = stages.count(AlarmStage.OPENED), stages.count(AlarmStage.ENDED)
        share = during / count
        print(f"| {mode} | {count} | {opened} | {len(stages) - ended} | {share:.2f} |", flush=True)


def interleave(links: list[list[ModeOutcome]]) -> Iterator[ModeOutcome]:
    """Yield one outcome of each of 50 links per second; a new link replaces one that ends."""
    waiting = list(np.random.default_rng(54).permutation(len(links)))
    active = [iter(links[waiting.pop()]) for _ in range(min(AT_ONCE, len(waiting)))]
    second = 0.0
    while active:
        second += 1.0
        for link in list(active):
            outcome = next(link, None)
            if outcome is not None:
                yield ModeOutcome(second, *astuple(outcome)[1:])
                continue
            active.remove(link)
            if waiting:
                active.append(iter(links[waiting.pop()]))


def forecast(folder: Path, mode: NetworkMode, split: str) -> Iterator[list[ModeOutcome]]:
    model, _ = artifacts.load(str(PROJECT / "models" / mode), mode)
    quartiles = [QUANTILES.index(0.25), QUANTILES.index(0.75)]
    for traces in read_sets(folder, mode).values():
        for trace in traces:
            if trace.split != split:
                continue
            try:
                windows = WindowSet.of({"": [trace]}, PROFILES[mode].window)
            except NotEnoughData:
                continue
            batch = windows.gather(np.arange(len(windows)))
            prediction = model.predict(batch.telemetry)
            decoded = decode(prediction.probabilities, prediction.level_mbps, model.bins)
            point, actual = decoded.bandwidth_mbps[:, 0], batch.future_mbps[:, 0].astype(float)
            hits = in_band(point, actual)
            rows: Floats = np.column_stack(
                [actual, point, decoded.quantiles_mbps[:, 0, quartiles], decoded.confidence[:, 0]]
            )
            parts = zip(rows.tolist(), hits.tolist(), strict=True)
            yield [ModeOutcome(0.0, *row, hit) for row, hit in parts]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
