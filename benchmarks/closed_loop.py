"""What does a link's record give? `python -m benchmarks.closed_loop DIR [SPLIT]`, no service.

Whole traces are lived through with the code that serves: the one who leads speaks, its confidence
is adapted, and every outcome teaches when it comes. SPLIT is test; on val other settings are shown.
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


class Heard(NamedTuple):
    """What every expert says at every moment of one trace, ``(expert, moment, horizon)``."""

    points_mbps: Floats
    confidence: Floats
    actual_mbps: Floats


class Lived(NamedTuple):
    """How it went at one horizon: what spoke, and each member on its own."""

    hits: np.ndarray
    unadapted: Floats
    adapted: Floats
    members: np.ndarray
    samples: int


def main(folder: Path, split: str = "test") -> None:
    for mode in PROFILES:
        heard = dict(_heard(folder, mode, split))
        print(f"\n{mode}, {split} traces\n")
        if split != "test":
            _settings(heard)
        lived = {name: [live(one) for one in traces] for name, traces in heard.items()}
        _calibration(mode, lived)
        _members(lived)


def _heard(folder: Path, mode: NetworkMode, split: str) -> Iterator[tuple[str, list[Heard]]]:
    model, _ = artifacts.load(str(PROJECT / "models" / mode), mode)
    for name, traces in read_sets(folder, mode).items():
        found = []
        for trace in traces:
            if trace.split != split:
                continue
            try:
                windows = WindowSet.of({name: [trace]}, PROFILES[mode].window)
            except NotEnoughData:
                continue
            found.append(_ask(model, windows))
        if found:
            yield name, found


def _ask(model: Forecaster, windows: WindowSet) -> Heard:
    batch = windows.gather(np.arange(len(windows)))
    said = []
    for name in EXPERTS:
        one = model if name == MODEL else SIMPLE_FORECASTERS[name]
        parts = [
            one.predict(part) for part in np.split(batch.telemetry, range(256, len(windows), 256))
        ]
        said.append([decode(part.probabilities, part.level_mbps, one.bins) for part in parts])
    points = [np.concatenate([part.bandwidth_mbps for part in parts]) for parts in said]
    sure = [np.concatenate([part.confidence for part in parts]) for parts in said]
    return Heard(np.array(points), np.array(sure), batch.future_mbps)


def live(heard: Heard) -> list[Lived]:
    """Live through one trace."""
    known = ~np.isnan(heard.actual_mbps)
    hit = metrics.in_band(heard.points_mbps, np.where(known, heard.actual_mbps, 0.0)) & known
    count = heard.points_mbps.shape[1]
    record, leads = LinkRecord(), np.zeros(count, dtype=int)
    adapted = np.zeros((count, len(HORIZONS)))
    for now in range(count):
        for at, steps in enumerate(HORIZONS):
            then = now - steps
            if then >= 0 and known[then, at]:
                who = leads[then]
                members = dict(zip(EXPERTS, hit[:, then, at].tolist(), strict=True))
                said = float(heard.confidence[who, then, at])
                record = record.after(at, said, bool(hit[who, then, at]), members)
        leads[now] = EXPERTS.index(record.leader)
        for at, reliability in enumerate(record.reliability):
            adapted[now, at] = reliability.adapt(float(heard.confidence[leads[now], now, at]))
    moments = np.arange(count)
    return [
        Lived(
            hit[leads, moments, at][known[:, at]],
            heard.confidence[leads, moments, at][known[:, at]],
            adapted[known[:, at], at],
            hit[:, known[:, at], at],
            count,
        )
        for at in range(len(HORIZONS))
    ]


def _settings(heard: dict[str, list[Heard]]) -> None:
    print("| prior outcomes, fading | Brier score 1 / 5 / 15 steps ahead |\n| --- | --- |")
    for prior, kept in SETTINGS:
        with mock.patch.multiple(calibration, _PRIOR=prior or 1e12, _KEPT=kept or 0.998):
            lived = [live(one) for traces in heard.values() for one in traces]
        scores = []
        for at in range(len(HORIZONS)):
            parts = [(one[at].adapted[WARM:], one[at].hits[WARM:]) for one in lived]
            sure, hits = (np.concatenate(part) for part in zip(*parts, strict=True))
            scores.append(f"{np.mean((sure - hits) ** 2):.4f}")
        print(f"| {f'{prior:g}, {kept:g}' if prior else 'none'} | {' / '.join(scores)} |")
    print()


def _calibration(mode: NetworkMode, lived: dict[str, list[list[Lived]]]) -> None:
    print("| steps | outcomes | calibration error: as said, adapted | sure: share, in band |")
    print("| --- | --- | --- | --- |")
    threshold = PROFILES[mode].accuracy_target
    for at, steps in enumerate(HORIZONS):
        parts = [one[at] for traces in lived.values() for one in traces]
        hits = np.concatenate([one.hits[WARM:] for one in parts])
        plain = np.concatenate([one.unadapted[WARM:] for one in parts])
        sure = np.concatenate([one.adapted[WARM:] for one in parts])
        before, after = (metrics.calibration_error(said, hits) for said in (plain, sure))
        kept = sure >= threshold
        print(
            f"| {steps} | {len(hits)} | {before:.3f}, {after:.3f} | "
            f"{kept.mean():.3f}, {hits[kept].mean():.3f} |"
        )


def _members(lived: dict[str, list[list[Lived]]]) -> None:
    print(f"\n| set, traces of {LONG} samples and more | served, less the best member's |")
    print("| --- | --- |")
    for name, traces in lived.items():
        rows = []
        for at in range(len(HORIZONS)):
            parts = [one[at] for one in traces if one[at].samples >= LONG]
            if parts:
                served = np.concatenate([one.hits for one in parts]).mean()
                members = np.concatenate([one.members for one in parts], axis=1).mean(axis=1)
                best = EXPERTS[int(members.argmax())]
                rows.append(f"{served:.4f}, {served - members.max():+.4f} ({best})")
        if rows:
            print(f"| {name} | {' / '.join(rows)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
