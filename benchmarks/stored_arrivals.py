"""What a store holds of a link after each arrival, without a database.

Samples are unique by their time and read in its order. Where the tree has the rule, the samples of
a clock that was ahead go once it is set right.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Self

import numpy as np

from benchmarks.link_faults import Arrivals
from pba.types import Floats

__all__ = ["StoredArrivals"]

CLOCKS = "pba.telemetry.clocks"
KNOWN, DISORDERED = 240, 700


@dataclass(frozen=True, slots=True, eq=False)
class StoredArrivals:
    """A link's samples as they arrive, and when they go.

    Parameters
    ----------
    removed_at
        The arrival at which each is removed, after the last one if never; shape ``(arrival,)``.
    newest_us
        The time of the newest stored sample after each arrival, microseconds; the same shape.
    """

    arrivals: Arrivals
    removed_at: np.ndarray
    newest_us: np.ndarray

    @classmethod
    def of(cls, arrivals: Arrivals) -> Self:
        """Return ``arrivals`` as the tree that is imported stores them."""
        stamped_us, now_us = (
            (times_s * 1e6).astype(np.int64) for times_s in (arrivals.stamped_s, arrivals.arrived_s)
        )
        removed_at = np.full(len(stamped_us), len(stamped_us))
        newest_us = np.maximum.accumulate(stamped_us)
        if importlib.util.find_spec(CLOCKS) is not None and (newest_us > now_us).any():
            _repair(stamped_us, now_us, removed_at, newest_us)
        return cls(arrivals, removed_at, newest_us)

    def known(self, at: int) -> tuple[Floats, Floats]:
        """Return times and telemetry of the newest stored samples after arrival ``at``."""
        part = np.arange(max(0, at + 1 - DISORDERED), at + 1)
        part = part[self.removed_at[part] > at]
        times_s, first = np.unique(self.arrivals.stamped_s[part], return_index=True)
        return times_s[-KNOWN:], self.arrivals.telemetry[part][first][-KNOWN:]


def _repair(
    stamped_us: np.ndarray, now_us: np.ndarray, removed_at: np.ndarray, newest_us: np.ndarray
) -> None:
    """Write into ``removed_at`` and ``newest_us`` what `pba.store.clock_repair` does."""
    clocks = importlib.import_module(CLOCKS)
    newest = 0
    for at, (reported, now) in enumerate(zip(stamped_us.tolist(), now_us.tolist(), strict=True)):
        if clocks.was_set_back(newest, reported, now):
            stored = np.flatnonzero(removed_at[:at] > at)
            ahead = stamped_us[stored] > now + clocks.TOLERANCE_US
            removed_at[stored[ahead]] = at
            newest = int(stamped_us[stored[~ahead]].max(initial=0))
        newest = max(newest, reported)
        newest_us[at] = newest
