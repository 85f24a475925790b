"""What a store holds of a link after each arrival, without a database.

Samples are unique by their time and read in its order. Where the tree has the rule, the samples of
a clock that was ahead move to when they came once it is set right.
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
    """A link's samples as they arrive, and what becomes of them.

    Parameters
    ----------
    moved_at, removed_at
        The arrival at which each gets its true time, or is removed; after the last one if never.
        Shape ``(arrival,)``.
    newest_us
        The time of the newest stored sample after each arrival, microseconds; the same shape.
    """

    arrivals: Arrivals
    moved_at: np.ndarray
    removed_at: np.ndarray
    newest_us: np.ndarray

    @classmethod
    def of(cls, arrivals: Arrivals) -> Self:
        """Return ``arrivals`` as the tree that is imported stores them."""
        count = len(arrivals.stamped_s)
        newest_us = np.maximum.accumulate(_micros(arrivals.stamped_s))
        stored = cls(arrivals, np.full(count, count), np.full(count, count), newest_us)
        ahead = bool((arrivals.stamped_s > arrivals.arrived_s).any())
        if ahead and importlib.util.find_spec(CLOCKS) is not None:
            stored._follow_clock()
        return stored

    def known(self, at: int) -> tuple[Floats, Floats]:
        """Return times and telemetry of the newest stored samples after arrival ``at``."""
        part = self._stored(max(0, at + 1 - DISORDERED), at)
        times_s, first = np.unique(self._times_s(part, at), return_index=True)
        return times_s[-KNOWN:], self.arrivals.telemetry[part][first][-KNOWN:]

    def _stored(self, start: int, at: int) -> np.ndarray:
        part = np.arange(start, at + 1)
        return part[self.removed_at[part] > at]

    def _times_s(self, part: np.ndarray, at: int) -> Floats:
        moved = self.moved_at[part] <= at
        return np.where(moved, self.arrivals.arrived_s[part], self.arrivals.stamped_s[part])

    def _follow_clock(self) -> None:
        """Enter what `pba.store.clock_repair` does."""
        clocks = importlib.import_module(CLOCKS)
        stamped_us, now_us = _micros(self.arrivals.stamped_s), _micros(self.arrivals.arrived_s)
        newest = 0
        for at, (reported, now) in enumerate(
            zip(stamped_us.tolist(), now_us.tolist(), strict=True)
        ):
            if at and clocks.was_set_back(newest, reported, now):
                self._move(at, newest - int(now_us[at - 1]), now + clocks.TOLERANCE_US)
                part = self._stored(0, at - 1)
                newest = int(_micros(self._times_s(part, at)).max())
            newest = max(newest, reported)
            self.newest_us[at] = newest

    def _move(self, at: int, offset_us: int, latest_us: int) -> None:
        part = self._stored(0, at - 1)
        times_us = _micros(self._times_s(part, at))
        ahead = times_us > latest_us
        replaced = ~ahead & (times_us >= times_us[ahead].min() - offset_us)
        self.moved_at[part[ahead]] = at
        self.removed_at[part[replaced]] = at


def _micros(times_s: Floats) -> np.ndarray:
    return np.asarray(np.round(times_s * 1e6).astype(np.int64))
