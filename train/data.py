"""Traces, or synthetic links, as windows in three splits that never mix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pba.errors import InvalidTrace
from pba.nets.data import Series, WindowSet
from pba.synthetic import generate_synthetic_data
from pba.traces import read_sets
from pba.types import History, NetworkMode

__all__ = ["Splits", "from_traces", "synthetic"]

_SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


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
        """Names of the sets that have training windows."""
        return tuple(name for name, windows in self.train.by_set() if len(windows))


def from_traces(
    folder: Path, mode: NetworkMode, window: int, without: Sequence[str] = ()
) -> Splits:
    """Return the splits that the trace files of ``mode`` below ``folder`` fix.

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
    sets = read_sets(folder, mode)
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
    return Splits.of(parts, window)


def synthetic(mode: NetworkMode, samples: int, window: int, rng: np.random.Generator) -> Splits:
    """Return one generated link of ``samples`` samples, cut in time: 70 %, 15 %, 15 %.

    Good for first runs; accuracy is claimed on real traces only.
    """
    history = History.of(generate_synthetic_data(mode, samples, rng))
    cuts = np.round(np.cumsum([0.0, *_SHARES.values()]) * samples).astype(int)
    parts = {
        split: {"synthetic": [history.first(high).last(high - low)]}
        for split, low, high in zip(_SHARES, cuts[:-1], cuts[1:], strict=True)
    }
    return Splits.of(parts, window)
