"""The effect of a link's record: `python -m benchmarks.closed_loop DIR [SPLIT]`, no service.

Whole traces are replayed with the serving code: the leading expert forecasts, its confidence is
adapted, its intervals are stretched, and every outcome updates the record. SPLIT is test; on val
other settings are shown. Of a set of short runs, those of each set-up are also joined as one link.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

from pba.errors import NotEnoughData
from pba.evaluation import metrics
from pba.forecasting import calibration
from pba.forecasting.fixed_share import EXPERTS, MODEL
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.stretch import end_misses
from pba.models.base import Forecaster
from pba.models.distribution import decode
from pba.models.simple import SIMPLE_FORECASTERS
from pba.registry import artifacts
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import read_sets
from pba.types import HORIZONS, Floats, NetworkMode
from pba.types.profile import PROFILES

PROJECT = Path(__file__).parents[1]
LONG, WARM, SETTLED = 300, 50, 200
ENOUGH = 100  # moments of a set for a statement about its intervals
SETTINGS = ((0.0, 0.0), (20.0, 0.98), (100.0, 0.995), (200.0, 0.998), (400.0, 0.998))


class TraceForecasts(NamedTuple):
    """The forecasts of every expert at every point of one trace, ``(expert, point, horizon)``."""

    points_mbps: Floats
    confidence: Floats
    quantiles_mbps: Floats
    actual_mbps: Floats

    @classmethod
    def joined(cls, runs: Sequence["TraceForecasts"]) -> "TraceForecasts":
        """Return ``runs``, one after the other, as those of one link."""
        *values, actual = zip(*runs, strict=True)
        together = [np.concatenate(parts, axis=1) for parts in values]
        return cls(*together, np.concatenate(actual))


class IntervalOutcomes(NamedTuple):
    """Ends of 90 % intervals ``(point, 2)`` without and with the record, and the actuals."""

    plain_mbps: Floats
    stretched_mbps: Floats
    actual_mbps: Floats

    def late(self) -> "IntervalOutcomes":
        """Those that have `SETTLED` outcomes of the link before them."""
        return IntervalOutcomes(*(values[SETTLED:] for values in self))


class HorizonReplay(NamedTuple):
    """One horizon's outcomes: of the leading expert, and of each member alone."""

    hits: np.ndarray
    unadapted: Floats
    adapted: Floats
    members: np.ndarray
    samples: int
    intervals: IntervalOutcomes


def main(folder: Path, split: str = "test") -> None:
    for mode in PROFILES:
        forecasts = dict(_forecast_sets(folder, mode, split))
        joined = {
            f"{name}, joined": runs
            for name, traces in forecasts.items()
            if (runs := _joined(traces))
        }
        print(f"\n{mode}, {split} traces\n")
        if split != "test":
            _settings(forecasts)
        replays = _replays(forecasts)
        _calibration(mode, replays)
        _members(replays)
        _intervals(replays | _replays(joined))


def _replays(
    forecasts: Mapping[str, Mapping[str, TraceForecasts]],
) -> dict[str, list[list[HorizonReplay]]]:
    return {name: [replay(one) for one in traces.values()] for name, traces in forecasts.items()}


def _joined(traces: Mapping[str, TraceForecasts]) -> dict[str, TraceForecasts]:
    """Return the runs of each set-up as one link, none if the set's own traces are long enough.

    A run is called after its set-up, ``-run`` and what differs between runs.
    """
    if any(len(one.actual_mbps) > SETTLED for one in traces.values()):
        return {}
    runs: dict[str, list[TraceForecasts]] = defaultdict(list)
    for name, one in traces.items():
        runs[name.partition("-run")[0]].append(one)
    return {name: TraceForecasts.joined(parts) for name, parts in runs.items()}


