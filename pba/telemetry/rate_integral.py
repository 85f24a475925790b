"""The integral of a link's measured rate: how much it could carry from one time to another.

Each sample's rate holds for the time since the sample before it, as agents measure it. So the
integral is linear between samples. Zeros count.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from pba.types import Floats

__all__ = ["RateIntegral"]


@dataclass(frozen=True, slots=True, eq=False)
class RateIntegral:
    """What a link has carried since its first sample.

    Parameters
    ----------
    timestamps_s
        Increasing, shape ``(sample,)``.
    megabits
        Since the first sample, likewise.
    gaps
        How many gaps lie before each sample, likewise.
    """

    timestamps_s: Floats
    megabits: Floats
    gaps: np.ndarray

    @classmethod
    def of(cls, timestamps_s: Floats, rate_mbps: Floats, gap_s: float) -> Self:
        """Return the integral of ``rate_mbps``; a wait of over ``gap_s`` is a gap."""
        waits_s = np.diff(timestamps_s, prepend=timestamps_s[:1])
        megabits = np.cumsum(np.asarray(rate_mbps, dtype=float) * waits_s)
        return cls(timestamps_s, megabits, np.cumsum(waits_s > gap_s))

    def known_s(self, newest: np.ndarray) -> Floats:
        """Return for how long after each of the samples ``newest`` the rate is known.

        That is until the next gap, or until the last sample.
        """
        last = np.searchsorted(self.gaps, self.gaps[newest], side="right") - 1
        return np.asarray(self.timestamps_s[last] - self.timestamps_s[newest])

    def time_s(self, newest: np.ndarray, megabits: Floats) -> Floats:
        """Return how long after each of the samples ``newest`` so many ``megabits`` are through.

        NaN where a gap or the last sample comes first: it is open.

        Examples
        --------
        >>> link = RateIntegral.of(np.arange(4.0), np.array([9.0, 2.0, 0.0, 4.0]), 10.0)
        >>> link.time_s(np.array([0, 0, 0]), np.array([1.0, 4.0, 7.0]))
        array([0.5, 2.5, nan])
        """
        target = self.megabits[newest] + megabits
        index = np.searchsorted(self.megabits, target)
        after = np.minimum(np.maximum(index, newest + 1), len(self.megabits) - 1)
        rise = self.megabits[after] - self.megabits[after - 1]
        share = np.divide(
            target - self.megabits[after - 1], rise, out=np.zeros(np.shape(target)), where=rise > 0
        )
        start_s, wait_s = self.timestamps_s[after - 1], np.diff(self.timestamps_s)[after - 1]
        time_s = start_s + np.clip(share, 0.0, 1.0) * wait_s - self.timestamps_s[newest]
        is_known = (index < len(self.megabits)) & (self.gaps[after] == self.gaps[newest])
        return np.where(is_known, time_s, np.nan)
