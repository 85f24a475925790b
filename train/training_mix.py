"""The windows of a retraining: recent days more than old ones, and a share of original traces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.errors import NotEnoughData
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace

from .splits import Splits, TraceSplits, training_traces
from .telemetry_slices import TimeCuts, between, by_day, tuning_slice

__all__ = ["DAILY_WEIGHT", "LEAST_LINKS", "TrainingMix", "training_mix", "window_count"]

DAILY_WEIGHT = 0.8
"""The weight of a day's windows, relative to those of the day after."""

LEAST_LINKS = 5
"""Links that the gate needs: fewer agree by chance more often than once in 32."""

_TELEMETRY = "telemetry"
_VAL_WINDOWS = 8000


@dataclass(frozen=True, slots=True, eq=False)
class TrainingMix:
    """Windows, and how many an epoch and a validation draw from each set, in the sets' order."""

    splits: Splits
    epoch_quotas: tuple[int, ...]
    val_quotas: tuple[int, ...]

    def card_entries(self) -> dict[str, Any]:
        """Return the quotas for the card: set, or day of the telemetry → windows."""
        train, val = self.splits.train.names, self.splits.val.names
        return {
            "windows_an_epoch": dict(zip(train, self.epoch_quotas, strict=True)),
            "windows_to_validate": dict(zip(val, self.val_quotas, strict=True)),
        }


def training_mix(
    links: Sequence[Trace],
    cuts: TimeCuts,
    old: TraceSplits,
    window: int,
    windows: int,
    replay: float,
) -> TrainingMix:
    """Return the windows to train on.

    Parameters
    ----------
    links
        The reported telemetry.
    old
        The original traces, as `splits.trace_splits` returns them; empty splits if there are none.
    windows
        The most windows of an epoch.
    replay
        The share of them from the original traces, 0 to below 1, equally from each set.
    """
    days = by_day(between(links, -np.inf, cuts.val_from_s), window)
    by_set = {f"{_TELEMETRY}@{day}": training_traces(series) for day, series in days.items()}
    val = {_TELEMETRY: tuning_slice(links, cuts, window)}
    newest = {_TELEMETRY: between(links, cuts.gate_from_s, np.inf)}
    splits = Splits.of(
        {
            "train": old["train"] | by_set,
            "val": old["val"] | val,
            "test": old["test"] | newest,
        },
        window,
    )
    weights = {f"{_TELEMETRY}@{day}": DAILY_WEIGHT ** (max(days) - day).days for day in days}
    share = replay if any(old["train"].values()) else 0.0
    epoch_quotas = _quotas(splits.train, weights, windows, share)
    val_quotas = _quotas(splits.val, {_TELEMETRY: 1.0}, _VAL_WINDOWS, share)
    return TrainingMix(splits, epoch_quotas, val_quotas)


def _quotas(
    data: WindowSet, weights: dict[str, float], windows: int, replay: float
) -> tuple[int, ...]:
    """Return how many windows to draw from each set.

    From the telemetry, of each day a share proportional to its weight, together at most
    ``1 - replay`` of ``windows``; from the other sets, equal numbers whose sum is the share
    ``replay``.
    """
    counts = {name: len(indices) for name, indices in data.by_set()}
    weighted = sum(counts[name] * weight for name, weight in weights.items())
    fraction = min(1.0, (1.0 - replay) * windows / max(weighted, 1.0))
    old = [name for name, count in counts.items() if count and name not in weights]
    per_set = round(fraction * weighted * replay / (1.0 - replay) / max(len(old), 1))
    return tuple(
        round(fraction * weights[name] * count) if name in weights else min(per_set, count)
        for name, count in counts.items()
    )


def window_count(links: Sequence[Trace], window: int) -> int:
    """Return the number of windows in ``links``."""
    try:
        return len(WindowSet.of({_TELEMETRY: links}, window))
    except NotEnoughData:
        return 0
