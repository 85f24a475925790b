"""What a retraining learns from: recent days more than old ones, and a share of the old traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.errors import NotEnoughData
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace

from .data import Parts, Splits, learnt
from .telemetry_slices import TimeCuts, between, by_day

__all__ = ["DAILY", "LEAST_LINKS", "TrainingMix", "mix", "window_count"]

DAILY = 0.8
"""The weight of a day's windows, as a share of that of the day after."""

LEAST_LINKS = 5
"""Links that the gate needs: of fewer, chance makes all agree more often than once in 32."""

_TELEMETRY = "telemetry"
_VAL_WINDOWS = 8000


@dataclass(frozen=True, slots=True, eq=False)
class TrainingMix:
    """Windows, and how many of each set an epoch draws and a validation takes, in their order."""

    splits: Splits
    an_epoch: tuple[int, ...]
    to_validate: tuple[int, ...]

    def told(self) -> dict[str, Any]:
        """Return the card's part: windows of an epoch by set, and by day of the telemetry."""
        return {
            "windows_an_epoch": dict(zip(self.splits.train.names, self.an_epoch, strict=True)),
            "windows_to_validate": dict(zip(self.splits.val.names, self.to_validate, strict=True)),
        }


def mix(
    links: Sequence[Trace], cuts: TimeCuts, old: Parts, window: int, windows: int, replay: float
) -> TrainingMix:
    """Return what to learn from.

    Parameters
    ----------
    links
        What was reported.
    old
        The original traces, as `train.data.parts_of` gives them; empty splits without any.
    windows
        The most windows of an epoch.
    replay
        The share of them that is of the original traces, 0 to below 1, each set alike.
    """
    early = between(links, -np.inf, cuts.val_from_s)
    days = by_day(early, window)
    held = {f"{_TELEMETRY}@{day}": learnt(series) for day, series in days.items()}
    val = {_TELEMETRY: between(links, cuts.val_from_s, cuts.gate_from_s)}
    newest = {_TELEMETRY: between(links, cuts.gate_from_s, np.inf)}
    splits = Splits.of(
        {
            "train": old["train"] | held,
            "val": old["val"] | val,
            "test": old["test"] | newest,
        },
        window,
    )
    weights = {f"{_TELEMETRY}@{day}": DAILY ** (max(days) - day).days for day in days}
    share = replay if any(old["train"].values()) else 0.0
    an_epoch = _quotas(splits.train, weights, windows, share)
    to_validate = _quotas(splits.val, {_TELEMETRY: 1.0}, _VAL_WINDOWS, share)
    return TrainingMix(splits, an_epoch, to_validate)


def _quotas(
    data: WindowSet, weights: dict[str, float], windows: int, replay: float
) -> tuple[int, ...]:
    """Return how many windows to draw of each set.

    Of the telemetry, of each day the share that its weight is, at most ``1 - replay`` of
    ``windows``; of the rest, as much as makes the share ``replay``, each set alike.
    """
    counts = {name: len(at) for name, at in data.by_set()}
    weighted = sum(counts[name] * weight for name, weight in weights.items())
    fraction = min(1.0, (1.0 - replay) * windows / max(weighted, 1.0))
    old = [name for name, count in counts.items() if count and name not in weights]
    each = round(fraction * weighted * replay / (1.0 - replay) / max(len(old), 1))
    return tuple(
        round(fraction * weights[name] * count) if name in weights else min(each, count)
        for name, count in counts.items()
    )


def window_count(links: Sequence[Trace], window: int) -> int:
    """Return how many windows ``links`` hold."""
    try:
        return len(WindowSet.of({_TELEMETRY: links}, window))
    except NotEnoughData:
        return 0
