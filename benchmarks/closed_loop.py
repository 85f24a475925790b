"""The effect of a link's record: `python -m benchmarks.closed_loop DIR [SPLIT]`, no service.

Whole traces are replayed with the serving code: the leading expert forecasts, its confidence is
adapted, and every outcome updates the record. SPLIT is test; on val other settings are shown.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np

from pba.errors import NotEnoughData
from pba.evaluation import metrics
from pba.forecasting import calibration
from pba.forecasting.fixed_share import EXPERTS, MODEL
from pba.forecasting.link_record import LinkRecord
from pba.models.base import Forecaster
from pba.models.distribution import decode
from pba.models.simple import SIMPLE_FORECASTERS
from pba.registry import artifacts
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import read_sets
from pba.types import HORIZONS, Floats, NetworkMode
from pba.types.profile import PROFILES

PROJECT = Path(__file__).parents[1]
LONG, WARM = 300, 50
SETTINGS = ((0.0, 0.0), (20.0, 0.98), (100.0, 0.995), (200.0, 0.998), (400.0, 0.998))


class TraceForecasts(NamedTuple):
    """The forecasts of every expert at every point of one trace, ``(expert, point, horizon)``."""

    points_mbps: Floats
    confidence: Floats
    actual_mbps: Floats


class HorizonReplay(NamedTuple):
    """One horizon's outcomes: of the leading expert, and of each member alone."""

    hits: np.ndarray
    unadapted: Floats
    adapted: Floats
    members: np.ndarray
    samples: int


def main(folder: Path, split: str = "test") -> None:
    for mode in PROFILES:
        forecasts = dict(_forecast_sets(folder, mode, split))
        print(f"\n{mode}, {split} traces\n")
        if split != "test":
            _settings(forecasts)
        replays = {name: [replay(one) for one in traces] for name, traces in forecasts.items()}
        _calibration(mode, replays)
        _members(replays)


def _forecast_sets(
    folder: Path, mode: NetworkMode, split: str
) -> Iterator[tuple[str, list[TraceForecasts]]]:
    model, _ = artifacts.load(str(PROJECT / "models" / mode), mode)
    for name, traces in read_sets(folder, mode).items():
        forecasts = []
        for trace in traces:
            if trace.split != split:
                continue
            try:
                windows = WindowSet.of({name: [trace]}, PROFILES[mode].window)
            except NotEnoughData:
                continue
            forecasts.append(_forecast(model, windows))
        if forecasts:
            yield name, forecasts


def _forecast(model: Forecaster, windows: WindowSet) -> TraceForecasts:
    batch = windows.gather(np.arange(len(windows)))
    chunks = np.split(batch.telemetry, range(256, len(windows), 256))
    points, confidences = [], []
    for name in EXPERTS:
        expert = model if name == MODEL else SIMPLE_FORECASTERS[name]
        predictions = [expert.predict(chunk) for chunk in chunks]
        decoded = [decode(one.probabilities, one.level_mbps, expert.bins) for one in predictions]
        points.append(np.concatenate([chunk.bandwidth_mbps for chunk in decoded]))
        confidences.append(np.concatenate([chunk.confidence for chunk in decoded]))
    return TraceForecasts(np.array(points), np.array(confidences), batch.future_mbps)


def replay(forecasts: TraceForecasts) -> list[HorizonReplay]:
    """Replay one trace; every outcome updates the record when it becomes known."""
    known = ~np.isnan(forecasts.actual_mbps)
    actual = np.where(known, forecasts.actual_mbps, 0.0)
    hits = metrics.in_band(forecasts.points_mbps, actual) & known
    count = forecasts.points_mbps.shape[1]
    record, leads = LinkRecord(), np.zeros(count, dtype=int)
    adapted = np.zeros((count, len(HORIZONS)))
    for now in range(count):
        for index, steps in enumerate(HORIZONS):
            past = now - steps
            if past >= 0 and known[past, index]:
                leader = leads[past]
                members = dict(zip(EXPERTS, hits[:, past, index].tolist(), strict=True))
                confidence = float(forecasts.confidence[leader, past, index])
                record = record.after(index, confidence, bool(hits[leader, past, index]), members)
        leads[now] = EXPERTS.index(record.leader)
        for index, reliability in enumerate(record.reliability):
            confidence = float(forecasts.confidence[leads[now], now, index])
            adapted[now, index] = reliability.adapt(confidence)
    points = np.arange(count)
    return [
        HorizonReplay(
            hits[leads, points, index][known[:, index]],
            forecasts.confidence[leads, points, index][known[:, index]],
            adapted[known[:, index], index],
            hits[:, known[:, index], index],
            count,
        )
        for index in range(len(HORIZONS))
    ]


def _settings(forecasts: dict[str, list[TraceForecasts]]) -> None:
    print("| prior outcomes, fading | Brier score 1 / 5 / 15 steps ahead |\n| --- | --- |")
    for prior, kept in SETTINGS:
        with mock.patch.multiple(calibration, _PRIOR=prior or 1e12, KEPT=kept or 0.998):
            replays = [replay(one) for traces in forecasts.values() for one in traces]
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
