"""Detections and false alarms of mode drift detection: `python -m benchmarks.mode_drift [DIR]`.

Links of different volatility are forecast with the true spread of their errors. They report in
turn, several outcomes at a time. With DIR, a folder of traces, also how often the model's forecasts
of 50 test traces at a time raise an alarm.
"""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from math import log
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift import ar1
from pba.errors import NotEnoughData
from pba.evaluation.metrics import in_band
from pba.models.distribution import decode
from pba.monitoring.drift import AlarmStage, ModeDrift
from pba.registry import artifacts
from pba.scoring.mode_outcomes import ModeOutcomes
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import read_sets
from pba.types import QUANTILES, Floats, NetworkMode
from pba.types.profile import PROFILES

Ints = NDArray[np.int64]
PROJECT = Path(__file__).parents[1]
SPREADS = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4)
POOLS = tuple(itertools.product((5, 50), (1, 20, 100)))
RUNS, LONG = 2, 10_000
PLANTED, BEFORE, WITHIN = 20, 1000, 500
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
    print(
        f"\nOther links: the calmer half stops reporting. Runs of {PLANTED} with an alarm after it"
    )
    print("| links | in turn | relative to confidence | plain hits |\n| --- | --- | --- | --- |")
    rng = np.random.default_rng(52)
    for links, turn in POOLS:
        alarms = np.zeros(2, dtype=int)
        for _ in range(PLANTED):
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
        shares.append((outcomes.hit[:BEFORE].mean(), outcomes.hit[BEFORE:].mean()))
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
) -> ModeOutcomes:
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
    errors = np.empty(len(order))
    for index, link in enumerate(order.tolist()):
        errors[index] = noise[link, used[link]]
        used[link] += 1
    if calm_until is None:
        errors[BEFORE:] = times * errors[BEFORE:] + more
    at_us = np.arange(len(order)) * 1_000_000 // links
    return make_outcomes(at_us, 100.0 * np.exp(-errors), stated_spread[order])


def make_outcomes(at_us: Ints, actual_mbps: Floats, spread: Floats) -> ModeOutcomes:
    """Return the outcomes of log-normal forecasts of 100 Mbps with ``spread``."""
    forecast_mbps, normal = np.full(len(at_us), 100.0), NormalDist()
    share_below = np.vectorize(normal.cdf)
    return ModeOutcomes(
        created_us=at_us,
        actual_mbps=actual_mbps,
        forecast_mbps=forecast_mbps,
        low_mbps=100.0 * np.exp(normal.inv_cdf(0.25) * spread),
        high_mbps=100.0 * np.exp(normal.inv_cdf(0.75) * spread),
        confidence=share_below(log(1.2) / spread) - share_below(log(0.8) / spread),
        hit=in_band(forecast_mbps, actual_mbps),
    )


def plain_hits(outcomes: ModeOutcomes) -> ModeOutcomes:
    """Return the same outcomes with the same interval and confidence for every forecast."""
    same = np.ones(len(outcomes))
    return replace(outcomes, low_mbps=80.0 * same, high_mbps=120.0 * same, confidence=0.0 * same)


def reports(outcomes: ModeOutcomes, links: int) -> list[int]:
    """Return the outcomes at which an alarm opened or changed."""
    alarms = ModeDrift.from_bytes(None).advance(outcomes)
    return [
        round(alarm.flagged_s * links) for alarm in alarms if alarm.stage is not AlarmStage.ENDED
    ]


def on_traces(folder: Path, split: str) -> None:
    print(f"\nThe models' forecasts of {split} traces, {AT_ONCE} links at a time")
    print("| mode | outcomes | alarms | reports in all | share of outcomes in alarm |")
    print("| --- | --- | --- | --- | --- |")
    for mode in PROFILES:
        drift, stages, during, count = ModeDrift.from_bytes(None), list[AlarmStage](), 0, 0
        for outcomes in interleave(list(forecast(folder, mode, split))):
            stages += [alarm.stage for alarm in drift.advance(outcomes)]
            count += len(outcomes)
            during += len(outcomes) * (drift.alarm is not None)
        opened, ended = stages.count(AlarmStage.OPENED), stages.count(AlarmStage.ENDED)
        share = during / count
        print(f"| {mode} | {count} | {opened} | {len(stages) - ended} | {share:.2f} |", flush=True)


def interleave(links: list[ModeOutcomes]) -> Iterator[ModeOutcomes]:
    """Yield one outcome of each of 50 links per second; a new link replaces one that ends."""
    waiting = list(np.random.default_rng(54).permutation(len(links)))
    active = [(links[waiting.pop()], 0) for _ in range(min(AT_ONCE, len(waiting)))]
    second = 0
    while active:
        second += 1
        yield joined([row(link, at) for link, at in active], second)
        active = [(link, at + 1) for link, at in active if at + 1 < len(link)]
        while waiting and len(active) < AT_ONCE:
            active.append((links[waiting.pop()], 0))


def row(outcomes: ModeOutcomes, index: int) -> ModeOutcomes:
    return ModeOutcomes(*(column[index : index + 1] for column in columns(outcomes)))


def joined(parts: list[ModeOutcomes], second: int) -> ModeOutcomes:
    whole = ModeOutcomes(*(np.concatenate(each) for each in zip(*map(columns, parts), strict=True)))
    return replace(whole, created_us=np.full(len(parts), second * 1_000_000))


def columns(outcomes: ModeOutcomes) -> list[Any]:
    return [getattr(outcomes, field.name) for field in fields(outcomes)]


def forecast(folder: Path, mode: NetworkMode, split: str) -> Iterator[ModeOutcomes]:
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
            at_us = np.zeros(len(hits), dtype=np.int64)
            low, high = decoded.quantiles_mbps[:, 0, quartiles].T
            confidence = decoded.confidence[:, 0]
            yield ModeOutcomes(at_us, actual, point, low, high, confidence, hits)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
