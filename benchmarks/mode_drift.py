"""What drift detection of a whole mode sees and imagines: `python -m benchmarks.mode_drift [DIR]`.

Links of different restlessness are forecast as well as can be: with the spread that their errors
have. They report in turn, so many outcomes at a time. With DIR, a folder of traces, also how often
the model's forecasts of 50 test traces at a time raise an alarm.
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
    turning()
    planted()
    if traces:
        on_traces(traces, "test")


def stationary() -> None:
    print(f"Nothing changes: alarms and changes told in {RUNS} runs of {LONG} outcomes")
    print("| links | in turn | forecasts as good as they say | errors remember, AR(1) 0.5 | said")
    print("spread off by 20 % a link | hits as such, for comparison |")
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
            for at, kind in enumerate((*kinds, as_such(plain))):
                counts[at] += len(told(kind, links))
        total += counts
        print(f"| {links} | {turn} | {' | '.join(map(str, counts))} |", flush=True)
    rates = total / (RUNS * LONG * len(POOLS)) * 1e4
    print(f"| per 10 000 | | {' | '.join(f'{rate:.2f}' for rate in rates)} |")


def turning() -> None:
    print("\nOther links: the calmer half falls silent. Runs of 20 with an alarm after it")
    print("| links | in turn | beside what was said | hits as such |\n| --- | --- | --- | --- |")
    rng = np.random.default_rng(52)
    for links, turn in POOLS:
        alarms = np.zeros(2, dtype=int)
        for _ in range(20):
            found = pool(rng, links, turn, 4 * BEFORE, calm_until=2 * BEFORE)
            for at, kind in enumerate((found, as_such(found))):
                alarms[at] += any(now >= 2 * BEFORE for now in told(kind, links))
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
        found = pool(rng, links, turn, BEFORE + WITHIN, times=times, more=more)
        at = [now for now in told(found, links) if now >= BEFORE]
        delays += [at[0] - BEFORE + 1] if at else []
        hits = np.array([one.hit for one in found])
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
    """Outcomes of ``links``, ``turn`` of each at a time, in random order of links.

    From `BEFORE` on, errors are ``times`` as large and by ``more`` higher, in the logarithm.
    """
    spread = rng.choice(SPREADS, links)
    said_spread = spread * np.exp(off * rng.standard_normal(links))
    turns = -(-count // (turn * links)) + 1
    order = np.concatenate([np.repeat(rng.permutation(links), turn) for _ in range(turns)])
    noise = ar1(rng, (links, turns * turn), phi) * spread[:, None]
    if calm_until is not None:
        wild = np.arange(len(order)) < calm_until
        order = order[wild | (spread[order] >= np.median(spread))][:count]
    order, used = order[:count], np.zeros(links, dtype=int)
    found = []
    for at, link in enumerate(order.tolist()):
        error = noise[link, used[link]]
        used[link] += 1
        if calm_until is None and at >= BEFORE:
            error = times * error + more
        found.append(said(at / links, 100.0 * np.exp(-error), float(said_spread[link])))
    return found


def said(at_s: float, actual_mbps: float, spread: float) -> ModeOutcome:
    """A forecast of 100 Mbps whose logarithm is as sure as ``spread`` says, and what came."""
    of = NormalDist(0.0, spread)
    hit = bool(in_band(np.array(100.0), np.array(actual_mbps)))
    low, high = (100.0 * np.exp(of.inv_cdf(share)) for share in (0.25, 0.75))
    sure = of.cdf(log(1.2)) - of.cdf(log(0.8))
    return ModeOutcome(at_s, float(actual_mbps), 100.0, low, high, sure, hit)


def as_such(found: list[ModeOutcome]) -> list[ModeOutcome]:
    """The same outcomes as if every forecast had said the same of itself."""
    return [
        ModeOutcome(one.timestamp_s, one.actual_mbps, one.forecast_mbps, 80.0, 120.0, 0.0, one.hit)
        for one in found
    ]


def told(found: list[ModeOutcome], links: int) -> list[int]:
    """After which outcomes something was told, but for ends."""
    detector = ModeDriftDetector()
    alarms = ((at, detector.update(one)) for at, one in enumerate(found))
    return [at for at, alarm in alarms if alarm and alarm.stage is not AlarmStage.ENDED]


def on_traces(folder: Path, split: str) -> None:
    print(f"\nThe models' forecasts of {split} traces, {AT_ONCE} links at a time")
    print("| mode | outcomes | alarms | told in all | share of outcomes in alarm |")
    print("| --- | --- | --- | --- | --- |")
    for mode in PROFILES:
        detector, stages, during, count = ModeDriftDetector(), [], 0, 0
        for one in interleaved(list(forecast(folder, mode, split))):
            alarm = detector.update(one)
            stages += [alarm.stage] if alarm else []
            during, count = during + (detector.alarm is not None), count + 1
        opened, ended = stages.count(AlarmStage.OPENED), stages.count(AlarmStage.ENDED)
        share = during / count
        print(f"| {mode} | {count} | {opened} | {len(stages) - ended} | {share:.2f} |", flush=True)


def interleaved(links: list[list[ModeOutcome]]) -> Iterator[ModeOutcome]:
    """One outcome of each of 50 links a second, another link where one has no more."""
    waiting = list(np.random.default_rng(54).permutation(len(links)))
    going = [iter(links[waiting.pop()]) for _ in range(min(AT_ONCE, len(waiting)))]
    second = 0.0
    while going:
        second += 1.0
        for one in list(going):
            outcome = next(one, None)
            if outcome is not None:
                yield ModeOutcome(second, *astuple(outcome)[1:])
                continue
            going.remove(one)
            if waiting:
                going.append(iter(links[waiting.pop()]))


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
            given = windows.gather(np.arange(len(windows)))
            answer = model.predict(given.telemetry)
            found = decode(answer.probabilities, answer.level_mbps, model.bins)
            point, actual = found.bandwidth_mbps[:, 0], given.future_mbps[:, 0].astype(float)
            hits = in_band(point, actual)
            rows: Floats = np.column_stack(
                [actual, point, found.quantiles_mbps[:, 0, quartiles], found.confidence[:, 0]]
            )
            parts = zip(rows.tolist(), hits.tolist(), strict=True)
            yield [ModeOutcome(0.0, *row, hit) for row, hit in parts]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