def _forecast_sets(
    folder: Path, mode: NetworkMode, split: str
) -> Iterator[tuple[str, dict[str, TraceForecasts]]]:
    model, _ = artifacts.load(str(PROJECT / "models" / mode), mode)
    for name, traces in read_sets(folder, mode).items():
        forecasts = {}
        for trace in traces:
            if trace.split != split:
                continue
            try:
                windows = WindowSet.of({name: [trace]}, PROFILES[mode].window)
            except NotEnoughData:
                continue
            forecasts[trace.trace_id] = _forecast(model, windows)
        if forecasts:
            yield name, forecasts


def _forecast(model: Forecaster, windows: WindowSet) -> TraceForecasts:
    batch = windows.gather(np.arange(len(windows)))
    chunks = np.split(batch.telemetry, range(256, len(windows), 256))
    experts = []
    for name in EXPERTS:
        expert = model if name == MODEL else SIMPLE_FORECASTERS[name]
        predictions = [expert.predict(chunk) for chunk in chunks]
        decoded = [decode(one.probabilities, one.level_mbps, expert.bins) for one in predictions]
        experts.append([np.concatenate(values) for values in zip(*decoded, strict=True)])
    return TraceForecasts(*map(np.array, zip(*experts, strict=True)), batch.future_mbps)


def replay(forecasts: TraceForecasts) -> list[HorizonReplay]:
    """Replay one trace; every outcome updates the record when it becomes known."""
    known = ~np.isnan(forecasts.actual_mbps)
    actual = np.where(known, forecasts.actual_mbps, 0.0)
    hits = metrics.in_band(forecasts.points_mbps, actual) & known
    count = forecasts.points_mbps.shape[1]
    record, leads = LinkRecord(), np.zeros(count, dtype=int)
    adapted = np.zeros((count, len(HORIZONS)))
    ends = np.zeros((count, len(HORIZONS), 2))
    missed = np.zeros((count, len(HORIZONS), 2), dtype=bool)
    for now in range(count):
        for index, steps in enumerate(HORIZONS):
            past = now - steps
            if past >= 0 and known[past, index]:
                leader = leads[past]
                members = dict(zip(EXPERTS, hits[:, past, index].tolist(), strict=True))
                confidence = float(forecasts.confidence[leader, past, index])
                hit, (low, high) = bool(hits[leader, past, index]), missed[past, index].tolist()
                record = record.after(index, confidence, hit, members, (low, high))
        leads[now] = EXPERTS.index(record.leader)
        for index in range(len(HORIZONS)):
            confidence = float(forecasts.confidence[leads[now], now, index])
            adapted[now, index] = record.reliability[index].adapt(confidence)
            plain = tuple(forecasts.quantiles_mbps[leads[now], now, index].tolist())
            served = np.array(record.stretch[index].apply(plain))
            ends[now, index] = served[[0, -1]]
            missed[now, index] = end_misses(served, actual[now, index])
    return [
        _horizon_replay(forecasts, index, leads, hits, adapted[:, index], ends[:, index])
        for index in range(len(HORIZONS))
    ]


def _horizon_replay(
    forecasts: TraceForecasts,
    index: int,
    leads: np.ndarray,
    hits: np.ndarray,
    adapted: Floats,
    ends_mbps: Floats,
) -> HorizonReplay:
    """Return one horizon's outcomes, where the actual is known."""
    actual_mbps = forecasts.actual_mbps[:, index]
    points = np.flatnonzero(~np.isnan(actual_mbps))
    leads = leads[points]
    plain_mbps = forecasts.quantiles_mbps[leads, points, index][:, [0, -1]]
    return HorizonReplay(
        hits[leads, points, index],
        forecasts.confidence[leads, points, index],
        adapted[points],
        hits[:, points, index],
        len(actual_mbps),
        IntervalOutcomes(plain_mbps, ends_mbps[points], actual_mbps[points]),
    )


