"""Traces, or synthetic links, as windows in three splits that never mix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pba.errors import InvalidTrace
from pba.models import v1_features
from pba.telemetry.datasets import Series, WindowSet
from pba.telemetry.synthetic import generate_synthetic_data
from pba.telemetry.traces import Trace, read_sets
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["Parts", "Splits", "coarser", "from_traces", "learnt", "parts_of", "synthetic"]

_COARSER = 2
_SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


Parts = dict[str, dict[str, list[Trace]]]
"""Split → set → traces."""


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """What to fit on, what to choose by, and what to report on."""

    train: WindowSet
    val: WindowSet
    test: WindowSet

    @classmethod
    def of(cls, sets: Mapping[str, Mapping[str, Sequence[Series]]], window: int) -> "Splits":
        """Return the windows of ``sets``: split → set → series."""
        return cls(*(WindowSet.of(sets[split], window) for split in _SHARES))

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Names of the sets that have training windows.

        A set may come in parts, ``telemetry@2026-03-01``, of which an epoch draws unequally many.
        """
        held = [name.partition("@")[0] for name, windows in self.train.by_set() if len(windows)]
        return tuple(dict.fromkeys(held))


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A series as a network is given it, which need not be five columns."""

    timestamps_s: Floats
    telemetry: Floats


def from_traces(folder: Path, mode: str, window: int, without: Sequence[str] = ()) -> Splits:
    """Return the splits that the trace files of ``mode`` below ``folder`` fix, or of all for v1.

    What is learnt from is there twice: as it was measured, and at half the pace.

    Parameters
    ----------
    folder
        Holds ``<mode>/<set>.parquet``; other groups in it are not read.
    without
        Names of sets to report on only, as networks the model has never met.

    Raises
    ------
    InvalidTrace
        If there are no traces, or no set of such a name.
    """
    return _splits(parts_of(folder, mode, without), mode, window)


def parts_of(folder: Path, mode: str, without: Sequence[str] = ()) -> Parts:
    """Return what `from_traces` cuts into windows; raises as it does."""
    sets = {name: traces for one in _modes(mode) for name, traces in read_sets(folder, one).items()}
    parts = {
        split: {name: [t for t in traces if t.split == split] for name, traces in sets.items()}
        for split in _SHARES
    }
    for name in without:
        if name not in sets:
            raise InvalidTrace(
                f"{folder} has no {mode} set {name}; its sets are {', '.join(sets)}. Leave out one "
                "of those."
            )
        parts["train"][name] = parts["val"][name] = []
    parts["train"] = {name: learnt(traces) for name, traces in parts["train"].items()}
    return parts


def learnt(traces: Sequence[Trace]) -> list[Trace]:
    """Return ``traces`` as they are learnt from: as they were measured, and at half the pace."""
    return [*traces, *(coarser(trace, _COARSER) for trace in traces)]


def _modes(mode: str) -> tuple[NetworkMode, ...]:
    """Return the modes whose links the network of ``mode`` learns from: v1's from all."""
    return tuple(PROFILES) if mode == v1_features.NAME else (NetworkMode(mode),)


def _splits(parts: Mapping[str, Mapping[str, Sequence[Series]]], mode: str, window: int) -> Splits:
    if mode != v1_features.NAME:
        return Splits.of(parts, window)
    seen = {
        split: {name: [_features(one) for one in series] for name, series in sets.items()}
        for split, sets in parts.items()
    }
    return Splits.of(seen, window)


def _features(series: Series) -> Series:
    features = v1_features.features(series.timestamps_s, series.telemetry)
    return _Seen(series.timestamps_s, features)


def coarser(trace: Trace, samples: int) -> Trace:
    """Return what ``trace`` would be, measured over spans of ``samples`` of its samples.

    Each value is the mean of those that were measured, NaN where none was. A link seen at another
    pace moves differently and as truly: more to learn from, at no cost in realism.
    """
    count = len(trace) // samples * samples
    spans = trace.telemetry[:count].reshape(-1, samples, trace.telemetry.shape[1])
    measured = ~np.isnan(spans)
    held = measured.sum(axis=1)
    total = np.where(measured, spans, 0.0).sum(axis=1)
    mean = np.where(held > 0, total / np.maximum(held, 1), np.nan)
    return replace(trace, timestamps_s=trace.timestamps_s[:count:samples], telemetry=mean)


def synthetic(mode: str, samples: int, window: int, rng: np.random.Generator) -> Splits:
    """Return a generated link of ``samples`` samples, cut in time: 70 %, 15 %, 15 %.

    One of each mode for v1. Good for first runs; accuracy is claimed on real traces only.
    """
    links = {
        f"synthetic_{one}": History.of(generate_synthetic_data(one, samples, rng))
        for one in _modes(mode)
    }
    cuts = np.round(np.cumsum([0.0, *_SHARES.values()]) * samples).astype(int)
    parts = {
        split: {name: [link.first(high).last(high - low)] for name, link in links.items()}
        for split, low, high in zip(_SHARES, cuts[:-1], cuts[1:], strict=True)
    }
    return _splits(parts, mode, window)
