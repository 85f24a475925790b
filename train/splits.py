"""Traces, or synthetic links, as windows in three splits that never mix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pba.models import v1_features
from pba.telemetry.datasets import Series, WindowSet
from pba.telemetry.public_sets import SetUse, public_set
from pba.telemetry.synthetic import generate_synthetic_data
from pba.telemetry.traces import Trace, read_sets
from pba.telemetry.validation_parts import divide_validation
from pba.types import Floats, History, NetworkMode
from pba.types.profile import PROFILES

from .data_origin import data_entries
from .judging import validation_entries
from .set_selection import ALL_SETS, SetSelection

__all__ = [
    "Splits",
    "TraceSplits",
    "coarser",
    "splits_from_traces",
    "synthetic_splits",
    "trace_splits",
    "training_traces",
]

_COARSER = 2
_SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


TraceSplits = dict[str, dict[str, list[Trace]]]
"""Split → set → traces; ``val`` is the part of the `val` traces that tunes, ``judge`` the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """The windows of each split: to train on, to validate on, and to report on.

    ``val`` is the part of the `val` traces that tunes: no window of the part that judges is here.
    ``card_entries`` say for the card where the windows are from.
    """

    train: WindowSet
    val: WindowSet
    test: WindowSet
    card_entries: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, sets: Mapping[str, Mapping[str, Sequence[Series]]], window: int) -> "Splits":
        """Return the windows of ``sets``: split → set → series."""
        train, val, test = (WindowSet.of(sets[split], window) for split in _SHARES)
        path_only = [name for name in train.names if public_set(name).use is SetUse.PATH_ONLY]
        return cls(replace(train, path_only=frozenset(path_only)), val, test)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Names of the sets that have training windows.

        A set may be divided by day, as in ``telemetry@2026-03-01``; an epoch draws a different
        share of each day.
        """
        names = [name.partition("@")[0] for name, windows in self.train.by_set() if len(windows)]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, eq=False)
class _FeatureSeries:
    """A series of a network's input columns, which need not be the five telemetry columns."""

    timestamps_s: Floats
    telemetry: Floats


def splits_from_traces(
    folder: Path, mode: str, window: int, selection: SetSelection = ALL_SETS
) -> Splits:
    """Return the splits of the trace files of ``mode`` in ``folder``; for v1, of all modes.

    Training traces occur twice: as measured, and at half the sampling rate.

    Parameters
    ----------
    folder
        Contains ``<mode>/<set>.parquet``; other folders in it are not read.
    selection
        Which sets to learn from; the others are reported on only.

    Raises
    ------
    InvalidTrace
        If there are no traces, no set of a selected name, or none to learn from.
    """
    traces = trace_splits(folder, mode, selection)
    entries = {
        "data": data_entries([folder / one for one in _modes(mode)], traces),
        "validation": validation_entries(traces["val"], traces["judge"], window),
    }
    return replace(_windows(traces, mode, window), card_entries=entries)


def trace_splits(folder: Path, mode: str, selection: SetSelection = ALL_SETS) -> TraceSplits:
    """Return the traces that `splits_from_traces` cuts into windows, and those that judge.

    A set whose rates are an application's neither tunes nor judges. Raises as the other does.
    """
    splits: TraceSplits = {"train": {}, "val": {}, "judge": {}, "test": {}}
    for trace_mode in _modes(mode):
        for name, traces in read_sets(folder, trace_mode).items():
            for split, of_set in _splits_of_set(traces, PROFILES[trace_mode].window).items():
                splits[split][name] = of_set
    names = tuple(splits["test"])
    selection.check(folder, mode, names)
    training_sets = selection.training_sets(names)
    for name in names:
        if name not in training_sets:
            splits["train"][name] = []
        if name not in training_sets or public_set(name).use is SetUse.PATH_ONLY:
            splits["val"][name] = splits["judge"][name] = []
    return splits


def _splits_of_set(traces: Sequence[Trace], window: int) -> dict[str, list[Trace]]:
    by_split = {split: [one for one in traces if one.split == split] for split in _SHARES}
    parts = divide_validation(by_split["val"], window)
    return {
        "train": training_traces(by_split["train"]),
        "val": parts.tune,
        "judge": parts.judge,
        "test": by_split["test"],
    }


def training_traces(traces: Sequence[Trace]) -> list[Trace]:
    """Return ``traces`` as measured, followed by the same at half the sampling rate."""
    return [*traces, *(coarser(trace, _COARSER) for trace in traces)]


def _modes(mode: str) -> tuple[NetworkMode, ...]:
    """Return the modes whose links train the network of ``mode``; v1 is trained on all."""
    return tuple(PROFILES) if mode == v1_features.NAME else (NetworkMode(mode),)


def _windows(sets: Mapping[str, Mapping[str, Sequence[Series]]], mode: str, window: int) -> Splits:
    if mode != v1_features.NAME:
        return Splits.of(sets, window)
    features = {
        split: {name: [_features(one) for one in series] for name, series in by_name.items()}
        for split, by_name in sets.items()
    }
    return Splits.of(features, window)


def _features(series: Series) -> Series:
    features = v1_features.features(series.timestamps_s, series.telemetry)
    return _FeatureSeries(series.timestamps_s, features)


def coarser(trace: Trace, samples: int) -> Trace:
    """Return ``trace`` averaged over spans of ``samples`` samples.

    Each value is the mean of the measured values of its span, NaN where there is none. A link that
    is sampled at another rate varies differently but as realistically: additional training data
    that needs no further measurement.
    """
    count = len(trace) // samples * samples
    spans = trace.telemetry[:count].reshape(-1, samples, trace.telemetry.shape[1])
    measured = ~np.isnan(spans)
    counts = measured.sum(axis=1)
    total = np.where(measured, spans, 0.0).sum(axis=1)
    mean = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return replace(
        trace, timestamps_s=trace.timestamps_s[:count:samples], telemetry=mean, during_transfer=None
    )


def synthetic_splits(mode: str, samples: int, window: int, rng: np.random.Generator) -> Splits:
    """Return a generated link of ``samples`` samples, cut in time: 70 %, 15 %, 15 %.

    For v1, one link of each mode. Suitable for first runs; accuracy is claimed on real traces only.
    """
    links = {
        f"synthetic_{link_mode}": History.of(generate_synthetic_data(link_mode, samples, rng))
        for link_mode in _modes(mode)
    }
    cuts = np.round(np.cumsum([0.0, *_SHARES.values()]) * samples).astype(int)
    sets = {
        split: {name: [link.first(high).last(high - low)] for name, link in links.items()}
        for split, low, high in zip(_SHARES, cuts[:-1], cuts[1:], strict=True)
    }
    return _windows(sets, mode, window)