def _settings(forecasts: Mapping[str, Mapping[str, TraceForecasts]]) -> None:
    print("| prior outcomes, fading | Brier score 1 / 5 / 15 steps ahead |\n| --- | --- |")
    for prior, kept in SETTINGS:
        with mock.patch.multiple(calibration, _PRIOR=prior or 1e12, KEPT=kept or 0.998):
            replays = [replay(one) for traces in forecasts.values() for one in traces.values()]
        scores = []
        for index in range(len(HORIZONS)):
            parts = [(one[index].adapted[WARM:], one[index].hits[WARM:]) for one in replays]
            confidence, hits = (np.concatenate(part) for part in zip(*parts, strict=True))
            scores.append(f"{np.mean((confidence - hits) ** 2):.4f}")
        print(f"| {f'{prior:g}, {kept:g}' if prior else 'none'} | {' / '.join(scores)} |")
    print()


def _calibration(mode: NetworkMode, replays: dict[str, list[list[HorizonReplay]]]) -> None:
    print(
        "| steps | outcomes | calibration error: unadapted, adapted | confident: share, in band |"
    )
    print("| --- | --- | --- | --- |")
    threshold = PROFILES[mode].accuracy_target
    for index, steps in enumerate(HORIZONS):
        parts = [one[index] for traces in replays.values() for one in traces]
        hits = np.concatenate([one.hits[WARM:] for one in parts])
        plain = np.concatenate([one.unadapted[WARM:] for one in parts])
        adapted = np.concatenate([one.adapted[WARM:] for one in parts])
        before, after = (metrics.calibration_error(one, hits) for one in (plain, adapted))
        confident = adapted >= threshold
        print(
            f"| {steps} | {len(hits)} | {before:.3f}, {after:.3f} | "
            f"{confident.mean():.3f}, {hits[confident].mean():.3f} |"
        )


def _intervals(replays: dict[str, list[list[HorizonReplay]]]) -> None:
    print(f"\n| set, after {SETTLED} outcomes | 90 % interval holds: plain, stretched; its score |")
    print("| --- | --- |")
    for name, traces in replays.items():
        cells = []
        for index in range(len(HORIZONS)):
            parts = [one[index].intervals.late() for one in traces]
            plain, stretched, actual = map(np.concatenate, zip(*parts, strict=True))
            if len(actual) < ENOUGH:
                cells.append("–")
                continue
            shares = [_covered(ends, actual).mean() for ends in (plain, stretched)]
            score = _winkler(stretched, actual) / _winkler(plain, actual)
            cells.append(f"{shares[0]:.3f}, {shares[1]:.3f}; {score:.2f}")
        if set(cells) != {"–"}:
            print(f"| {name} | {' / '.join(cells)} |")


def _covered(ends_mbps: Floats, actual_mbps: Floats) -> np.ndarray:
    low, high = ends_mbps.T
    return (low <= actual_mbps) & (actual_mbps <= high)


def _winkler(ends_mbps: Floats, actual_mbps: Floats) -> float:
    """Return the mean score of 90 % intervals: their width, and 20 times what lies beyond."""
    low, high = ends_mbps.T
    beyond = np.maximum(low - actual_mbps, 0.0) + np.maximum(actual_mbps - high, 0.0)
    return float(np.mean(high - low + 20.0 * beyond))


def _members(replays: dict[str, list[list[HorizonReplay]]]) -> None:
    print(f"\n| set, traces of {LONG} samples and more | served, less the best member's |")
    print("| --- | --- |")
    for name, traces in replays.items():
        rows = []
        for index in range(len(HORIZONS)):
            parts = [one[index] for one in traces if one[index].samples >= LONG]
            if parts:
                served = np.concatenate([one.hits for one in parts]).mean()
                members = np.concatenate([one.members for one in parts], axis=1).mean(axis=1)
                best = EXPERTS[int(members.argmax())]
                rows.append(f"{served:.4f}, {served - members.max():+.4f} ({best})")
        if rows:
            print(f"| {name} | {' / '.join(rows)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
